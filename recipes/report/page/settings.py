"""Config and environment of the runs, one row per key, one value per run."""

import shlex
from typing import Any

from recipes.report.page.run_files import RunFiles, parsed, within
from recipes.report.page.sanitize import display_text

MOST_ROWS = 5000


def groups(runs: list[RunFiles]) -> list[dict[str, Any]]:
    """Tables of rows `[key, value of run 0, value of run 1, …]`; None where a run lacks the key."""
    environment = [_environment(run) for run in runs]
    found = [
        {"title": "Command and code", "rows": _rows([kind["code"] for kind in environment])},
        {"title": "Versions", "rows": _rows([kind["versions"] for kind in environment])},
        {"title": "Machine", "rows": _rows([kind["machine"] for kind in environment])},
        {"title": "Config", "rows": _rows([flat(run.config) for run in runs])},
    ]
    return [group for group in found if group["rows"]]


def _environment(run: RunFiles) -> dict[str, dict[str, str]]:
    command = run.manifest.get("command")
    words = [str(word) for word in command] if isinstance(command, list) else []
    code = {
        "command": shlex.join(words),
        "git revision": str(within(run.manifest, "git.revision", "")),
        "uncommitted changes": {True: "yes", False: "no"}.get(within(run.manifest, "git.modified"), ""),
        "seed": str(run.manifest.get("seed", "")),
        "run": str(run.manifest.get("run_id", "")),
    }
    return {
        "code": {key: display_text(value) for key, value in code.items() if value},
        "versions": flat(run.manifest.get("versions")),
        "machine": {key: _counted(value) for key, value in flat(run.manifest.get("machine")).items()},
    }


def _counted(text: str) -> str:
    """`8 × H100` for a list of eight equal words."""
    words = parsed(text)
    if isinstance(words, list) and words and all(isinstance(word, str) and word == words[0] for word in words):
        return f"{len(words)} × {words[0]}"
    return "none" if words == [] else text


def flat(value: Any, key: str = "") -> dict[str, str]:
    """Dotted key → value as text, at most MOST_ROWS of them."""
    leaves: dict[str, str] = {}
    waiting = [(key, value)]
    while waiting and len(leaves) < MOST_ROWS:
        name, child = waiting.pop()
        if isinstance(child, dict):
            waiting += [(f"{name}.{inner}" if name else str(inner), child[inner]) for inner in reversed(list(child))]
        elif name:
            leaves[display_text(name, 200)] = display_text(child, 2000)
    return leaves


def _rows(of_runs: list[dict[str, str]]) -> list[list[str | None]]:
    keys = dict.fromkeys(key for run in of_runs for key in run)
    return [[key, *(run.get(key) for run in of_runs)] for key in keys]
