"""Ray's token: in one file that only its owner reads, and nowhere else."""

import os
from pathlib import Path

import pytest

from recipes.common import private_ray
from recipes.common.errors import UserError
from recipes.launch.job_folder import Head
from recipes.launch.ports import Ports
from recipes.launch.ray_node import start_command


def test_only_its_owner_reads_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_ray.new_token(tmp_path / "token")
    finally:
        os.umask(before)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "token").read_text()) == 64


def test_each_job_has_its_own(tmp_path: Path) -> None:
    private_ray.new_token(tmp_path / "a")
    private_ray.new_token(tmp_path / "b")
    assert (tmp_path / "a").read_text() != (tmp_path / "b").read_text()


def test_neither_environment_nor_command_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "token"
    private_ray.new_token(path)
    command = start_command(Head("10.0.0.1", 20000, None, None), "10.0.0.1", Ports(), True, tmp_path)
    assert path.read_text() not in " ".join([*command, *private_ray.environment(path).values()])
    assert private_ray.environment(path)["RAY_AUTH_MODE"] == "token"


def test_a_token_that_others_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    private_ray.new_token(path)
    path.chmod(0o640)
    with pytest.raises(UserError, match="chmod 600"):
        private_ray.use(path)
