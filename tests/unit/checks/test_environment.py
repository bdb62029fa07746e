"""Variables and classes of one's own that would end a run in a worker, minutes after its start."""

from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from recipes.checks import agent_loops, environment
from recipes.checks.options import check_ray_options
from recipes.common.errors import UserError

AGENT = "actor_rollout_ref.rollout.agent"


def config(**custom: str) -> DictConfig:
    return OmegaConf.create(
        {
            "data": {"custom_cls": custom},
            "actor_rollout_ref": {"rollout": {"agent": {"agent_loop_manager_class": None}}},
        }
    )


def test_a_variable_that_workers_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "0")
    with pytest.raises(UserError, match=r"ROCR_VISIBLE_DEVICES=0.*Unset it"):
        environment._check_variables()


@pytest.mark.parametrize(
    "options, says",
    [
        ({"num_cpu": 2}, r"ray_init\.num_cpu: ray\.init has no such option.*num_cpus"),
        ({"runtime_env": {"env_vars": {"FOO": 1}}}, r"env_vars\.FOO=1: Ray takes text only\. Write .*FOO='1'"),
        ({"runtime_env": {"env_vars": {"MKL_NUM_THREADS": "all"}}}, r"MKL_NUM_THREADS=all: must .*MKL_NUM_THREADS=1"),
        ({"object_store_memory": "much"}, r"ray_init\.object_store_memory='much': must be an integer or null"),
        ({"runtime_env": {"working_dir": "/none"}}, r"ray_init\.runtime_env: Ray refuses it .*/none"),
        ({"runtime_env": {"pip": ["a"], "uv": ["a"]}}, r"ray_init\.runtime_env: Ray refuses it"),
        ({"num_gpus": 1}, "CUDA_VISIBLE_DEVICES=: names fewer than .*num_gpus=1.*Unset it"),
    ],
)
def test_what_ray_would_refuse(monkeypatch: pytest.MonkeyPatch, options: dict, says: str) -> None:
    def check(given: dict) -> None:
        check_ray_options(OmegaConf.create(given))
        environment._check_visible_gpus(OmegaConf.create(given))

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(UserError, match=says):
        check(options)
    right = {"num_cpus": 2, "_temp_dir": "/tmp/a", "address": "local", "runtime_env": {"env_vars": {"FOO": "1"}}}
    check(right)


def test_a_temporary_folder_too_long_for_a_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: f"/tmp/{'x' * 114}")
    with pytest.raises(UserError, match=r"TMPDIR=.*119 characters.*shorter"):
        environment._check_variables()


def test_a_data_set_class_that_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.custom_cls\.path=/none\.py .*does not load"):
        environment._check_classes(config(path="/none.py", name="Mine"))
    (tmp_path / "mine.py").write_text("class Mine: pass\n")
    with pytest.raises(UserError, match=r"data\.custom_cls\.path=.*does not load"):  # no torch data set
        environment._check_classes(config(path=str(tmp_path / "mine.py"), name="Mine"))
    (tmp_path / "right.py").write_text("from torch.utils.data import Dataset\nclass Mine(Dataset): pass\n")
    environment._check_classes(config(path=str(tmp_path / "right.py"), name="Mine"))


def test_an_agent_loop_manager_that_does_not_load() -> None:
    wrong = config()
    OmegaConf.update(wrong, f"{AGENT}.agent_loop_manager_class", "no.such.Class")
    with pytest.raises(UserError, match=r"agent_loop_manager_class=no\.such\.Class: it does not load"):
        environment._check_classes(wrong)


@pytest.mark.parametrize("content", [None, "a: [", "- {name: mine}", "- {name: mine, _target_: no.such.Class}", "- 3"])
def test_agent_loops_that_do_not_load(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "loops.yaml"
    if content is not None:
        file.write_text(content)
    wrong = config()
    OmegaConf.update(wrong, f"{AGENT}.agent_loop_config_path", str(file))
    with pytest.raises(UserError, match=r"agent_loop_config_path=.*_target_.*, or .*=null"):
        agent_loops.names(wrong)


def test_agent_loops_that_load(tmp_path: Path) -> None:
    loop = "verl.experimental.agent_loop.single_turn_agent_loop.SingleTurnAgentLoop"
    (tmp_path / "loops.yaml").write_text(f"- {{name: mine, _target_: {loop}}}\n")
    right = config()
    OmegaConf.update(right, f"{AGENT}.agent_loop_config_path", str(tmp_path / "loops.yaml"))
    assert {"mine", "single_turn_agent"} <= agent_loops.names(right)


@pytest.mark.parametrize("variable", ["HF_HOME", "HF_DATASETS_CACHE"])
def test_a_cache_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """/proc takes no file, even of root; a home may be as closed."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", "/proc/x/datasets")  # imports it in its own environment
    monkeypatch.delenv("HF_DATASETS_CACHE", raising=False)
    monkeypatch.setenv(variable, "/proc/x")
    with pytest.raises(UserError, match=rf"/proc/x/datasets can't be written to .*Set {variable} to"):
        environment.check_cache()
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "new" / "datasets"))
    environment.check_cache()
    assert not list(tmp_path.iterdir())
