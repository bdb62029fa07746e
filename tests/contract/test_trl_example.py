"""docs/examples/trl_dgpo.py trains, and TRL descends along DGPO's gradient."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "trl_dgpo.py"
CHECK = """
import math, runpy, sys
import torch

trainer = runpy.run_path(sys.argv[1], run_name="__main__")["trainer"]
first, second = trainer.state.log_history[:2]
assert (first["step"], second["step"]) == (1, 2)
assert float(first["vespo/phi_seq_mean"]) == 1, "the first update of a batch is on-policy"
assert abs(float(second["vespo/phi_seq_mean"]) - 1) > 1e-3, "the second is not"
assert all(math.isfinite(float(row["loss"])) and float(row["grad_norm"]) > 0 for row in (first, second))

generator = torch.Generator().manual_seed(0)
tokens = torch.randint(0, 200, (4, 12), generator=generator)
prompt, completion = tokens[:, :5], tokens[:, 5:]
mask = (torch.arange(7) < torch.tensor([[7], [3], [5], [1]])).long()
advantages = torch.tensor([1.5, -0.5, -1.0, 0.7])
model = trainer.model


def log_probs():
    logits = model(input_ids=tokens, attention_mask=torch.cat([torch.ones_like(prompt), mask], 1)).logits
    return logits[:, 4:-1].log_softmax(-1).gather(-1, completion[..., None])[..., 0]


def gradient(loss):
    model.zero_grad()
    loss.backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


log_prob = log_probs()
old = log_prob.detach() - torch.empty(4, 7).uniform_(-1, 1, generator=generator)
r, A = torch.exp(log_prob.detach() - old), advantages[:, None]
left, right = (r < 0.8) & (A < 0), (r > 1.2) & (A > 0)
assert (left & (mask > 0)).any() and (right & (mask > 0)).any()
w = torch.where(left, r * r / 0.8, torch.where(right, torch.sqrt(1.2 * r), r))
expected = gradient(-(w * A * torch.exp(log_prob - log_prob.detach()) * mask).sum() / mask.sum())
inputs = {
    "prompt_ids": prompt,
    "prompt_mask": torch.ones_like(prompt),
    "completion_ids": completion,
    "completion_mask": mask,
    "advantages": advantages,
    "old_per_token_logps": old,
    "num_items_in_batch": mask.sum(),
}
torch.testing.assert_close(gradient(trainer.compute_loss(model, inputs)), expected, rtol=1e-3, atol=1e-6)
print("same gradient", expected.norm().item())
"""


@pytest.mark.skipif(
    Version(version("trl")) < Version("1.12"),
    reason="the GPU lock has the TRL of verl's extra for FSDP, whose GRPOTrainer does not import (docs/drop-in.md)",
)
def test_it_trains_along_the_gradient_of_dgpo(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", CHECK, str(EXAMPLE)],
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert "same gradient" in result.stdout
