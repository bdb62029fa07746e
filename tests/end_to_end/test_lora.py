"""LoRA from start to end: learn, be killed, go on; the copy, and what the shards merge to, is what vLLM had."""

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from recipes.evaluate import checkpoint
from recipes.inputs import arithmetic
from reward import score

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(1500)]
STEPS, SAMPLES = 14, 4
WORDS = (
    "experiment=quickstart",
    "lora=r16",
    f"trainer.total_training_steps={STEPS}",
    f"trainer.test_freq={STEPS}",
    "trainer.save_freq=2",
    f"actor_rollout_ref.rollout.val_kwargs.n={SAMPLES}",
    "actor_rollout_ref.actor.optim.lr=3e-3",
    "trainer.experiment_name=lora",
)
ROOT = Path(__file__).resolve().parents[2]
ACCURACY = "val-core/arithmetic/acc/mean@4"


def start_and_kill(launcher) -> None:
    """kill -9 once the third step is logged; a checkpoint of the second is there."""
    log = launcher.output / "first.txt"
    with log.open("w") as out:
        command = launcher.command(*WORDS, fast=False)
        process = subprocess.Popen(command, cwd=ROOT, env=launcher.environment, stdout=out, stderr=out)
        while not list(launcher.output.rglob("metrics.jsonl")) or max(launcher.steps(), default=0) < 3:
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
        process.kill()
        process.wait()


def accuracy_by_transformers(folder: Path, limit: int) -> float:
    """Avg@4 on the held-out problems, sampled without vLLM."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    torch.manual_seed(0)
    _, held_out = arithmetic.problems(0)
    right = []
    for problem in held_out:
        chat = [{"role": "user", "content": arithmetic.question(problem)}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        drawn = model.generate(
            **prompt, do_sample=True, top_k=0, top_p=1.0, max_new_tokens=limit, num_return_sequences=SAMPLES
        )
        texts = tokenizer.batch_decode(drawn[:, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
        right += [score(text, arithmetic.answer(problem)).acc for text in texts]
    return float(np.mean(right))


def test_a_killed_run_goes_on_and_its_copy_is_as_good_as_its_validation(launcher) -> None:
    start_and_kill(launcher)
    result = launcher.train(*WORDS, fast=False)
    assert result.returncode == 0 and "continuing" in result.stdout, result.stdout + result.stderr
    rows = launcher.metrics()
    assert [row["step"] for row in rows] == list(range(STEPS + 1))
    steps = [row["data"] for row in rows[1:]]
    # The probabilities with which vLLM sampled are the actor's: it has the adapter, in every step anew, and in float32.
    assert all(step["training/rollout_probs_diff_max"] < 1e-5 for step in steps)
    assert {step["training/weights_compared"] for step in steps} == {23}
    before, after = (row["data"][ACCURACY] for row in (rows[0], rows[-1]))
    assert after > before + 0.05, "it has learnt nothing, so the rest shows nothing"

    run = launcher.output / "quickstart" / "lora"
    config = OmegaConf.load(run / "config.yaml")
    actor = run / "checkpoints" / f"global_step_{STEPS}" / "actor"
    found = accuracy_by_transformers(actor / "huggingface", config.data.max_response_length)
    error = np.sqrt(after * (1 - after) / (len(arithmetic.problems(0)[1]) * SAMPLES))
    assert found == pytest.approx(after, abs=4 * np.sqrt(2) * error)
    assert_shards_merge_to_the_copy(run, actor, Path(config.actor_rollout_ref.model.path))


def assert_shards_merge_to_the_copy(run: Path, actor: Path, base: Path) -> None:
    """verl's merger rounds base and adapter to bfloat16 before they are merged."""
    copy = load_file(actor / "huggingface" / "model.safetensors")
    (actor / "huggingface" / "model.safetensors").unlink()
    assert checkpoint.find(str(run)).path == str(actor / "merged")
    merged, before = load_file(actor / "merged" / "model.safetensors"), load_file(base / "model.safetensors")
    assert merged.keys() == copy.keys() == before.keys()
    assert not (actor / "merged" / "lora_adapter").exists()
    for name in copy:
        moved = (copy[name] - before[name]).norm()
        off = (merged[name].float() - copy[name]).norm()
        assert off <= 0.02 * copy[name].norm(), name
        if name.endswith("proj.weight"):
            assert off < 0.5 * moved, f"{name}: the adapter is not in it"
