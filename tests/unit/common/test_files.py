"""A file is replaced whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from recipes.common import files

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")


@pytest.mark.parametrize("content", ["Größe\n", b"\x00\xff"])
def test_the_content_is_replaced_and_nothing_else_is_left(tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "best.json"
    file.write_text("old")
    files.write_atomically(file, content)
    assert file.read_bytes() == (content if isinstance(content, bytes) else content.encode("utf-8"))
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_is_the_umask_s(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        files.write_atomically(tmp_path / "file", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_write_that_breaks_off_leaves_the_old_content(tmp_path: Path, error: type[BaseException]) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(error), files.new_file(file) as out:
        out.write(b"half of the n")
        raise error
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_file_and_folder_are_on_the_disk_in_that_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each fsync of this process is given, and whether the file has its name by then."""
    file, seen = tmp_path / "file", []
    real = os.fsync

    def watched(descriptor: int) -> None:
        seen.append((Path(f"/proc/self/fd/{descriptor}").resolve() == tmp_path, file.exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    files.write_atomically(file, "text")
    assert seen == [(False, False), (True, True)]


def test_a_folder_that_cannot_be_synced_is_no_error_but_a_missing_one_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        descriptor = os.open("/proc/self", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    files.sync_folder(Path("/proc/self"))
    with pytest.raises(FileNotFoundError):
        files.write_atomically(tmp_path / "missing" / "file", "text")


@pytest.mark.parametrize("mode", [None, 0o777, 0o755])
def test_a_folder_is_closed_whether_it_was_there_or_not(tmp_path: Path, mode: int | None) -> None:
    folder = tmp_path / "new" / "folder"
    if mode is not None:
        folder.mkdir(parents=True)
        folder.chmod(mode)
    files.close_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_is_no_folder_of_ours(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="not a folder of yours"):
        files.close_folder(tmp_path / "link")


@as_root
def test_somebody_elses_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    folder.chmod(0o777)
    os.chown(folder, 65534, 65534)
    with pytest.raises(PermissionError, match="not a folder of yours"):
        files.close_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777
