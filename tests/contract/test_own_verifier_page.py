"""docs/own-verifier.md followed to the letter: its file passes preflight, and verl pays what the page says."""

import asyncio
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from verl import DataProto
from verl.trainer.ppo.reward import load_reward_manager

from recipes.checks import config as config_checks
from recipes.config.compose import compose, resolved
from recipes.inputs.tiny_model import make_tokenizer

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "own-verifier.md").read_text()
((FILE, NAME),) = re.findall(r"^```python\n(# (\S+\.py)\n(?s:.*?))^```$", PAGE, re.M)
(COMMAND,) = re.findall(r"^python -m recipes\.train (.*) --cfg job$", PAGE, re.M)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DictConfig:
    """Of the page's command, in a folder that holds its file."""
    (tmp_path / NAME).write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return resolved(compose(shlex.split(COMMAND)))


def test_it_passes_preflight(config: DictConfig) -> None:
    config_checks.check_config(config)
    assert config.reward.custom_reward_function.path == NAME


@pytest.mark.parametrize(
    ("response", "score", "acc"),
    [(r"So \boxed{42}.", 1.0, 1.0), (r"\boxed{42}, no: \boxed{41}.", 0.2, 0.0), ("I don't know.", 0.0, 0.0)],
)
def test_verl_pays_what_it_returns(config: DictConfig, response: str, score: float, acc: float) -> None:
    """As its scorer does for each response; `partly` is the command's."""
    tokenizer = make_tokenizer()
    tokens = torch.tensor([tokenizer.encode(response)])
    data = DataProto.from_dict(
        tensors={"responses": tokens, "attention_mask": torch.ones_like(tokens)},
        non_tensors={
            "data_source": np.array(["mine"], dtype=object),
            "reward_model": np.array([{"ground_truth": ["42"]}], dtype=object),
            "extra_info": np.array([{"index": 0}], dtype=object),
        },
    )

    async def scored() -> dict[str, Any]:
        return await load_reward_manager(config, tokenizer).run_single(data)

    found = asyncio.run(scored())
    assert (found["reward_score"], found["reward_extra_info"]["acc"]) == (score, acc)
