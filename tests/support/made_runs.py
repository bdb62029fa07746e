"""Run folders as a training leaves them, made up: curves with noise, responses with formulas."""

import itertools
import json
import math
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

# Of the ratio's histogram: fine near 1, as those that training uses.
EDGES = (0.01, 0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.001, 1.01, 1.02, 1.05, 1.1, 1.2, 1.28, 1.4)
EDGES = (*EDGES, 1.6, 2.0, 3.0, 10.0, 100.0)
METHODS: dict[str, dict[str, Any]] = {
    "dgpo": {"_target_": "dgpo.config.DGPOConfig", "loss_mode": "dgpo", "dual_clip": False, "dgpo_n": 1, "dgpo_m": 2},
    "maspo": {
        "_target_": "maspo.config.MASPOConfig",
        "loss_mode": "maspo",
        "dual_clip": False,
        "maspo_sigma_base": 1.0,
        "maspo_alpha": 0.3,
    },
    "grpo": {"_target_": "losses.baselines.grpo.GRPOConfig", "loss_mode": "vanilla", "dual_clip": True},
    "cispo": {"_target_": "losses.baselines.cispo.CISPOConfig", "loss_mode": "cispo", "dual_clip": False},
    "gppo": {"_target_": "losses.baselines.gppo.GPPOConfig", "loss_mode": "gppo", "dual_clip": False},
    "sapo": {"_target_": "losses.baselines.sapo.SAPOConfig", "loss_mode": "sapo", "dual_clip": False},
}
PROBLEMS = (
    ("Find the sum of all positive integers $n$ such that $n^2 + {a}n + {b}$ is a perfect square.", "{c}"),
    ("Let $x$ be a real number with $x + \\frac{{1}}{{x}} = {a}$. Compute $x^2 + \\frac{{1}}{{x^2}}$.", "{d}"),
    ("A fair coin is flipped ${a}$ times. What is the expected number of heads minus tails, squared?", "{a}"),
    ("Evaluate \\[\\sum_{{k=1}}^{{{a}}} \\binom{{{a}}}{{k}} k.\\] Put the answer in \\boxed{{}}.", "{e}"),
    ("How many subsets of $\\{{1, 2, \\dots, {f}\\}}$ contain no two consecutive integers?", "{g}"),
)
THOUGHTS = (
    "Let me set up the equation: $f(x) = x^2 - {a}x + {b}$ has the discriminant $\\Delta = {a}^2 - 4\\cdot{b}$.",
    "Wait, I should check the case $k = {a}$ separately, because then $\\gcd(k, {b}) > 1$.",
    "This is \\[\\left(x + \\frac{{1}}{{x}}\\right)^2 = x^2 + 2 + \\frac{{1}}{{x^2}},\\] and 2 is constant.",
    "By linearity of expectation, $\\mathbb{{E}}[X] = \\sum_{{i=1}}^{{{a}}} p_i$ and so does the variance.",
    "So the number of ways is $\\binom{{{a}}}{{2}} = \\frac{{{a}({a}-1)}}{{2}}$, which we subtract from the total.",
    "Therefore modulo {b} the powers repeat with period {a}, and only the residues $0, 1$ matter.",
    "Let me verify with small numbers: for $n = 1$ this is 1, for $n = 2$ it is {a}. That agrees.",
)


CASES = {
    "left_positive": (0.5, 0.71),
    "right_positive": (1.2, 1.16),
    "left_negative": (1.0, 0.57),
    "right_negative": (0.6, 1.31),
}
QUANTILES = {"q001": -4.2, "q01": -2.6, "q10": -1.1, "q50": 0.0, "q90": 1.1, "q99": 2.6, "q999": 4.2}


@dataclass
class Made:
    """What to make.

    Attributes:
        method: key of METHODS.
        steps: logged.
        planned: steps asked for; `steps` by default.
        prompts, samples: per step, and responses to each.
        every: steps between validations; 0 for none.
        benchmarks: validation sources and the accuracy they begin and end at.
        status: of the manifest.
        thoughts: sentences of a response, from and to.
        babble: whether sentences are words by chance, which compress no better than real ones.
        extra: keys of the config that differ, dotted.
    """

    method: str = "dgpo"
    name: str = "made-up-dgpo-seed0"
    steps: int = 200
    planned: int | None = None
    prompts: int = 4
    samples: int = 4
    every: int = 20
    benchmarks: dict[str, tuple[float, float]] = field(
        default_factory=lambda: {"aime24": (0.142, 0.287), "math500": (0.694, 0.842), "amc23": (0.441, 0.634)}
    )
    status: str = "finished"
    seed: int = 0
    lift: float = 1.0
    thoughts: tuple[int, int] = (2, 7)
    babble: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


def make(folder: Path, made: Made) -> Path:
    """Write the whole run folder; return it."""
    chance = random.Random(f"{made.seed}-{made.method}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config(made), sort_keys=False))
    (folder / "manifest.json").write_text(json.dumps(manifest(made), indent=1))
    with (folder / "metrics.jsonl").open("w") as file:
        for step in range(0 if made.every else 1, made.steps + 1):
            file.write(json.dumps({"step": step, "data": row(made, step, chance)}) + "\n")
    for step in range(1, made.steps + 1):
        write_responses(folder, made, "train", step, chance)
    for step in range(0, made.steps + 1, made.every or made.steps + 1):
        if made.every:
            write_responses(folder, made, "validation", step, chance)
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / "train.log").write_text(log(made))
    return folder


def progress(made: Made, step: int) -> float:
    """From 0 to nearly 1, fast at first."""
    return 1 - math.exp(-3 * step / max(made.planned or made.steps, 1))


def accuracy(made: Made, step: int) -> float:
    """Share of right training responses."""
    return 0.28 + 0.34 * made.lift * progress(made, step)


def row(made: Made, step: int, chance: random.Random) -> dict[str, Any]:
    """Metrics of one step; step 0 is the validation before training."""
    data: dict[str, Any] = {}
    if made.every and step % made.every == 0:
        for name, (first, last) in made.benchmarks.items():
            mean = first + (last - first) * made.lift * progress(made, step) + chance.gauss(0, 0.012)
            data[f"val-core/{name}/acc/mean@32"] = mean
            data[f"val-aux/{name}/acc/stderr@32"] = 0.028 if "math" not in name else 0.011
    if step == 0:
        return data
    part, reward = progress(made, step), accuracy(made, step) + chance.gauss(0, 0.05)
    noise = lambda spread: math.exp(chance.gauss(0, spread))  # noqa: E731
    width = 0.02 + 0.05 * part
    left = 0.004 * (1 + 2 * part) * noise(0.25)
    phases = {"gen": 61, "old_log_prob": 9.5, "update_actor": 34, "update_weights": 4.2, "adv": 0.4, "reward": 2.1}
    timing = {f"timing_s/{name}": seconds * (1 + 0.35 * part) * noise(0.06) for name, seconds in phases.items()}
    if made.every and step % made.every == 0:
        timing["timing_s/testing"] = 95 * noise(0.05)
    timing["timing_s/step"] = sum(timing.values()) + 3
    truncated, timeout = 0.11 * (1 - 0.75 * part) * noise(0.1), 0.002 * noise(0.8)
    data |= {
        "critic/score/mean": reward,
        "actor/entropy": (0.62 - 0.34 * part * made.lift) * noise(0.03),
        "actor/ppo_kl": 0.0009 * (1 + part) * noise(0.3),
        "actor/grad_norm": 0.21 * (1 - 0.4 * part) * noise(0.22) * (6 if chance.random() < 0.01 else 1),
        "actor/lr": 1e-6 * (1 - 0.9 * part),
        "actor/skipped_updates": 0.0,
        "response_length/mean": 3400 + 2600 * part + chance.gauss(0, 130),
        "response/truncated_share": truncated,
        "reward/groups/all_right_share": 0.08 + 0.22 * part + chance.gauss(0, 0.02),
        "reward/groups/all_wrong_share": 0.31 - 0.16 * part + chance.gauss(0, 0.02),
        "reward/status/ok": reward,
        "reward/status/wrong": 1 - reward - truncated - timeout - 0.02,
        "reward/status/no_answer": 0.02,
        "reward/status/truncated": truncated,
        "reward/status/timeout": timeout,
        "reward/status/unparsable": 0.0,
        "reward/status/crashed": 0.0,
        "training/rollout_probs_diff_mean": 0.0041 * noise(0.05),
        "rollout_corr/log_ppl_abs_diff": 0.0019 * noise(0.12),
        "perf/throughput": 5200 * noise(0.04),
        "perf/total_num_tokens": 512 * 8 * 5200,
        **timing,
    }
    for case, (factor, weight) in CASES.items():
        data[f"actor/token_share/{case}"] = left * factor * noise(0.12)
        data[f"actor/weight_mean/{case}"] = weight * noise(0.02)
    for name, place in QUANTILES.items():
        data[f"actor/ratio_quantile/{name}"] = math.exp(place * width * 2.2 * noise(0.05))
    below = [0.0, *(_laplace(math.log(edge), 0.9 * width) for edge in EDGES), 1.0]
    for place, (low, high) in enumerate(itertools.pairwise(below)):
        data[f"actor/ratio_share/bin_{place:02}"] = high - low
    if made.method == "maspo":
        data |= {
            "actor/maspo_gate": 0.93 - 0.08 * part * noise(0.05),
            "actor/maspo_sigma": 0.61 + 0.2 * part * noise(0.05),
        }
    return data


def _laplace(value: float, scale: float) -> float:
    """Share below `value` of a Laplace distribution around 0 with a heavier tail."""
    tail = (0.98 * math.exp(-abs(value) / scale) + 0.02 * math.exp(-abs(value) / 0.2)) / 2
    return tail if value < 0 else 1 - tail


def write_responses(folder: Path, made: Made, part: str, step: int, chance: random.Random) -> None:
    """One file under generations/."""
    place = folder / "generations" / part
    place.mkdir(parents=True, exist_ok=True)
    lines = []
    for prompt in range(made.prompts):
        template, answer = PROBLEMS[chance.randrange(len(PROBLEMS))]
        a = chance.randrange(3, 30)
        b, f = chance.randrange(2, 90), chance.randrange(5, 12)
        numbers = {"a": a, "b": b, "c": a * b, "d": a * a - 2, "e": a * 2 ** (a - 1), "f": f, "g": fibonacci(f + 2)}
        problem, gold = template.format(**numbers), answer.format(**numbers)
        for sample in range(made.samples):
            line = response(made, step, chance, problem, gold)
            lines.append(json.dumps({**line, "uid": f"{step}-{prompt}", "step": step, "sample": sample}))
    (place / f"{step}.jsonl").write_text("\n".join(lines) + "\n")


def response(made: Made, step: int, chance: random.Random, problem: str, gold: str) -> dict[str, Any]:
    """One line of generations/, without step and uid."""
    thoughts = [sentence(made, chance) for _ in range(chance.randint(*made.thoughts))]
    draw, right = chance.random(), chance.random() < accuracy(made, step)
    rare = ("timeout", 0.003), ("truncated", 0.06), ("no_answer", 0.08)
    status = next((name for name, below in rare if draw < below), "ok" if right else "wrong")
    answer = gold if status == "ok" else str(chance.randrange(2, 400))
    ending = f"\n</think>\n\nThe answer is \\boxed{{{answer}}}." if status in ("ok", "wrong") else ""
    earned = float(status == "ok")
    return {
        "input": f"user\n{problem}\nassistant\n<think>\n",
        "output": "\n\n".join(thoughts) + ending,
        "gts": gold,
        "score": earned,
        "acc": earned,
        "status": status,
        "pred": answer if ending else "",
        "length": 60 * len(thoughts) + chance.randrange(50),
        "truncated": status == "truncated",
    }


_letters = random.Random(1)
WORDS = ["".join(_letters.choices("etaoinshrdlucmwfgypbvk", k=_letters.randint(2, 10))) for _ in range(3000)]
RARITY = [1 / (place + 2) for place in range(len(WORDS))]  # Zipf's law


def sentence(made: Made, chance: random.Random) -> str:
    """One thought of about 90 characters."""
    if made.babble:
        return " ".join(chance.choices(WORDS, RARITY, k=13)) + f" $x^{chance.randrange(9)} = {chance.randrange(999)}$."
    return chance.choice(THOUGHTS).format(a=chance.randrange(2, 40), b=chance.randrange(2, 99))


def fibonacci(place: int) -> int:
    """1, 1, 2, 3, …"""
    before, current = 0, 1
    for _ in range(place - 1):
        before, current = current, before + current
    return current


def config(made: Made) -> dict[str, Any]:
    """The part of a resolved config that a reader looks at."""
    content: dict[str, Any] = {
        "actor_rollout_ref": {
            "actor": {
                "optim": {"lr": 1e-6, "weight_decay": 0.1, "lr_warmup_steps": 10, "lr_scheduler_type": "constant"},
                "ppo_mini_batch_size": 32,
                "ppo_max_token_len_per_gpu": 18432,
                "clip_ratio": 0.2,
                "clip_ratio_low": 0.2,
                "clip_ratio_high": 0.2,
                "clip_ratio_c": 3.0,
                "loss_agg_mode": "token-mean",
                "entropy_coeff": 0,
                "policy_loss": dict(METHODS[made.method]),
                "grad_clip": 1.0,
            },
            "rollout": {
                "name": "vllm",
                "temperature": 1.0,
                "top_p": 1.0,
                "n": 8,
                "response_length": 16384,
                "val_kwargs": {"n": 32},
            },
            "model": {"path": "nobody/Made-Up-Model"},
        },
        "data": {
            "train_files": "data/train/made_up_problems.parquet",
            "train_batch_size": 512,
            "max_prompt_length": 1024,
            "seed": made.seed,
        },
        "trainer": {
            "project_name": "dgpo",
            "experiment_name": made.name,
            "total_training_steps": made.planned or made.steps,
            "nnodes": 1,
            "n_gpus_per_node": 8,
            "test_freq": made.every or -1,
        },
        "seed": made.seed,
    }
    for dotted, value in made.extra.items():
        *way, last = dotted.split(".")
        target = content
        for key in way:
            target = target.setdefault(key, {})
        target[last] = value
    return content


def manifest(made: Made) -> dict[str, Any]:
    """manifest.json of a run with one attempt."""
    about = {
        "command": [
            "python",
            "-m",
            "recipes.train",
            f"policy_loss={made.method}",
            f"seed={made.seed}",
            "hardware=8x80gb",
        ],
        "versions": {"python": "3.11.9", "rlvr-recipes": "0.1.0", "verl": "0.9.1", "vllm": "0.24.0", "torch": "2.11.0"},
        "git": {"revision": "0e35171c9d2f4b8a6e1d7c3b5a09f8e7d6c5b4a3", "modified": False},
        "machine": {
            "system": "Linux-6.8-x86_64",
            "processor": "AMD EPYC 9654",
            "cores": 96,
            "memory_gib": 1511.0,
            "gpus": ["made-up GPU"] * 8,
        },
    }
    attempt: dict[str, Any] = {"started": "2026-03-02T08:00:00+00:00", "from_step": 0, "log": "logs/train.log", **about}
    if made.status != "running":
        ended = f"2026-03-{2 + made.steps * 130 // 86400:02}T{8 + made.steps * 130 % 86400 // 6000:02}:21:09+00:00"
        attempt |= {"ended": ended, "status": made.status, "logged_step": made.steps}
    return {"attempts": [attempt], "run_id": "a1b2c3d4e5f6", "status": made.status, "seed": made.seed, **about}


def log(made: Made) -> str:
    """A log; of a failed run it holds the exception under a process that reports another's."""
    if made.status != "failed":
        return "ray started\n"
    return (
        "\x1b[36m(WorkerDict pid=4242)\x1b[0m Traceback (most recent call last):\n"
        '\x1b[36m(WorkerDict pid=4242)\x1b[0m   File "engine.py", line 71, in forward\n'
        "\x1b[36m(WorkerDict pid=4242)\x1b[0m torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.28 GiB.\n"
        "ray.exceptions.RayTaskError(OutOfMemoryError): see above\n"
    )
