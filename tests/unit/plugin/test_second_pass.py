"""An update of our training worker: the sums of the whole mini-batch, and the entropy of its tokens, reach the loss.

BAPO's bounds come from sums over an update mini-batch, which verl's worker sees in micro-batches: ours passes over all
of them first. A mask by entropy needs what verl's worker computes of each token. The same through Ray and vLLM:
tests/end_to_end/test_methods.py.
"""

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from bapo_by_hand import Token, search
from transformers import AutoModelForCausalLM

from recipes.inputs import tiny_model

SUPPORT = Path(__file__).resolve().parents[2] / "support"
ACTOR = "actor_rollout_ref.actor"
AT_ONCE = 2  # responses of a micro-batch
MASK = (f"{ACTOR}.policy_loss.top_entropy_share=0.5", f"{ACTOR}.calculate_entropy=true")
WORDS = ["policy_loss=bapo", *MASK, f"{ACTOR}.ppo_micro_batch_size_per_gpu={AT_ONCE}"]
PROMPT = [5, 6]
RESPONSES = [[7, 8, 9], [10, 11], [7, 12, 13, 14], [9], [8, 8], [15, 16, 7]]
ADVANTAGES = [0.5, -0.75, 0.25, -1.0, 0.25, -0.75]
# log r of each token: the policy of now against the one that sampled.
LOG_RATIOS = [[0.9, -1.2, 0.1], [-0.8, 0.6], [-0.2, 0.4, 0.7, 1.0], [-0.3], [0.5, -0.9], [-0.7, -0.1, 0.2]]

UPDATE = """
import json, sys
sys.path.append(sys.argv[1])
from functools import partial
from training_worker import built, jagged
from verl.utils import tensordict_utils as tu
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.utils.losses import ppo_loss

model, words, prompt, responses, old, advantages = json.loads(sys.argv[2])
actor, worker = built(model, words)
worker.set_loss_fn(partial(ppo_loss, config=omega_conf_to_dataclass(actor)))
ones = [[1] * len(response) for response in responses]
whole = [prompt + response for response in responses]
batch = tu.get_tensordict(
    {
        "input_ids": jagged(whole),
        "position_ids": jagged([list(range(len(row))) for row in whole]),
        "prompts": jagged([prompt] * len(responses)),
        "responses": jagged(responses),
        "response_mask": jagged(ones),
        "loss_mask": jagged(ones),
        "old_log_probs": jagged(old),
        "advantages": jagged([[one] * len(row) for one, row in zip(advantages, responses)]),
    },
    {"global_token_num": [len(row) for row in whole], "global_batch_size": len(responses), "temperature": 1.0,
     "calculate_entropy": actor.calculate_entropy},
)
metrics = tu.get(worker.train_batch(batch), "metrics")
found = {name: [one.aggregate() for one in metrics[f"actor/bapo_{name}"]] for name in ("c_low", "c_high")}
print(json.dumps({**found, "grad_norm": metrics["grad_norm"]}))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny"
    tiny_model.build(path, target_accuracy=0.0)
    policy = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    with torch.no_grad():
        policy.lm_head.weight *= 8.0  # hardly trained, all its tokens have one entropy
    policy.save_pretrained(path)
    return path


def log_probs(model: Path) -> list[list[float]]:
    """Of each token of the responses, by transformers."""
    policy = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    found = []
    for response in RESPONSES:
        with torch.no_grad():
            logits = policy(torch.tensor([PROMPT + response])).logits[0, len(PROMPT) - 1 : -1]
        found.append(logits.log_softmax(-1)[range(len(response)), response].tolist())
    return found


def tokens(responses: range) -> list[Token]:
    """Ratio and advantage of each token."""
    return [(math.exp(log_ratio), ADVANTAGES[row]) for row in responses for log_ratio in LOG_RATIOS[row]]


def test_bounds_are_those_of_the_whole_mini_batch(
    model: Path, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    c_low, c_high, _ = search(tokens(range(len(RESPONSES))))
    parts = [search(tokens(range(first, first + AT_ONCE)))[:2] for first in range(0, len(RESPONSES), AT_ONCE)]
    assert (c_low, c_high) not in parts, "a micro-batch alone would give the same"
    now = log_probs(model)
    old = [[one - ratio for one, ratio in zip(*rows, strict=True)] for rows in zip(now, LOG_RATIOS, strict=True)]
    given = json.dumps([str(model), WORDS, PROMPT, RESPONSES, old, ADVANTAGES])
    (script := tmp_path / "update.py").write_text(UPDATE)
    code = f"import runpy, sys; sys.argv = ['update', {str(SUPPORT)!r}, {given!r}]; runpy.run_path({str(script)!r})"
    result = run_python(code, VERL_PLATFORM="cpu")
    found = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('{"c_low"')]
    assert found, result.stdout + result.stderr
    assert found[0]["c_low"] == pytest.approx([c_low]) and found[0]["c_high"] == pytest.approx([c_high])
    assert found[0]["grad_norm"] > 0
