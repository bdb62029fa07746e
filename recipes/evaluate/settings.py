"""The `eval` section of the config: what may stand there."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.common.errors import UserError
from recipes.common.numbers import is_integer, is_number
from recipes.evaluate.verifiers import VERIFIERS


def checked(config: DictConfig) -> dict[str, Any]:
    """The section as plain data, with `pass_at` filled in.

    Raises:
        UserError: names the key and what to write.
    """
    settings: dict[str, Any] = OmegaConf.to_container(config.eval, resolve=True)  # type: ignore[assignment]
    settings["files"] = _chosen_files(settings["files"], settings["benchmarks"])
    for name in ("samples", "max_prompt_tokens", "max_response_tokens"):
        _require(_is_count(settings[name]), name, settings[name], "must be a whole number >= 1", 32)
    most = settings["max_problems"]
    _require(most is None or _is_count(most), "max_problems", most, "must be a whole number >= 1, or null", "null")
    seed = settings["seed"]
    _require(seed is None or is_integer(seed), "seed", seed, "must be a whole number, or null", 0)
    each = settings["seed_per_sample"]
    _require(isinstance(each, bool), "seed_per_sample", each, "must be true or false", "true")
    _check_sampling(settings)
    _check_verifiers(settings["verifiers"])
    settings["pass_at"] = _pass_at(settings["pass_at"], settings["samples"])
    return settings


def _chosen_files(files: dict[str, str], chosen: Any) -> dict[str, str]:
    if chosen is None:
        return files
    if not isinstance(chosen, list) or not chosen:
        raise UserError(f"eval.benchmarks={chosen}: must be a list, as [{', '.join(files)}], or null for all.")
    for name in chosen:
        if name not in files:
            raise UserError(
                f"eval.benchmarks: {name} is unknown; there are {', '.join(files)}. "
                f"Write +eval.files.{name}=<parquet file> to add it."
            )
    return {name: files[name] for name in chosen}


def _check_sampling(settings: dict[str, Any]) -> None:
    temperature, top_p, top_k = (settings[name] for name in ("temperature", "top_p", "top_k"))
    _require(is_number(temperature) and temperature >= 0, "temperature", temperature, "must be a number >= 0", 0.6)
    _require(is_number(top_p) and 0 < top_p <= 1, "top_p", top_p, "must lie in (0, 1]", 0.95)
    _require(is_integer(top_k) and (top_k >= 1 or top_k == -1), "top_k", top_k, "must be >= 1, or -1 for all", -1)
    if temperature == 0 and settings["samples"] > 1:
        raise UserError(
            f"eval.temperature=0 draws the same response every time, but eval.samples={settings['samples']}. "
            "Write eval.samples=1 for greedy decoding, or eval.temperature=0.6."
        )


def _check_verifiers(verifiers: Any) -> None:
    known = ", ".join(VERIFIERS)
    if not isinstance(verifiers, list) or not verifiers:
        raise UserError(f"eval.verifiers={verifiers}: must be a list of {known}. Write eval.verifiers=[ours].")
    for name in verifiers:
        _require(name in VERIFIERS, "verifiers", name, f"is unknown; there are {known}", "[ours]")


def _pass_at(given: Any, samples: int) -> list[int]:
    if given is None:
        powers = [1 << place for place in range(samples.bit_length()) if 1 << place <= samples]
        return powers if powers[-1] == samples else [*powers, samples]
    right = isinstance(given, list) and all(_is_count(k) for k in given)
    _require(right, "pass_at", given, "must be a list of whole numbers >= 1", "null")
    for k in given:
        if k > samples:
            raise UserError(
                f"eval.pass_at={k}: Pass@{k} can't be estimated from eval.samples={samples}. "
                f"Write eval.samples={k}, or eval.pass_at=null for what {samples} samples give."
            )
    return sorted(set(given))


def _is_count(value: Any) -> bool:
    return is_integer(value) and value >= 1


def _require(right: bool, name: str, value: Any, what: str, write: Any) -> None:
    if not right:
        raise UserError(f"eval.{name}={value}: {what}. Write eval.{name}={write}.")
