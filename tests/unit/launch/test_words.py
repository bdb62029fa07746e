"""Words and variables of the launcher that can't be meant: one sentence with what to write, and nothing has begun."""

from pathlib import Path

import pytest

from recipes.common import private_ray
from recipes.common.errors import UserError
from recipes.launch import __main__ as launch
from recipes.launch import address, training
from recipes.launch.submit import entrypoint

HEAD = ["head", "--nodes=localhost", "--job-folder=job"]
WORKER = ["worker", "--rank=1", "--job-folder=job"]
# variables, words, what is said
REFUSED: list[tuple[dict[str, str], list[str], str]] = [
    *(
        ({name: value}, WORKER, rf"{name}={value}: must be a whole number.*Write {name}={default}\.")
        for name, default in (("RLVR_BASE_PORT", 20000), ("RLVR_NODE_TIMEOUT", 600))
        for value in ("abc", "²", "-1", "0", "1.5", "9" * 5000)
    ),
    ({"RLVR_BASE_PORT": "70000"}, WORKER, r"RLVR_BASE_PORT=70000: write a number from 1024 to 64535\."),
    ({"RLVR_TRAIN_MODULE": "recipes.docter"}, HEAD, r"RLVR_TRAIN_MODULE=recipes\.docter.*Write RLVR_TRAIN_MODULE="),
    ({"RLVR_TRAIN_MODULE": "no.such"}, ["local"], r"RLVR_TRAIN_MODULE=no\.such: there is no such module"),
    ({"RLVR_TRAIN_MODULE": "recipes.launch.slurm.x"}, ["local"], r"RLVR_TRAIN_MODULE=.*: there is no such module"),
    ({"RLVR_TRAIN_MODULE": "recipes"}, ["local"], r"RLVR_TRAIN_MODULE=recipes: there is no such module to run"),
    ({"RLVR_TRAIN_MODULE": "..x"}, ["local"], r"RLVR_TRAIN_MODULE=\.\.x: there is no such module"),
    ({}, ["head", "--nodes=4", "--job-folder=job"], r"--nodes=4: are the nodes' names.*--nodes=gpu0,gpu1"),
    ({}, ["worker", "--rank=0", "--job-folder=job"], r"--rank=0.*Write --rank=1"),
    ({}, ["worker", "--rank=-1", "--job-folder=job"], r"--rank=-1.*Write --rank=1"),
    ({}, [*WORKER, "seed=1"], r"seed=1: a worker does what the head is told"),
    ({"RAY_API_SERVER_ADDRESS": ""}, ["submit", "seed=1"], r"RAY_API_SERVER_ADDRESS is not set"),
]


@pytest.mark.parametrize(("variables", "words", "said"), REFUSED, ids=lambda value: str(value)[:60])
def test_what_cannot_be_meant(
    variables: dict[str, str], words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {"RLVR_NODE_TIMEOUT": "1", **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=said):
        launch.run(words)
    assert not list(tmp_path.rglob("ray-*.log")), "Ray was started"


@pytest.mark.parametrize("words", [HEAD, WORKER])
def test_a_job_folder_that_is_no_path(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be the working directory, and be closed to everybody else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RLVR_NODE_TIMEOUT", "1")
    with pytest.raises(SystemExit, match=r"^2$"):
        launch.run([*words[:-1], "--job-folder="])
    assert "--job-folder: it is empty" in capsys.readouterr().err


def test_a_variable_that_is_set_to_nothing_is_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLVR_TRAIN_MODULE", "recipes.doctor")
    assert training.module() == "recipes.doctor"
    for name in ("RLVR_BASE_PORT", "RLVR_NODE_TIMEOUT", "RLVR_TRAIN_MODULE", "RLVR_RAY_TMP"):
        monkeypatch.setenv(name, "")
    place = launch._place(0, [], Path("job"))
    assert (place.ports.base, place.timeout, training.module()) == (20000, 600, "recipes.train")
    assert private_ray.temporary_root() == Path("/tmp")
    line = entrypoint([], {"RLVR_REMOTE_DIR": "", "RLVR_REMOTE_PYTHON": ""})
    assert line == f"cd {Path.cwd()} && exec .venv/bin/python -m recipes.launch join"


def test_the_folder_for_rays_files_is_made_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RLVR_RAY_TMP", "new/here")
    assert private_ray.temporary_root() == tmp_path / "new" / "here" and (tmp_path / "new" / "here").is_dir()
    (tmp_path / "file").touch()
    monkeypatch.setenv("RLVR_RAY_TMP", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"file: .*Set RLVR_RAY_TMP to a local folder"):
        private_ray.temporary_root()


def test_a_node_goes_by_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a name nobody knows which interface it is, and NCCL would take another."""
    monkeypatch.setenv("RLVR_NODE_ADDRESS", "10.0.0.7")
    assert address.node_address(None) == "10.0.0.7"
    for given in ("gpu7", "10.0.0", "10.0.0.1:20000", "::1"):
        monkeypatch.setenv("RLVR_NODE_ADDRESS", given)
        with pytest.raises(UserError, match=rf"RLVR_NODE_ADDRESS={given}: .*Write RLVR_NODE_ADDRESS=10\.0\.0\.1"):
            address.node_address(None)


def test_a_ray_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.signal, "signal", lambda number, handler: None)  # this process keeps its own
    monkeypatch.setenv("RAY_ADDRESS", "here")
    with pytest.raises(UserError, match="No Ray cluster answers at here"):
        launch.run(["join", "experiment=quickstart"])
