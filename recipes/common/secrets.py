"""Keep secrets out of every file and message that this project writes.

A secret is known by its name (HF_TOKEN, WANDB_API_KEY, `+trainer.wandb_token=…`) or, anywhere in a text, by its value
in the environment.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HIDDEN = "***"
# Shorter values ("1", "true", "prompt") would be found in the middle of innocent words.
_SHORTEST = 8
_ENVIRONMENT_NAME = re.compile(r"(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIALS)$")
# Lower case is a config key: pad_token and reward_fn_key are none, so `key` alone is not enough there.
_CONFIG_KEY = re.compile(
    r"(?:^|_)(?:password|passwd|secret|credentials|api_?key|access_?key|secret_?key|private_?key|auth_?key)$"
    r"|(?:^|_)(?:access|api|auth|bearer|hf|hub|huggingface|refresh|secret|session|wandb|swanlab|mlflow|clearml|private)"
    r"_?token$|^token$",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?P<sign>=|[\"']?: ?)(?P<value>\"[^\"]*\"|'[^']*'|[^\s,}\]\"']+)")
_NO_SECRET = ("null", "None", "true", "false", "True", "False", HIDDEN, "''", '""')


def is_secret_name(name: str) -> bool:
    """Whether a variable or the last part of a dotted config key names a secret."""
    last = name.rsplit(".", 1)[-1].lstrip("+~")
    return bool(_ENVIRONMENT_NAME.search(last) or _CONFIG_KEY.search(last))


def secret_values(environment: Mapping[str, str] | None = None) -> list[str]:
    """Values of the environment's secrets, longest first, so that one inside another leaves nothing behind."""
    environment = os.environ if environment is None else environment
    found = {value for name, value in environment.items() if is_secret_name(name) and len(value) >= _SHORTEST}
    return sorted(found, key=len, reverse=True)


def redacted_text(text: str, environment: Mapping[str, str] | None = None) -> str:
    """`text` with *** for the value of every secret in it.

    Args:
        text: a command line, a message, a line of a log.
        environment: where secret values come from; this process's environment by default.
    """
    for value in secret_values(environment):
        text = text.replace(value, HIDDEN)
    return _ASSIGNMENT.sub(_hide_assignment, text)


def _hide_assignment(match: re.Match[str]) -> str:
    if not is_secret_name(match["name"]) or match["value"] in _NO_SECRET:
        return match[0]
    return f"{match['name']}{match['sign']}{HIDDEN}"


def redacted(value: Any, environment: Mapping[str, str] | None = None, name: str = "") -> Any:
    """A copy of plain data (dicts, lists, strings, numbers) with *** for every secret.

    Args:
        value: what is about to be written.
        environment: as in redacted_text.
        name: the key under which `value` stands.
    """
    if isinstance(value, Mapping):
        return {key: redacted(child, environment, str(key)) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(child, environment, name) for child in value]
    if isinstance(value, str):
        return HIDDEN if value and is_secret_name(name) else redacted_text(value, environment)
    return value


def redact_file(path: Path, environment: Mapping[str, str] | None = None) -> bool:
    """Replace a text file by one without secrets; return whether it held any. Nobody may be writing to it."""
    partial = path.with_name(f".{path.name}.redacted")
    changed = False
    with path.open(errors="surrogateescape") as source, partial.open("w", errors="surrogateescape") as target:
        for line in source:
            clean = redacted_text(line, environment)
            changed |= clean != line
            target.write(clean)
    if changed:
        partial.replace(path)
    else:
        partial.unlink()
    return changed
