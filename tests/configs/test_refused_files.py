"""Models, data and folders that will not do: one message that names the key and the cure, and nothing on disk."""

import shutil
from collections import namedtuple
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import torch
from override_keys import REWARD, SIZES
from weight_files import save_weights

from recipes.checks import files, run_folder
from recipes.common.errors import UserError
from recipes.config import resolvers
from recipes.config.compose import resolved
from recipes.inputs.tiny_model import make_tokenizer

MODEL = "actor_rollout_ref.model.path"


@pytest.fixture
def good_data(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "good.parquet", 64)


def write_rows(path: Path, count: int, **changes: object) -> Path:
    row = {
        "data_source": "x",
        "prompt": [{"role": "user", "content": "1+1"}],
        "reward_model": {"style": "rule", "ground_truth": "2"},
    } | changes
    schema = pyarrow.Table.from_pylist([{k: v for k, v in row.items() if v is not None}])
    pyarrow.parquet.write_table(pyarrow.concat_tables([schema] * count) if count else schema.slice(0, 0), path)
    return path


def checked_files(composed, *overrides: str) -> None:
    config = resolved(composed("model=deepseek-r1-distill-qwen-1.5b", *SIZES, *overrides))
    for check in (files.check_model, files.check_data, files.check_disk_space):
        check(config)


@pytest.fixture
def good_model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    save_weights(folder)
    save_tokenizer(folder, opens_thinking=True)  # as DeepSeek-R1-Distill's
    return folder


def save_tokenizer(folder: Path, opens_thinking: bool, special: str | None = None) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template += "{{ '<think>\n' }}" if opens_thinking else ""
    if special:
        tokenizer.add_special_tokens({"additional_special_tokens": [special]})
    tokenizer.save_pretrained(folder)


def test_good_files_are_accepted(composed, good_model: Path, good_data: Path) -> None:
    checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")


def test_a_model_folder_that_is_not_there(composed, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"{MODEL}=.*no such folder.*model=tiny"):
        checked_files(composed, f"{MODEL}={tmp_path / 'nothing'}")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_an_incomplete_model_folder(composed, good_model: Path, missing: str) -> None:
    (good_model / missing).unlink()
    with pytest.raises(UserError, match=MODEL):
        checked_files(composed, f"{MODEL}={good_model}")


@pytest.mark.parametrize("content", [b"", b"x" * 1000, None], ids=["empty", "other", "half"])
def test_weights_that_were_cut_off(composed, good_model: Path, content: bytes | None) -> None:
    file = good_model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-2] if content is None else content)
    with pytest.raises(UserError, match=rf"{MODEL}=.*(is cut off|no weights).*a complete checkpoint"):
        checked_files(composed, f"{MODEL}={good_model}")


def test_weights_of_torch_that_were_cut_off(composed, good_model: Path, good_data: Path) -> None:
    given = (f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")
    (good_model / "model.safetensors").unlink()
    file = good_model / "pytorch_model.bin"
    torch.save({"w": torch.zeros(1000)}, file)
    checked_files(composed, *given)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"pytorch_model\.bin is cut off"):
        checked_files(composed, *given)


def test_a_shard_that_is_missing(composed, good_model: Path) -> None:
    (good_model / "model.safetensors.index.json").write_text('{"weight_map": {"w": "model-2-of-2.safetensors"}}')
    with pytest.raises(UserError, match=r"model-2-of-2\.safetensors is cut off"):
        checked_files(composed, f"{MODEL}={good_model}")


def test_a_model_of_the_cache_that_is_damaged_is_made_again(
    composed, good_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLVR_CACHE", str(good_model.parent))
    (good_model / "config.json").write_bytes(b"\xff{}")
    with pytest.raises(UserError, match=r"config\.json.*Remove the folder: the same command makes it again"):
        checked_files(composed, f"{MODEL}={good_model}")


def test_an_unreadable_model_config(composed, good_model: Path) -> None:
    (good_model / "config.json").write_text("{ half")
    with pytest.raises(UserError, match=r"config\.json"):
        checked_files(composed, f"{MODEL}={good_model}")


def test_a_hub_id_that_cannot_be_reached(composed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"not in the local Hugging Face cache.*/path/to"):
        checked_files(composed, f"{MODEL}=nobody/no-such-model")


def test_thinking_that_the_scorer_does_not_know_of(composed, good_model: Path, good_data: Path) -> None:
    """Otherwise a box in thoughts that were cut off is paid, or no response ever is."""
    files = (f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")
    with pytest.raises(UserError, match=r"thinking_open=false.*ends the prompt with <think>.*thinking_open=true"):
        checked_files(composed, *files, f"{REWARD}.thinking_open=false")
    save_tokenizer(good_model, opens_thinking=False)
    with pytest.raises(UserError, match=r"thinking_open=true.*does not end.*thinking_open=false"):
        checked_files(composed, *files)
    checked_files(composed, *files, f"{REWARD}.thinking_open=false")


def test_an_end_of_thinking_that_decoding_drops(composed, good_model: Path, good_data: Path) -> None:
    save_tokenizer(good_model, opens_thinking=True, special="</think>")
    with pytest.raises(UserError, match=r"special token.*tokenizer_config\.json"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")


def test_a_tokenizer_that_does_not_load(composed, good_model: Path) -> None:
    (good_model / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"tokenizer does not load.*tokenizer_path"):
        checked_files(composed, f"{MODEL}={good_model}")


def test_a_data_file_that_is_not_there(composed, good_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.train_files=.*no such file"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={tmp_path / 'no.parquet'}")


def test_a_data_file_that_is_not_parquet(composed, good_model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_text("not parquet")
    with pytest.raises(UserError, match=r"data\.train_files=.*not a readable parquet"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={tmp_path / 'bad.parquet'}")


@pytest.mark.parametrize("content", ["", "\n", "[]"])
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_a_file_of_json_without_rows(composed, good_model: Path, tmp_path: Path, suffix: str, content: str) -> None:
    file = tmp_path / f"none{suffix}"
    file.write_text(content)
    with pytest.raises(
        UserError, match=r"data\.train_files=.*none\.json.*Write data\.train_files=|not a readable json"
    ):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={file}")


@pytest.mark.parametrize("column", ["data_source", "prompt", "reward_model"])
def test_a_missing_column_is_named(composed, good_model: Path, tmp_path: Path, column: str) -> None:
    bad = write_rows(tmp_path / "bad.parquet", 64, **{column: None})
    with pytest.raises(UserError, match=rf"column {column} missing"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={bad}")


def test_a_gold_without_ground_truth(composed, good_model: Path, tmp_path: Path) -> None:
    bad = write_rows(tmp_path / "bad.parquet", 64, reward_model={"style": "rule"})
    with pytest.raises(UserError, match="ground_truth"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={bad}")


@pytest.mark.parametrize(("rows", "word"), [(0, "no rows"), (63, "fewer than data.train_batch_size=64")])
def test_too_little_data(composed, good_model: Path, good_data: Path, tmp_path: Path, rows: int, word: str) -> None:
    few = write_rows(tmp_path / "few.parquet", rows)
    with pytest.raises(UserError, match=word):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={few}", f"data.val_files={good_data}")


def test_no_room_for_checkpoints(composed, good_model: Path, good_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6 - 1000, 1000))
    files = (f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")
    with pytest.raises(UserError, match=r"Checkpoints need.*output_root"):
        checked_files(composed, *files)
    checked_files(composed, *files, "trainer.save_freq=-1")
    many = [
        *files,
        "trainer.save_freq=-1",
        "dumps.keep=all",
        "data.max_response_length=8192",
        "data.train_batch_size=63",
    ]
    with pytest.raises(UserError, match=r"Responses need about \d+\.\d GiB under run_dir.*dumps\.keep=sample"):
        checked_files(composed, *many, "actor_rollout_ref.rollout.n=128")
    checked_files(composed, *many, "actor_rollout_ref.rollout.n=128", "dumps.keep=none")


def test_more_tokens_than_the_model_has_positions(composed, good_model: Path, good_data: Path) -> None:
    (good_model / "config.json").write_text('{"max_position_embeddings": 32}')
    with pytest.raises(UserError, match="max_position_embeddings=32"):
        checked_files(composed, f"{MODEL}={good_model}", f"data.train_files={good_data}", f"data.val_files={good_data}")


def test_nothing_is_built_that_is_not_used(composed, good_model: Path, good_data: Path, monkeypatch) -> None:
    monkeypatch.setattr(resolvers, "prepare", lambda *_: pytest.fail("built although the paths are given"))
    files = (f"data.train_files={good_data}", f"data.val_files={good_data}")
    resolvers.prepare_all(resolved(composed(f"{MODEL}={good_model}", *files)))


def test_a_run_folder_that_cannot_be_made(composed, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="output_root"):
        run_folder.check_writable(resolved(composed(f"output_root={tmp_path / 'file' / 'x'}")))


def test_an_unknown_builder_argument(composed) -> None:
    with pytest.raises(UserError, match=r"prepare\.model.*bogus"):
        resolvers.prepare_all(resolved(composed("+prepare.model.bogus=1")))


def test_a_cache_that_cannot_be_written_to(composed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLVR_CACHE", "/proc/cache")  # takes no file, even of root
    with pytest.raises(UserError, match=r"cache /proc/cache.*Set RLVR_CACHE to a folder of yours"):
        resolvers.prepare_all(resolved(composed()))
