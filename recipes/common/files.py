"""Files and folders that are either complete or not there, and the record that says how a folder came about."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from recipes.common.errors import UserError

RECORD = "build.json"
_PARTIAL = ".partial"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that caused it, says that a disk is full, a quota spent, or a file too large."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno in _FULL:
            return True
        if os.strerror(errno.ENOSPC) in str(found):  # pyarrow's own errors carry no number
            return True
        found = found.__cause__
    return False


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """An error of the system in the block says which file it is about; one of write or fsync would not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(path)
        raise


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes `path` when the block ends without an error.

    Both lie in the same folder, so the final rename is atomic: a reader sees all of `path` or none of it. When the
    block raises (also on Ctrl-C), the temporary folder is removed and the error passes on.

    Raises:
        FileExistsError: `path` is a file or a folder with something in it.
    """
    path = Path(path)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise FileExistsError(f"{path} exists already: remove it first, or build into another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _beside(path)
    partial.mkdir()
    try:
        yield partial
        partial.rename(path)
    except BaseException:  # also Ctrl-C; passed on below
        shutil.rmtree(partial, ignore_errors=True)
        raise


def remove_partial_files(folder: Path) -> None:
    """Remove what killed writes left in a folder. Only for a caller that knows nobody else is writing there."""
    for entry in folder.glob(f".*{_PARTIAL}"):
        if entry.is_file():
            entry.unlink()


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what killed builds of `path` left behind. Only for a caller that knows no other build of it is running."""
    path = Path(path)
    if not path.parent.is_dir():
        return
    for entry in path.parent.iterdir():
        if entry.name.startswith(f".{path.name}.") and entry.name.endswith(_PARTIAL):
            shutil.rmtree(entry, ignore_errors=True)


def close_folder(folder: Path) -> None:
    """Make a folder that nobody else can look into (mode 700), or close one of ours that is there.

    Raises:
        OSError: it can't be made, is somebody else's, or is a link.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        raise PermissionError(errno.EPERM, "not a folder of yours", os.fspath(folder))
    folder.chmod(0o700)


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write `record` (arguments, measurements, versions) as the build record of `folder`."""
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def read_mapping(path: Path) -> dict[str, Any]:
    """What a JSON file holds.

    Raises:
        OSError: it can't be read.
        ValueError: it is damaged; says how.
    """
    try:
        content = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("no mapping")
    return content


def lock_beside(folder: Path) -> Path:
    """The lock of a folder: beside it, so that it is there before the folder and stays when that is moved away."""
    return folder.with_name(f".{folder.name}.lock")


def existing_parent(path: Path) -> Path:
    """The nearest folder above `path` that is there, or `path` itself."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def why_not_writable(folder: Path) -> str:
    """Why no file can be made in a folder, or in the one above it that is there; empty if one can."""
    try:  # root may write anywhere, but not to a read-only file system
        tempfile.TemporaryFile(dir=existing_parent(folder)).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file beside `path` that takes its place when the block ends without an error.

    Readers see the old content or the new one, and what they saw outlives a power cut: the file is on the disk before
    it gets its name, and its name before this returns. When the block raises (also on Ctrl-C), `path` stays as it was.
    """
    partial = _beside(path)
    with _named(path):
        try:
            with partial.open("xb") as out:  # so that its mode is the umask's
                yield out
                out.flush()
                os.fsync(out.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        sync_folder(path.parent)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace `path` in one step, see `new_file`; text becomes UTF-8."""
    with new_file(path) as out:
        out.write(content.encode() if isinstance(content, str) else content)


def require_png(picture: Path, key: str) -> None:
    """Raise UserError unless a picture is to be a PNG; `key` is what it was given as."""
    if picture.suffix.lower() != ".png":
        instead = picture.with_suffix(".png") if picture.name else "picture.png"
        raise UserError(f"{key}={picture}: the picture is a PNG. Write {key}={instead}.")


def save_picture(figure: Any, path: Path, **options: Any) -> None:
    """Replace a picture in one step by a figure of matplotlib, in the format that the end of its name says."""
    with new_file(path) as out:
        figure.savefig(out, format=path.suffix.removeprefix(".") or None, **options)


def append_whole(path: Path, text: str) -> None:
    """Append all of `text` or, where the disk is full, nothing of it.

    Raises:
        OSError: it could not be written; the file then ends as before.
    """
    with _named(path), path.open("ab", buffering=0) as out:
        end = out.seek(0, os.SEEK_END)
        left = memoryview(text.encode())
        try:
            while left:
                left = left[out.write(left) :]
        except OSError:
            out.truncate(end)
            raise


def finish(folder: Path, mode: int) -> None:
    """Give every file below a folder the mode of ordinary new files, and wait until all of it is on the disk.

    safetensors makes its files readable by their owner only, which nobody else on a shared disk could load.

    Args:
        folder: complete, not yet under its final name.
        mode: of an ordinary new file, as the umask makes it.
    """
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            path.chmod(mode)
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def _beside(path: Path) -> Path:
    """A name in the same folder, so that a rename is atomic, that no other process takes."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{_PARTIAL}")


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where its file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # how fsync(2) says that it is not supported here
            raise
    finally:
        os.close(descriptor)
