"""A model with several end tokens, as instruct models have: training and evaluation say the same of each response."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from transfer_queue import KVBatchMeta
from transformers import AutoTokenizer, GenerationConfig

from recipes.common.truncation import is_truncated, stop_tokens
from recipes.evaluate import sampling
from recipes.evaluate.engine import Request, Sample
from recipes.evaluate.problems import Problem
from recipes.inputs import tiny_model
from recipes.plugin import responses
from reward.task import Task

LIMIT = 4


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The config of the tiny model, with a second end token in its generation config."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = tiny_model.make_tokenizer()
    tokenizer.save_pretrained(folder)
    (second,) = tokenizer.encode("=", add_special_tokens=False)
    GenerationConfig(eos_token_id=[tokenizer.eos_token_id, second]).save_pretrained(folder)
    return OmegaConf.create({"path": str(folder)})


@pytest.fixture(scope="module")
def tokens(model: Any) -> dict[str, list[int]]:
    """Responses by name: what ends at the limit by either token, before it, and not at all."""
    tokenizer = AutoTokenizer.from_pretrained(model.path)
    first, digits = tokenizer.eos_token_id, tokenizer.encode("1234", add_special_tokens=False)
    (second,) = tokenizer.encode("=", add_special_tokens=False)
    assert len(digits) == LIMIT and first != second
    return {
        "early": [*digits[:2], first],
        "by_first": [*digits[:3], first],
        "by_second": [*digits[:3], second],
        "not_at_all": digits,
    }


def in_training(model: Any, tokens: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """What the trainer's metrics and dumps say."""

    def stored(keys: list[str], **_: Any) -> dict[str, torch.Tensor]:
        rows = [torch.tensor(tokens[key]) for key in keys]
        return {"responses": torch.nested.nested_tensor(rows, layout=torch.jagged)}

    monkeypatch.setattr(responses.tq, "kv_batch_get", stored)
    batch = KVBatchMeta(
        keys=list(tokens), tags=[{"response_len": len(row)} for row in tokens.values()], partition_id="train"
    )
    stops = stop_tokens(AutoTokenizer.from_pretrained(model.path), model)
    return {key: end.truncated for key, end in responses.ends_of(batch, LIMIT, stops).items()}


def in_evaluation(model: Any, tokens: dict[str, list[int]]) -> dict[str, bool]:
    """What the rows of samples.jsonl say."""
    tokenizer = AutoTokenizer.from_pretrained(model.path)
    problem = Problem("toy", "p", ({"role": "user", "content": "1+1="},), ("2",), Task())
    plan: Any = SimpleNamespace(problems={("toy", "p"): problem}, settings={"max_response_tokens": LIMIT})
    stops = stop_tokens(tokenizer, model)
    return {
        name: sampling._drawn(plan, tokenizer, stops, Sample(Request(("toy", "p", 0), [1], None), row))["truncated"]
        for name, row in tokens.items()
    }


def test_training_and_evaluation_agree(
    model: Any, tokens: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {"early": False, "by_first": False, "by_second": False, "not_at_all": True}
    assert in_training(model, tokens, monkeypatch) == expected
    assert in_evaluation(model, tokens) == expected


def test_stop_tokens_are_the_tokenizers_and_the_generation_configs(tmp_path: Path) -> None:
    tokenizer = SimpleNamespace(eos_token_id=5)
    model = OmegaConf.create({"path": str(tmp_path)})
    GenerationConfig().save_pretrained(tmp_path)
    assert stop_tokens(tokenizer, model) == {5}, "a generation config that names no end"
    GenerationConfig(eos_token_id=[7, 0]).save_pretrained(tmp_path)
    assert stop_tokens(tokenizer, model) == {5, 7, 0}
    assert stop_tokens(SimpleNamespace(eos_token_id=None), model) == {7, 0}


def test_no_tokens_are_not_truncated() -> None:
    assert not is_truncated([], LIMIT, {0})
