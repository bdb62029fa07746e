"""What may stand in the config of an evaluation: a table of keys, as a training has (recipes.checks.values)."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.checks import values
from recipes.common import rules
from recipes.common.errors import UserError
from recipes.common.numbers import is_integer
from recipes.common.rules import Rule, flag, is_text, or_null, real, whole
from recipes.common.suggestions import nearest
from recipes.evaluate.verifiers import VERIFIERS


def _is_count(value: Any) -> bool:
    return is_integer(value) and value >= 1


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_text, value))


RULES = (
    *values.SHARED,
    or_null(rules.name("name", "my-evaluation")),
    rules.name("eval_name", "my-evaluation"),
    or_null(Rule("checkpoint", is_text, "a folder or a hub id", "/path/to/a/checkpoint")),
    or_null(Rule("responses", is_text, "a JSON-lines file", "/path/to/responses.jsonl")),
    or_null(Rule("eval.benchmarks", _are_names, "a list of names of eval.files", "null")),
    whole("eval.samples", 1, 32),
    or_null(whole("eval.max_problems", 1, 100)),
    real("eval.temperature", "[0, inf)", 0.6),
    real("eval.top_p", "(0, 1]", 0.95),
    Rule("eval.top_k", lambda k: _is_count(k) or k == -1, "an integer >= 1, or -1 for all", -1),
    whole("eval.max_prompt_tokens", 1, 2048),
    whole("eval.max_response_tokens", 1, 8192),
    or_null(whole("eval.seed", 0, 0, values.SEEDS - 1)),
    flag("eval.seed_per_sample", "true"),
    or_null(
        Rule(
            "eval.pass_at",
            lambda given: isinstance(given, list) and all(map(_is_count, given)),
            "a list of integers >= 1",
            "null",
        )
    ),
    Rule("eval.verifiers", _are_names, f"a list of {', '.join(VERIFIERS)}", "[ours]"),
    flag("eval.require_box", "true"),
    real("eval.gpu_memory_utilization", "(0, 1]", 0.9),
)
OF_EVAL = {"files": None} | {rule.key.removeprefix("eval."): None for rule in RULES if rule.key.startswith("eval.")}


def checked(config: DictConfig) -> dict[str, Any]:
    """The section `eval` as plain data, with `pass_at` filled in, once every value of the config has been looked at.

    Args:
        config: need not be resolved.

    Raises:
        UserError: names the key and what to write.
    """
    given: dict[str, Any] = OmegaConf.to_container(config.eval, resolve=True)  # type: ignore[assignment]
    for name in given:
        if name not in OF_EVAL:
            hint = nearest(str(name), OF_EVAL)
            raise UserError(f"eval.{name}: there is no such key. {f'Write eval.{hint}' if hint else 'Leave it out'}.")
    values.check_values(config, RULES)
    settings = OF_EVAL | given
    settings["files"] = _chosen_files(config, settings["files"] or {}, settings["benchmarks"])
    if settings["temperature"] == 0 and settings["samples"] > 1:
        raise UserError(
            f"eval.temperature=0 draws the same response every time, but eval.samples={settings['samples']}. "
            "Write eval.samples=1 for greedy decoding, or eval.temperature=0.6."
        )
    for name in settings["verifiers"]:
        if name not in VERIFIERS:
            raise UserError(
                f"eval.verifiers={name}: is unknown; there are {', '.join(VERIFIERS)}. Write eval.verifiers=[ours]."
            )
    settings["pass_at"] = _pass_at(settings["pass_at"], settings["samples"])
    return settings


def _chosen_files(config: DictConfig, files: dict[str, str], chosen: list[str] | None) -> dict[str, str]:
    if not files:
        raise UserError("eval.files is empty: write eval=paper, or +eval.files.<name>=<parquet file>.")
    for name in files:
        Rule(f"eval.files.{name}", is_text, "a parquet file", "/path/to/problems.parquet").check(config)
    for name in chosen or ():
        if name not in files:
            raise UserError(
                f"eval.benchmarks: {name} is unknown; there are {', '.join(files)}. "
                f"Write +eval.files.{name}=<parquet file> to add it."
            )
    return files if chosen is None else {name: files[name] for name in chosen}


def _pass_at(given: list[int] | None, samples: int) -> list[int]:
    if given is None:
        powers = [1 << place for place in range(samples.bit_length()) if 1 << place <= samples]
        return powers if powers[-1] == samples else [*powers, samples]
    for k in given:
        if k > samples:
            raise UserError(
                f"eval.pass_at={k}: Pass@{k} can't be estimated from eval.samples={samples}. "
                f"Write eval.samples={k}, or eval.pass_at=null for what {samples} samples give."
            )
    return sorted(set(given))
