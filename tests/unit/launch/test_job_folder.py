"""The folder where the launchers of a job meet is closed to everybody else."""

from pathlib import Path

import pytest

from recipes.common.errors import UserError
from recipes.launch.job_folder import JobFolder


def test_it_is_closed_and_serves_one_job(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job").chmod(0o777)
    folder = JobFolder(tmp_path / "job")
    folder.create()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    folder.end(0)
    with pytest.raises(UserError, match="has served a job already"):
        folder.create()


def test_what_may_be_somebody_elses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "job").symlink_to(tmp_path)
    for first_step in (JobFolder.create, JobFolder.close_to_others):
        with pytest.raises(UserError, match=r"--job-folder=.*not a folder of yours\. Name one that you make"):
            first_step(JobFolder(tmp_path / "job"))


def test_a_folder_with_something_else_in_it_stays_open(tmp_path: Path) -> None:
    """A home, say: it would be closed to everybody else."""
    (tmp_path / "mine.txt").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(UserError, match="is not empty: name a new one"):
        JobFolder(tmp_path).create()
    assert tmp_path.stat().st_mode & 0o777 == 0o755
