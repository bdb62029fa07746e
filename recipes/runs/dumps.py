"""Files of responses: which of them a run writes (`dumps.*` of configs/train.yaml), in which form, how they are read.

A step of the papers' size has 8,192 responses of some thousand tokens each, more than a hundred megabytes of text; a
run has 300 steps. There a random sample of the prompts is kept, each with all of its responses, and compressed.
"""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from omegaconf import DictConfig

from recipes.common.files import new_file

ALL, SAMPLE, NONE = KEEP = ("all", "sample", "none")
PLAIN, PACKED = ".jsonl", ".jsonl.gz"
LEVEL = 3  # of gzip: twice as fast as its default, for a tenth more bytes
# Reckoned with: of English with mathematics, of a line without its response, and what gzip leaves of both. Assumptions.
BYTES_PER_TOKEN, LINE, PACKED_SHARE = 4.0, 1000, 0.4
BROKEN = (OSError, EOFError, zlib.error)  # what reading a damaged file raises


@dataclass(frozen=True)
class Dumps:
    """What is written.

    Attributes:
        keep: all responses, those to some of the prompts, or none.
        most: responses per step and per validation; for keep=sample.
        compress: with gzip.
    """

    keep: str = ALL
    most: int = 1024
    compress: bool = False

    @classmethod
    def of(cls, config: DictConfig) -> "Dumps":
        """As a config says; all of it where none does, under a verl command of the user's own."""
        return cls(**config.get("dumps", {}))

    def count(self, responses: int) -> int:
        """How many of so many responses are written, about: groups are whole, and one is always kept."""
        return {ALL: responses, SAMPLE: min(self.most, responses), NONE: 0}[self.keep]

    def bytes_of(self, responses: int, mean_length: float) -> float:
        """What a dump of so many responses, of which a share may be kept, takes on the disk, about.

        Args:
            responses: of a step or a validation.
            mean_length: tokens of one.
        """
        text = self.count(responses) * (mean_length * BYTES_PER_TOKEN + LINE)
        return text * (PACKED_SHARE if self.compress else 1)

    def kept(self, groups: Sequence[str]) -> set[str]:
        """Those of the groups that are written, at least one unless it is none.

        The same names are always chosen alike: a validation shows the same problems each time.

        Args:
            groups: of each response.
        """
        ranked = sorted(set(groups), key=lambda name: zlib.crc32(name.encode(errors="replace")))
        whole = len(ranked) * self.count(len(groups)) // max(len(groups), 1)
        return set(ranked[: max(whole, int(self.keep != NONE))])

    def write(self, folder: Path, step: int, columns: Mapping[str, Sequence[Any]]) -> Path:
        """The responses of a step: a JSON object per line, under the names of the columns, which are equally long."""
        folder.mkdir(parents=True, exist_ok=True)
        names = (folder / f"{step}{PACKED}", folder / f"{step}{PLAIN}")
        path, other = names if self.compress else names[::-1]
        with new_file(path) as out, _text(out, self.compress) as lines:
            for row in zip(*columns.values(), strict=True):
                fields = dict(zip(columns, row, strict=True))
                lines.write(json.dumps(fields, ensure_ascii=False, default=lambda value: value.tolist()) + "\n")
        other.unlink(missing_ok=True)  # of an attempt before, at the same step
        return path


@contextmanager
def _text(out: BinaryIO, compress: bool) -> Any:
    # No file name and no time inside: equal responses are equal files.
    packed = gzip.GzipFile("", "wb", LEVEL, out, mtime=0) if compress else None
    # A lone surrogate becomes its escape, which JSON reads back.
    lines = TextIOWrapper(cast(BinaryIO, packed or out), "utf-8", "backslashreplace", newline="")
    yield lines
    lines.flush()
    lines.detach()
    if packed:
        packed.close()


def files(folder: Path) -> list[tuple[int, Path]]:
    """(step, file) of every step that was written into a folder, in order."""
    found = {}
    for form in (PLAIN, PACKED):
        for path in folder.glob(f"*{form}"):
            if (step := path.name.removesuffix(form)).isdecimal():
                found[int(step)] = path
    return sorted(found.items())


def opened(path: Path) -> IO[bytes]:
    """A file of responses, its bytes as text has them, whether it is compressed or not."""
    return cast(IO[bytes], gzip.open(path) if path.suffix == ".gz" else path.open("rb"))


def size(path: Path) -> int:
    """Bytes of text in a file."""
    if path.suffix != ".gz":
        return path.stat().st_size
    with path.open("rb") as packed:
        packed.seek(max(0, path.stat().st_size - 4))
        return int.from_bytes(packed.read(), "little")  # gzip ends with it, modulo 2³²
