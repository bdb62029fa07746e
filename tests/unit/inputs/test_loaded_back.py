"""A folder of weights is held against the model before it is promised to anybody."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from checkpoint_files import save_model

from recipes.common.errors import UserError
from recipes.inputs import loaded_back
from recipes.inputs.merged import merged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The copy of a tiny model inside a checkpoint."""
    return save_model(tmp_path / "actor" / "huggingface")


def rewrite(folder: Path, change) -> None:
    file = folder / "model.safetensors"
    safetensors.torch.save_file(change(safetensors.torch.load_file(file)), file, {"format": "pt"})


def test_a_copy_that_loads(folder: Path) -> None:
    assert loaded_back.flaw(folder) == "" and merged(folder.parent) == folder


WRONG = {
    "names of an adapter": (
        lambda tensors: {f"base_model.model.{name}": one for name, one in tensors.items()},
        ["missing", "unexpected", "base_model"],
    ),
    "one missing": (
        lambda tensors: {name: one for name, one in tensors.items() if "norm" not in name},
        ["missing", "norm"],
    ),
    "another shape": (
        lambda tensors: {name: torch.zeros(3, 3) if "embed" in name else one for name, one in tensors.items()},
        ["Error"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_copy_that_would_load_as_noise(folder: Path, case: str) -> None:
    change, words = WRONG[case]
    rewrite(folder, change)
    assert all(word in loaded_back.flaw(folder) for word in words)
    with pytest.raises(UserError, match=r"huggingface: transformers would not load it"):
        merged(folder.parent)


def test_a_copy_that_was_cut_off(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(1000)
    assert "SafetensorError" in loaded_back.flaw(folder)


def test_a_model_with_code_of_its_own_is_not_run(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModelForCausalLM": "mine.Mine"}}))
    assert loaded_back.flaw(folder) == ""


def test_an_output_that_holds_something_is_no_result(folder: Path, tmp_path: Path) -> None:
    """It may be the model of another checkpoint."""
    (folder.parent / "model_world_size_1_rank_0.pt").touch()
    (tmp_path / "other").mkdir()
    for name in ("model.safetensors", "config.json"):
        (tmp_path / "other" / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(FileExistsError, match="exists already: remove it first"):
        merged(folder.parent, tmp_path / "other")
