"""The real thing: verl, Ray, vLLM and FSDP train the tiny model through the command a user types."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from listening import Watch
from metrics_page import undocumented
from safetensors.torch import load_file

from recipes.evaluate import checkpoint
from recipes.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
STEPS = 3
MARK = "RLVR_TEST_RUN"

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


def test_three_steps_of_maspo(launcher) -> None:
    with Watch(MARK, str(launcher.output)) as watch:
        result = launcher.train("policy_loss=maspo")
    assert result.returncode == 0, result.stdout + result.stderr
    assert any("TransferQueue" in one.program for one in watch.found) and len(watch.found) > 10, watch.programs()
    assert not watch.reachable(), "a socket listens on the network: " + watch.programs()
    run = launcher.output / "train" / "tiny-maspo-seed0"
    assert_trained(run)
    assert all(0 < d["actor/maspo_gate"] <= 1 and d["actor/maspo_sigma"] >= 0.1 for d in updates_of(run))
    assert launcher.processes() == [], "the run left processes behind"

    # The same command again: nothing to train, nothing lost.
    rows = metrics_of(run)
    again = launcher.train("policy_loss=maspo")
    assert again.returncode == 0 and "complete" in again.stdout
    assert metrics_of(run) == rows
    assert_shards_merge_to_the_copy(run)


def assert_shards_merge_to_the_copy(run: Path) -> None:
    """recipes.merge on the checkpoint without its Hugging Face weights; verl's merger rounds to bfloat16."""
    actor = run / "checkpoints" / f"global_step_{STEPS}" / "actor"
    copy = load_file(actor / "huggingface" / "model.safetensors")
    (actor / "huggingface" / "model.safetensors").unlink()
    found = checkpoint.find(str(run))
    assert found.path == str(actor / "merged") and found.step == STEPS and found.run == RunFolder(run)
    shards = load_file(actor / "merged" / "model.safetensors")
    assert shards.keys() == copy.keys()
    assert all(torch.equal(shards[name], copy[name].bfloat16()) for name in copy)


def test_three_steps_of_dgpo_interrupted_after_the_first(launcher) -> None:
    """Ctrl-C after a checkpoint: exit 130, nothing left running; the same command goes on and repeats no step."""
    run = launcher.output / "train" / "tiny-dgpo-seed0"
    process = subprocess.Popen(
        launcher.command("trainer.save_freq=1"),
        cwd=ROOT,
        env=launcher.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell starts background jobs with Ctrl-C ignored, and that is inherited; a user's terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 600
    while not has_step(run, 1) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    assert len(launcher.processes()) > 5, "the mark does not reach Ray's and vLLM's processes"
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert launcher.processes() == [], "Ctrl-C left processes behind"

    result = launcher.train("trainer.save_freq=1")
    assert result.returncode == 0 and "continuing" in result.stdout, result.stdout + result.stderr
    assert_trained(run)
    attempts = json.loads((run / "manifest.json").read_text())["attempts"]
    assert [attempt["status"] for attempt in attempts] == ["interrupted", "finished"]


def assert_trained(run: Path) -> None:
    """Every step once, both boundary cases populated, validated, weights changed, everything in its place."""
    rows = metrics_of(run)
    assert [row["step"] for row in rows] == [0, 1, 2, 3], "a step is missing or stands twice"
    assert not undocumented(name for row in rows for name in row["data"]), "docs/metrics.md lacks metrics"
    assert any(key.startswith("val-core/") and "/acc/mean@4" in key for key in rows[-1]["data"])
    for case in ("left_negative", "right_positive"):
        assert any(data[f"actor/token_share/{case}"] > 0 for data in updates_of(run)), f"{case} is empty: on-policy?"
        assert any(data.get(f"actor/weight_mean/{case}", 0) > 0 for data in updates_of(run))
    assert all(data["training/rollout_probs_diff_max"] < 1e-5 for data in updates_of(run)), "not in float32 as vLLM?"
    assert {data["training/weights_compared"] for data in updates_of(run)} == {23}
    assert all(data["rollout_corr/log_ppl_abs_diff"] < 1e-5 for data in updates_of(run))
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


def metrics_of(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def has_step(run: Path, step: int) -> bool:
    return (run / "metrics.jsonl").is_file() and any(row["step"] == step for row in metrics_of(run))
