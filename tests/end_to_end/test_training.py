"""The real thing: verl, Ray, vLLM and FSDP train the tiny model through the command a user types."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
STEPS = 3
MARK = "RLVR_TEST_RUN"  # inherited by every process of a run, so that nobody else's are counted
# Small and fast: 64 responses per step in 4 updates, at a rate that leaves the trust region within three steps.
FAST = (
    f"trainer.total_training_steps={STEPS}",
    "trainer.save_freq=3",
    "trainer.test_freq=3",
    "data.train_batch_size=16",
    "data.val_max_samples=16",
    "actor_rollout_ref.actor.ppo_mini_batch_size=4",
    "actor_rollout_ref.actor.optim.lr=2e-3",
    "actor_rollout_ref.actor.optim.lr_warmup_steps=0",
    "actor_rollout_ref.actor.optim.lr_scheduler_type=constant",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.rollout.n=4",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=32",
)

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


def command(output: Path, *overrides: str) -> list[str]:
    return [sys.executable, "-m", "recipes.train", f"output_root={output}", *FAST, *overrides]


def marked(output: Path) -> dict[str, str]:
    return {**os.environ, MARK: str(output)}


def train(output: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        command(output, *overrides), cwd=ROOT, env=marked(output), capture_output=True, text=True, timeout=800
    )
    if result.returncode:
        logs = sorted(output.rglob("*.log"))
        print("".join(logs[-1].read_text().splitlines(keepends=True)[-60:]) if logs else "no log")
    return result


def metrics_of(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def processes_of(output: Path) -> list[str]:
    """Command lines of all living processes that inherited the mark of the runs under `output`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == str(output) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:100])
    return found


def test_three_steps_of_maspo(tmp_path: Path) -> None:
    result = train(tmp_path, "policy_loss=maspo")
    assert result.returncode == 0, result.stdout + result.stderr
    run = tmp_path / "train" / "tiny-maspo-seed0"
    assert_trained(run)
    assert all(0 < d["actor/maspo_gate"] <= 1 and d["actor/maspo_sigma"] >= 0.1 for d in updates_of(run))
    assert processes_of(tmp_path) == [], "the run left processes behind"

    # The same command again: nothing to train, nothing lost.
    rows = metrics_of(run)
    again = train(tmp_path, "policy_loss=maspo")
    assert again.returncode == 0 and "complete" in again.stdout
    assert metrics_of(run) == rows


def test_three_steps_of_dgpo_interrupted_after_the_first(tmp_path: Path) -> None:
    """Ctrl-C after a checkpoint: exit 130, nothing left running; the same command goes on and repeats no step."""
    run = tmp_path / "train" / "tiny-dgpo-seed0"
    process = subprocess.Popen(
        command(tmp_path, "trainer.save_freq=1"),
        cwd=ROOT,
        env=marked(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 600
    while not has_step(run, 1) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    assert len(processes_of(tmp_path)) > 5, "the mark does not reach Ray's and vLLM's processes"
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert processes_of(tmp_path) == [], "Ctrl-C left processes behind"

    result = train(tmp_path, "trainer.save_freq=1")
    assert result.returncode == 0 and "continuing" in result.stdout, result.stdout + result.stderr
    assert_trained(run)
    attempts = json.loads((run / "manifest.json").read_text())["attempts"]
    assert [attempt["status"] for attempt in attempts] == ["interrupted", "finished"]


def assert_trained(run: Path) -> None:
    """Every step once, both boundary cases populated, validated, weights changed, everything in its place."""
    rows = metrics_of(run)
    assert [row["step"] for row in rows] == [0, 1, 2, 3], "a step is missing or stands twice"
    assert any(key.startswith("val-core/") and "/acc/mean@4" in key for key in rows[-1]["data"])
    for case in ("left_negative", "right_positive"):
        assert any(data[f"actor/token_share/{case}"] > 0 for data in updates_of(run)), f"{case} is empty: on-policy?"
        assert any(data.get(f"actor/weight_mean/{case}", 0) > 0 for data in updates_of(run))
    assert weights_changed(run)
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["status"] == "finished" and manifest["versions"]["verl"] == "0.9.1"
    assert list((run / "generations" / "train").glob("*.jsonl")) and (run / "curves.png").is_file()


def updates_of(run: Path) -> list[dict]:
    return [row["data"] for row in metrics_of(run)[1:]]


def weights_changed(run: Path) -> bool:
    """The checkpoint loads with transformers and differs from the base model."""
    from omegaconf import OmegaConf
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = run / "checkpoints" / f"global_step_{STEPS}" / "actor" / "huggingface"
    trained = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict()
    assert AutoTokenizer.from_pretrained(folder).chat_template
    base_path = OmegaConf.load(run / "config.yaml").actor_rollout_ref.model.path
    base = AutoModelForCausalLM.from_pretrained(base_path, dtype=torch.float32).state_dict()
    assert trained.keys() == base.keys()
    return all(torch.isfinite(tensor).all() for tensor in trained.values()) and any(
        not torch.equal(trained[name], base[name]) for name in base
    )


def has_step(run: Path, step: int) -> bool:
    return (run / "metrics.jsonl").is_file() and any(row["step"] == step for row in metrics_of(run))
