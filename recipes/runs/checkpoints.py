"""The checkpoints of one run: published whole or not at all, verified before use, pruned to the last few and the best.

checkpoints/global_step_N/               what verl writes, and
                          row.json       the step's line for metrics.jsonl, should the run end before it is logged
                          complete.json  whose it is, every file and its size; written last
            best.json                    the step with the best validation accuracy so far
            latest_checkpointed_iteration.txt   verl's own note of where to go on
            .partial/                    being written; renamed when complete
"""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.common.files import finish, read_mapping, remove_partial_files, sync_folder, write_atomically
from recipes.common.numbers import is_integer, is_number

TRACKER = "latest_checkpointed_iteration.txt"
MARK = "complete.json"
ROW = "row.json"
BEST = "best.json"
PARTIAL = ".partial"
_DOOMED = ".doomed-"
_STEP = "global_step_"  # begins verl's name of a checkpoint
_SHARD = re.compile(r"(\w+)_world_size_(\d+)_rank_\d+\.pt")
# What verl needs to go on: its word in checkpoint.load_contents → how the names of its shards begin.
STATE = {"model": "model", "optimizer": "optim", "extra": "extra_state"}
LOADER = "data.pt"  # where the data loader stood


def step_of(folder: Path) -> int | None:
    """Step of the checkpoint that is called as this folder is; None for another name."""
    found = re.fullmatch(rf"{_STEP}(\d+)", folder.name, re.ASCII)
    return int(found[1]) if found else None


def _read(file: Path) -> dict[str, Any]:
    """A mapping from a JSON file; empty where there is none or it is damaged."""
    try:
        return read_mapping(file)
    except (OSError, ValueError):
        return {}


def _sizes(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


def _is_copy(name: str) -> bool:
    """Weights that were saved twice: whoever is short of room may delete them, recipes.merge makes them again."""
    return name.startswith("actor/huggingface/model") and name.endswith((".safetensors", ".bin"))


@dataclass(frozen=True)
class Checkpoints:
    """The folder `checkpoints/` of a run.

    Attributes:
        path: of the folder; need not exist.
    """

    path: Path

    @property
    def staging(self) -> Path:
        """Where the next checkpoint is written; a checkpoint elsewhere under `path` is complete."""
        return self.path / PARTIAL

    def folder(self, step: int) -> Path:
        """Where the checkpoint of `step` is, or would be."""
        return self.path / f"{_STEP}{step}"

    def staged(self, step: int) -> Path:
        """Where the checkpoint of `step` is written."""
        return self.staging / f"{_STEP}{step}"

    def _there(self) -> list[int]:
        """Steps of all checkpoints, damaged ones included, ascending."""
        found = map(step_of, self.path.glob(f"{_STEP}*"))
        return sorted(step for step in found if step is not None)

    def publish(self, step: int, row: dict[str, Any] | None = None, run: str | None = None) -> None:
        """Make the staged checkpoint of `step` the latest one.

        Args:
            step: of the checkpoint that stands complete in `staging`.
            row: the step's metrics, if they are not logged yet.
            run: id of the run whose it is.
        """
        staged, target = self.staged(step), self.folder(step)
        if row is not None:
            write_atomically(staged / ROW, json.dumps(row))
        mark = {"step": step, "run": run, "files": _sizes(staged)}
        write_atomically(staged / MARK, json.dumps(mark, indent=1) + "\n")
        finish(staged, (staged / MARK).stat().st_mode & 0o777)  # all of it is on the disk before it gets its name
        self._discard(target)
        staged.rename(target)
        sync_folder(self.path)
        self._point_to(step)

    def owner(self, step: int) -> str | None:
        """Id of the run that wrote the checkpoint of `step`; None where nothing says so (before 0.2)."""
        run = _read(self.folder(step) / MARK).get("run")
        return run if isinstance(run, str) else None

    def lacks(self, step: int) -> list[str]:
        """What a training needs to go on after `step` and its checkpoint does not hold; words of save_contents.

        A critic's state is asked for where the checkpoint has one.
        """
        folder = self.folder(step)
        missing = [] if (folder / LOADER).is_file() else [LOADER]
        for role in (folder / "actor", *folder.glob("critic")):
            shards = [found for file in role.glob("*.pt") if (found := _SHARD.fullmatch(file.name))]
            for word, start in STATE.items():
                sizes = [int(shard[2]) for shard in shards if shard[1] == start]
                if not sizes or len(sizes) < max(sizes):  # of some ranks only
                    missing.append(word if role.name == "actor" else f"{role.name}'s {word}")
        return missing

    def steps(self) -> list[int]:
        """Steps of all intact checkpoints, ascending."""
        return [step for step in self._there() if not self.damage(step)]

    def latest(self) -> int:
        """Step of the latest intact checkpoint; 0 without one."""
        return max(self.steps(), default=0)

    def damage(self, step: int) -> str | None:
        """What is wrong with the checkpoint of `step`; None if it is intact."""
        folder = self.folder(step)
        if not folder.is_dir():
            return "it is not there"
        expected = _read(folder / MARK).get("files")
        if not isinstance(expected, dict):
            # Written by verl alone, which notes the step in its tracker once everything is there.
            by_verl = self._tracked() == step and not (folder / MARK).exists()
            return None if by_verl else f"{MARK} is missing or damaged: it was cut off while being written"
        for name, size in expected.items():
            file = folder / name
            found = file.stat().st_size if file.is_file() else None
            if found is None and _is_copy(name):
                continue
            if found != size:
                size = size if isinstance(size, int) else 0
                return f"{name} has {found:,} of {size:,} bytes" if found is not None else f"{name} is missing"
        return None

    def row(self, step: int) -> dict[str, Any] | None:
        """The metrics of `step` as they were when its checkpoint was written."""
        return _read(self.folder(step) / ROW) or None

    def repair(self) -> list[str]:
        """Prepare for going on: drop what was being written or deleted, point verl to the latest intact checkpoint.

        Returns:
            A warning per checkpoint that has to be passed over; the folder is left for whoever wants to look at it.
        """
        if not self.path.is_dir():
            return []
        remove_partial_files(self.path)
        for rest in (self.staging, *self.path.glob(f"{_DOOMED}*")):
            shutil.rmtree(rest, ignore_errors=True)
        latest = self.latest()
        warnings = [f"{self.folder(s)} can't be used: {self.damage(s)}" for s in self._there() if s > latest]
        if latest:
            self._point_to(latest)
        else:
            (self.path / TRACKER).unlink(missing_ok=True)  # verl takes an empty one for a number
        return warnings

    def prune(self, keep: int) -> None:
        """Delete all but the last `keep` checkpoints and the best one."""
        best = self.best()
        for step in self.steps()[:-keep]:
            if best is None or step != best[0]:
                self._discard(self.folder(step))

    def best(self) -> tuple[int, float] | None:
        """Step and validation accuracy of the best checkpoint that is there."""
        content = _read(self.path / BEST)
        step, accuracy = content.get("step"), content.get("accuracy")
        if is_integer(step) and is_number(accuracy) and self.folder(step).is_dir():
            return step, accuracy
        return None

    def note_accuracy(self, step: int, accuracy: float) -> None:
        """Keep the checkpoint of `step`, if there is one, when no other validated better."""
        best = self.best()
        if not self.damage(step) and (best is None or accuracy > best[1]):
            write_atomically(self.path / BEST, json.dumps({"step": step, "accuracy": accuracy}) + "\n")

    def _point_to(self, step: int) -> None:
        write_atomically(self.path / TRACKER, str(step))

    def _tracked(self) -> int | None:
        tracker = self.path / TRACKER
        text = tracker.read_bytes().strip() if tracker.is_file() else b""
        return int(text) if text.isdigit() else None

    def _discard(self, folder: Path) -> None:
        """Delete; a name of its own first, so that half of it is never taken for a checkpoint."""
        if folder.is_dir():
            doomed = folder.with_name(f"{_DOOMED}{folder.name}")
            shutil.rmtree(doomed, ignore_errors=True)
            folder.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)
