"""The tiny model is a checkpoint like any other, the same for the same seed, and all there or not at all."""

import json
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from recipes.inputs import arithmetic, tiny_model

QUICK = {"steps": 3, "target_accuracy": 0.0, "batch_size": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "model"
    tiny_model.build(path, **QUICK)
    return path


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(folder)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return AutoModelForCausalLM.from_pretrained(folder).state_dict()


@pytest.mark.parametrize("text", ["12+34=", r"\boxed{46}", "  two  spaces\n\n", "Σ ≠ é 漢字 🙂", " , ."])
def test_any_text_survives_the_tokenizer(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_what_verl_asks_of_a_qwen_tokenizer(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer.encode("\n", add_special_tokens=False)) == 1
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)


def test_the_chat_ends_where_the_model_speaks(tokenizer: PreTrainedTokenizerFast) -> None:
    turn = [{"role": "user", "content": "12+34="}]
    chat = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    assert chat == "<|user|>12+34=<|im_end|>\n<|assistant|>"
    assert len(tokenizer(chat)["input_ids"]) == 10
    answered = [*turn, {"role": "assistant", "content": r"\boxed{46}"}]
    assert tokenizer.apply_chat_template(answered, tokenize=False) == chat + "\\boxed{46}<|im_end|>\n"


def test_only_the_completion_is_learned(tokenizer: PreTrainedTokenizerFast) -> None:
    examples = tiny_model.encode(tokenizer, [(1, 2), (12, 34)])
    learned = [tokenizer.decode(row[1:][mask]) for row, mask in zip(examples.tokens, examples.learned, strict=True)]
    assert learned == [r"\boxed{3}<|im_end|>", r"\boxed{46}<|im_end|>"]


def test_it_loads_as_any_checkpoint_does(folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.float32
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(0.6e6, rel=0.1)
    assert model.config.vocab_size == len(tokenizer)
    assert model.generation_config.eos_token_id == model.config.eos_token_id == tokenizer.eos_token_id
    assert json.loads((folder / "build.json").read_text())["steps_taken"] == 3


def test_the_same_seed_gives_the_same_weights(folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(partial(torch.set_num_threads, torch.get_num_threads()))
    torch.set_num_threads(2)  # a build computes with one
    before = torch.get_rng_state(), torch.get_num_threads()
    tiny_model.build(tmp_path / "again", **QUICK)
    tiny_model.build(tmp_path / "other", **QUICK, seed=1)
    assert torch.equal(torch.get_rng_state(), before[0]) and torch.get_num_threads() == before[1]
    first, again, other = weights(folder), weights(tmp_path / "again"), weights(tmp_path / "other")
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_no_seed_of_the_model_trains_on_what_the_default_task_holds_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []

    def record(tokenizer: PreTrainedTokenizerFast, problems: list[arithmetic.Problem]) -> None:
        trained.extend(arithmetic.question(problem) for problem in problems)
        raise InterruptedError

    monkeypatch.setattr(tiny_model, "encode", record)
    with pytest.raises(InterruptedError):
        tiny_model.build(tmp_path / "model", seed=7)
    arithmetic.build(tmp_path / "data")
    rows = pq.read_table(tmp_path / "data" / "validation.parquet").to_pylist()
    assert len(trained) == 2244
    assert not {row["prompt"][0]["content"] for row in rows} & set(trained)


def test_a_target_out_of_reach_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="allow more steps"):
        tiny_model.build(tmp_path / "model", steps=2, target_accuracy=0.9, batch_size=4)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="exists already"):
        tiny_model.build(tmp_path, **QUICK)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_expected_accuracy_is_what_sampling_gets_right(tokenizer: PreTrainedTokenizerFast) -> None:
    """Three problems, learned by heart to about one half: 900 samples lie within 5 standard errors."""
    problems: list[arithmetic.Problem] = [(1, 2), (12, 34), (40, 41)]
    examples = tiny_model.encode(tokenizer, problems)
    with tiny_model.private_torch(seed=0):
        model = tiny_model.make_model(tokenizer)
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        while (expected := tiny_model.expected_accuracy(model, examples)) < 0.4:
            optimiser.zero_grad()
            (-tiny_model.completion_log_probs(model, examples).mean()).backward()
            optimiser.step()
        sampled = tiny_model.sampled_accuracy(model, tokenizer, problems, samples=300)
    assert expected < 0.9
    assert sampled == pytest.approx(expected, abs=0.083)


@pytest.mark.slow
def test_the_default_is_a_base_model_with_room_to_learn(tmp_path: Path) -> None:
    tiny_model.build(tmp_path / "model")
    record = json.loads((tmp_path / "model" / "build.json").read_text())
    assert 0.25 < record["sampled_accuracy_on_held_out_problems"] < 0.45
