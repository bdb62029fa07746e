"""One training on two Ray nodes against the same on one: `python -m benchmarks.two_nodes [--seeds 3] [--steps 8]`.

Two ranks of FSDP2 and two vLLM servers each time: on two nodes (two `ray start` on this machine), through
scripts/ray/submit.sh; and on one node, through `python -m recipes.train`. The sampled responses differ from run to run,
so the metrics are compared over seeds. Writes docs/results/two-nodes.json and .md.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from scipy import stats

from benchmarks.measure.ray_cluster import RayCluster
from recipes.runs import manifest
from recipes.runs.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
SIZES = (
    "trainer.save_freq=-1",
    "trainer.test_freq=-1",
    "trainer.val_before_train=true",
    "data.train_batch_size=16",
    "data.val_max_samples=64",
    "actor_rollout_ref.actor.ppo_mini_batch_size=4",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.actor.optim.lr=1e-4",
    "actor_rollout_ref.actor.optim.lr_scheduler_type=constant",
    "actor_rollout_ref.rollout.n=8",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=32",
    "actor_rollout_ref.rollout.agent.num_workers=1",
)
METRICS = (
    "critic/score/mean",
    "response_length/mean",
    "actor/entropy",
    "actor/ppo_kl",
    "actor/grad_norm",
    "actor/token_share/left_negative",
    "actor/token_share/right_positive",
    "training/rollout_probs_diff_mean",
    "val-core/arithmetic/acc/mean@4",
)
PLACES = {"one node": ("trainer.nnodes=1", "trainer.n_gpus_per_node=2"), "two nodes": ("trainer.nnodes=2",)}


def train(place: str, seed: int, steps: int, folder: Path, cluster: RayCluster) -> dict[str, float]:
    """Train once; return each metric's mean over the steps.

    Raises:
        RuntimeError: the training failed.
    """
    name = f"{place.replace(' ', '-')}-{seed}"
    overrides = [
        *SIZES,
        *PLACES[place],
        f"seed={seed}",
        f"trainer.total_training_steps={steps}",
        f"output_root={folder / 'outputs'}",
        "trainer.project_name=nodes",
        f"trainer.experiment_name={name}",
    ]
    command = ["bash", "scripts/ray/submit.sh"] if place == "two nodes" else [sys.executable, "-m", "recipes.train"]
    environment = cluster.environment if place == "two nodes" else None
    with (folder / f"{name}.log").open("wb") as log:
        code = subprocess.run(
            [*command, *overrides], cwd=ROOT, env=environment, stdout=log, stderr=log, timeout=1500
        ).returncode
    if code:
        raise RuntimeError(f"exit code {code}: see {folder / f'{name}.log'}")
    rows = [row["data"] for row in RunFolder(folder / "outputs" / "nodes" / name).rows()]
    found = {metric: [data[metric] for data in rows if metric in data] for metric in METRICS}
    return {metric: statistics.mean(values) for metric, values in found.items() if values}


def compare(runs: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """Per metric: each place's values, and Welch's p-value of the difference of their means."""
    rows = []
    for metric in runs["one node"][0]:
        one, two = ([run[metric] for run in runs[place]] for place in ("one node", "two nodes"))
        rows.append(
            {"metric": metric, "one": one, "two": two, "p": float(stats.ttest_ind(one, two, equal_var=False).pvalue)}
        )
    return rows


def page(facts: dict[str, Any]) -> str:
    """Markdown."""
    seeds = len(facts["rows"][0]["one"])
    lines = [
        "# Two Ray nodes against one",
        "",
        f"`python -m benchmarks.two_nodes --seeds {seeds} --steps {facts['steps']}`, {facts['date']}:",
        "the tiny model, two ranks of FSDP2 and two vLLM servers, on two Ray nodes of one machine through",
        "`scripts/ray/submit.sh`, and on one node. Means over the steps of a run, then mean and standard",
        "deviation over the seeds; p: Welch's test of the difference.",
        "",
        "| metric | one node | two nodes | p |",
        "|---|---|---|---|",
    ]
    for row in facts["rows"]:
        one, two = (f"{statistics.mean(row[key]):.4g} ± {statistics.stdev(row[key]):.2g}" for key in ("one", "two"))
        lines.append(f"| `{row['metric']}` | {one} | {two} | {row['p']:.2f} |")
    small = [row["metric"] for row in facts["rows"] if row["p"] < 0.05]
    chance = 1 - 0.95 ** len(facts["rows"])
    verdict = "No difference has p < 0.05." if not small else f"p < 0.05 for {', '.join(small)}."
    lines += [
        "",
        f"{verdict} Of {len(facts['rows'])} metrics that do not differ, one or more would with {chance:.0%}.",
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="at least 2")
    parser.add_argument("--steps", type=int, default=8)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rlvr-nodes-"))
    print(f"logs in {folder}", flush=True)
    runs: dict[str, list[dict[str, float]]] = {place: [] for place in PLACES}
    with RayCluster(folder / "cluster", nodes=2) as cluster:
        for seed in range(arguments.seeds):
            for place in PLACES:
                runs[place].append(train(place, seed, arguments.steps, folder, cluster))
                print(place, seed, runs[place][-1], flush=True)
    about = {"machine": manifest.machine(), "versions": manifest.versions(), "git": manifest.git_state()}
    facts = {"date": f"{date.today()}", "steps": arguments.steps, "rows": compare(runs), **about}
    (RESULTS / "two-nodes.json").write_text(json.dumps(facts, indent=1) + "\n")
    (RESULTS / "two-nodes.md").write_text(page(facts))
    print(page(facts))


if __name__ == "__main__":
    main()
