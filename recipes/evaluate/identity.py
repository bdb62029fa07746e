"""What makes two sets of samples the same experiment, so that rows of different ones are never mixed in a file."""

import hashlib
import json
from pathlib import Path
from typing import Any

from recipes.common.errors import UserError
from recipes.common.files import read_mapping, write_atomically
from recipes.evaluate.problems import Problem
from recipes.inputs import model_folder
from recipes.runs.evaluation_folder import problems_digest

# What decides a sample. Verifiers, statistics, hardware and the number of samples per problem may differ between two
# commands on the same folder: samples are drawn independently, so more of them are the same experiment.
SAMPLING = ("temperature", "top_p", "top_k", "max_prompt_tokens", "max_response_tokens", "seed")


def identity(source: str, model: str | None, sampling: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """Model, sampling and problems, as plain data.

    Args:
        source: where the samples are from: the model, or a file of responses.
        model: hub id or folder; None where responses come from a file.
        sampling: the eval config.
        problems: all of them.
    """
    asked = ((one.benchmark, one.id, one.messages, one.golds, one.task) for one in problems)
    return {
        "model": source,
        "weights": weights_digest(model) if model else None,
        **{name: sampling[name] for name in SAMPLING},
        # As it was before there was the choice: evaluations that were begun then can go on.
        **({} if sampling["seed_per_sample"] else {"seed_per_sample": False}),
        "problems": len(problems),
        "problems_sha256": problems_digest(asked),
    }


def weights_digest(model: str) -> str | None:
    """Tells one local checkpoint from another: names, sizes and heads of the weight files; None for a hub id."""
    if not model_folder.is_local(model):
        return None
    digest = hashlib.sha256()
    folder = Path(model).expanduser()
    for file in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin"), folder / "config.json"]):
        digest.update(f"{file.name} {file.stat().st_size}".encode())
        with file.open("rb") as content:
            digest.update(content.read(1 << 24))
    return digest.hexdigest()


def read(path: Path) -> dict[str, Any]:
    """The identity that is there.

    Raises:
        UserError: the file is damaged.
    """
    try:
        return read_mapping(path)
    except ValueError as error:
        raise UserError(
            f"{path} is damaged ({error}). Restore it, or write name=<a new name>: without it nobody knows what the "
            "samples beside it are of."
        ) from error


def refuse_other(path: Path, now: dict[str, Any], samples: Path) -> None:
    """Write the identity of samples that are not there yet; raise UserError if there are some of another one.

    Args:
        path: JSON file in the folder of the evaluation.
        now: see `identity`.
        samples: of the evaluation; none where an attempt ended before its first, as one that was set up wrongly.
    """
    if not any(file.stat().st_size for file in path.parent.glob("*.jsonl")):  # nor a verdict
        write_atomically(path, json.dumps(now, indent=2) + "\n")
        return
    if not path.is_file():
        raise UserError(
            f"{path} is missing, so nobody knows what {samples.name} beside it is of. Restore it, or write name=<a "
            "new name>."
        )
    before = read(path)
    different = [name for name in before | now if before.get(name) != now.get(name)]
    if different:
        shown = "\n".join(f"  {name}: {before.get(name)!r} there, {now.get(name)!r} now" for name in different)
        raise UserError(
            f"{path.parent} holds samples of another evaluation:\n{shown}\nWrite name=<a new name>; results of "
            "different set-ups are not mixed."
        )
