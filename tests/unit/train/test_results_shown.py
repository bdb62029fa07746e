"""What the end of a run says about its checkpoint."""

from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from recipes.inputs import loaded_back
from recipes.runs.run_folder import RunFolder
from recipes.train.session import show_results


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of 20 steps; beside its checkpoint's shards the folder that verl makes in any case, without weights."""
    run = RunFolder(tmp_path / "run")
    copy = run.checkpoints.path / "global_step_20" / "actor" / "huggingface"
    copy.mkdir(parents=True)
    (copy / "config.json").write_text('{"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}')
    (run.checkpoints.path / "latest_checkpointed_iteration.txt").write_text("20")
    return run


def config(*contents: str) -> DictConfig:
    actor = {"checkpoint": {"save_contents": [*contents]}}
    return OmegaConf.create(
        {
            "trainer": {"project_name": "p", "experiment_name": "e"},
            "actor_rollout_ref": {"actor": actor, "rollout": {"val_kwargs": {"n": 4}}},
        }
    )


def said(folder: RunFolder, *contents: str) -> tuple[int, str]:
    shown = Console(width=1000, record=True, file=(folder.path / "said.txt").open("w"))
    return show_results(shown, folder, config(*contents)), shown.export_text()


def test_a_checkpoint_without_a_copy_is_whole_and_says_how_to_make_one(folder: RunFolder) -> None:
    code, text = said(folder, "model", "optimizer", "extra")
    saved = folder.checkpoints.folder(20)
    assert code == 0
    assert f"checkpoint  {saved}; its copy for transformers: python -m recipes.merge {saved}" in text


def test_a_copy_that_was_asked_for_and_has_no_weights_is_a_failure(folder: RunFolder) -> None:
    code, text = said(folder, "model", "optimizer", "extra", "hf_model")
    assert code == 1
    assert "would not load as the model that was trained" in text


def test_a_copy_that_loads_is_named(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_back, "flaw", lambda copy: "")  # its own tests: tests/unit/inputs
    code, text = said(folder, "hf_model")
    assert code == 0 and f"checkpoint  {folder.hugging_face_checkpoint()}" in text


def test_a_run_without_checkpoints_says_so(folder: RunFolder) -> None:
    (folder.checkpoints.path / "latest_checkpointed_iteration.txt").unlink()
    (folder.checkpoints.path / "global_step_20").rename(folder.checkpoints.path / "elsewhere")
    code, text = said(folder, "model")
    assert code == 0 and "checkpoint  -" in text
