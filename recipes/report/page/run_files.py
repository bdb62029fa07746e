"""What is readable in a run folder, in whatever state it is; what is not becomes a note for the reader."""

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from recipes.common.errors import UserError
from recipes.common.secrets import redacted
from recipes.runs.metrics_file import is_step
from recipes.runs.run_folder import CONFIG, MANIFEST, METRICS, PARTS, RunFolder

LARGEST_RECORD = 2**20  # bytes; a config or manifest beyond is none


@dataclass
class RunFiles:
    """One run as read at one moment.

    Attributes:
        path: its folder.
        config: resolved config, without secrets; empty where there is none.
        manifest: the same of manifest.json.
        rows: metrics.jsonl, ascending and one per step: dicts with `step` and `data`.
        notes: sentences about what could not be read.
    """

    path: Path
    config: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "RunFiles":
        """Everything but the responses.

        Raises:
            UserError: `path` is not the folder of a run.
        """
        require_run(path)
        run = cls(path)
        run.config = run._record(CONFIG)
        run.manifest = run._record(MANIFEST)
        run.rows = run._metrics()
        if not run.rows:
            run.notes.append("No step has been logged: metrics.jsonl is missing or holds no complete line.")
        return run

    def setting(self, dotted: str, default: Any = None) -> Any:
        """A value of the config by its dotted key."""
        return within(self.config, dotted, default)

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """What the manifest says about each attempt, oldest first."""
        listed = self.manifest.get("attempts")
        return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []

    def inside(self, relative: str) -> Path | None:
        """The file of that name, unless it is missing or a link leads it out of the folder."""
        place = (self.path / relative).resolve()
        return place if place.is_file() and place.is_relative_to(self.path.resolve()) else None

    def _record(self, name: str) -> dict[str, Any]:
        file = self.inside(name)
        if file is None:
            self.notes.append(f"{name} is missing.")
            return {}
        try:
            if file.stat().st_size > LARGEST_RECORD:
                raise ValueError("it is too large")
            text = file.read_text(errors="replace")
            content = _yaml(text) if name.endswith(".yaml") else json.loads(text)
            if not isinstance(content, dict):
                raise ValueError("it is no mapping")
            return dict(redacted(content))
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            self.notes.append(f"{name} can't be read: {str(error).splitlines()[0][:200]}.")
            return {}

    def _metrics(self) -> list[dict[str, Any]]:
        file = self.inside(METRICS)
        found: dict[int, dict[str, Any]] = {}
        broken = 0
        for line in filter(None, file.read_bytes().splitlines() if file else ()):
            row = parsed(line)
            step = row.get("step") if isinstance(row, dict) else None
            if is_step(step) and isinstance(row.get("data"), dict):
                found[step] = row
            elif line.strip():
                broken += 1
        if broken:
            self.notes.append(f"{broken} line{'s' * (broken > 1)} of metrics.jsonl: cut off or no JSON, left out.")
        return [found[step] for step in sorted(found)]


class _Loader(yaml.SafeLoader):
    """Safe, and without aliases: a few lines of nested ones would fill the memory. Our configs hold none.

    In Python, because the loader in C dies of a text that is nested too deeply.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As of yaml, but refuses aliases."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it holds YAML aliases")
        return super().compose_node(parent, index)


@functools.lru_cache(maxsize=16)  # a page that follows a run looks again and again
def _yaml(text: str) -> Any:
    return yaml.load(text, _Loader)


def parsed(line: bytes | str) -> Any:
    """The value of one line of JSON, None if it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def within(mapping: Any, dotted: str, default: Any = None) -> Any:
    """A value of nested mappings by its dotted key."""
    for key in dotted.split("."):
        if not isinstance(mapping, dict) or key not in mapping:
            return default
        mapping = mapping[key]
    return mapping


def require_run(path: Path) -> None:
    """Raise UserError unless `path` is a folder that holds a run, or nothing yet."""
    if not path.is_dir():
        raise UserError(f"{path} is no folder. Write the folder of a run, for instance outputs/quickstart/<run>.")
    names = {entry.name for entry in path.iterdir()}
    if names and not names & set(PARTS):
        inner = next(RunFolder.found(path, "*"), None)
        hint = f" It holds runs: write {inner.path}." if inner else ""
        raise UserError(f"{path} is not the folder of a run: it holds none of {', '.join(PARTS)}.{hint}")
