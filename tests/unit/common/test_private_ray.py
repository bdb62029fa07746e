"""Ray's token: in one file that only its owner reads, and nowhere else."""

import os
from pathlib import Path

import pytest
from omegaconf import OmegaConf

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


def test_a_ray_of_ones_own_listens_on_loopback_and_its_folder_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "RLVR_JOIN_CLUSTER", *private_ray.LOOPBACK):
        monkeypatch.setenv(name, "")  # put back at the end, whatever the block leaves
        monkeypatch.delenv(name)
    monkeypatch.setenv("RLVR_RAY_TMP", str(tmp_path))
    config = OmegaConf.create({"ray_kwargs": {"ray_init": {"address": None}}})
    with private_ray.private_ray():
        private_ray.join_or_start(config)
        assert private_ray.LOOPBACK.items() <= os.environ.items() and os.environ["RAY_AUTH_MODE"] == "token"
    given = config.ray_kwargs.ray_init
    assert given.address == "local" and Path(given["_temp_dir"]).stat().st_mode & 0o777 == 0o700


def test_a_cluster_that_is_named_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:20000")
    before = dict(os.environ)
    config = OmegaConf.create({"ray_kwargs": {"ray_init": {"address": None}}})
    with private_ray.private_ray():
        private_ray.join_or_start(config)
        assert dict(os.environ) == before
    assert config.ray_kwargs.ray_init == {"address": None}


def test_somebody_elses_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLVR_RAY_TMP", str(tmp_path))
    (tmp_path / f"ray-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(UserError, match="RLVR_RAY_TMP"):
        private_ray.own_folder()


def test_a_token_that_others_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    private_ray.new_token(path)
    path.chmod(0o640)
    with pytest.raises(UserError, match="chmod 600"):
        private_ray.use(path)
