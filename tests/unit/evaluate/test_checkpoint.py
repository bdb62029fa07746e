"""What a user may call a model. Merging real shards: tests/end_to_end/test_training.py."""

import pytest
from checkpoint_files import save_model

from recipes import merge
from recipes.common.errors import UserError
from recipes.evaluate import checkpoint
from recipes.runs.run_folder import RunFolder


def make_model(folder):
    save_model(folder)
    (folder / "tokenizer.json").write_text("{}")
    return folder


@pytest.fixture
def run(tmp_path):
    """A run folder with checkpoints of steps 20 and 40."""
    folder = tmp_path / "outputs" / "dgpo" / "1.5b_dgpo-seed0"
    for step in (20, 40):
        make_model(folder / "checkpoints" / f"global_step_{step}" / "actor" / "huggingface")
    (folder / "checkpoints" / "latest_checkpointed_iteration.txt").write_text("40")
    (folder / "config.yaml").write_text("seed: 3")
    return folder


def test_a_hub_id():
    found = checkpoint.find("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B")
    assert (found.path, found.name) == ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", "DeepSeek-R1-Distill-Qwen-1.5B")
    assert found.run_config is None


def test_a_model_folder(tmp_path):
    assert checkpoint.find(str(make_model(tmp_path / "mine"))).name == "mine"


def test_a_run_is_its_last_checkpoint(run):
    found = checkpoint.find(str(run))
    assert found.path == str(run / "checkpoints" / "global_step_40" / "actor" / "huggingface")
    assert (found.name, found.run, found.step) == ("dgpo-1.5b_dgpo-seed0-step40", RunFolder(run), 40)
    assert found.run_config.seed == 3


@pytest.mark.parametrize("below", ["", "actor"])
def test_a_checkpoint_of_ours(run, below):
    found = checkpoint.find(str(run / "checkpoints" / "global_step_20" / below))
    assert (found.name, found.step) == ("dgpo-1.5b_dgpo-seed0-step20", 20)


def test_a_checkpoint_of_someone_elses_verl(tmp_path):
    make_model(tmp_path / "theirs" / "global_step_7" / "actor" / "huggingface")
    found = checkpoint.find(str(tmp_path / "theirs" / "global_step_7"))
    assert (found.name, found.run) == ("theirs-step7", None)


def test_what_is_no_model(run, tmp_path):
    with pytest.raises(UserError, match="there is no such folder"):
        checkpoint.find(str(tmp_path / "nowhere"))
    (run / "checkpoints" / "latest_checkpointed_iteration.txt").write_text("")
    with pytest.raises(UserError, match="has no checkpoint"):
        checkpoint.find(str(run))
    (tmp_path / "global_step_1").mkdir()
    with pytest.raises(UserError, match="lacks the folder actor"):
        checkpoint.find(str(tmp_path / "global_step_1"))


def test_a_checkpoint_without_weights_or_shards(run, capsys):
    actor = run / "checkpoints" / "global_step_40" / "actor"
    (actor / "huggingface" / "model.safetensors").unlink()
    with pytest.raises(SystemExit, match=r"^2$"):
        merge.main([str(actor.parent)])
    assert "neither weights in huggingface/ nor shards" in capsys.readouterr().err
    (actor / "model_world_size_1_rank_0.pt").write_text("cut off")
    with pytest.raises(SystemExit, match=r"^2$"):
        merge.main([str(actor.parent)])
    assert "verl.model_merger failed" in capsys.readouterr().err
    assert not (actor / "merged").exists()
    (actor / "huggingface" / "config.json").unlink()
    with pytest.raises(SystemExit, match=r"^2$"):
        merge.main([str(actor.parent)])
    assert "config.json is missing" in capsys.readouterr().err
