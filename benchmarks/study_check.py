"""Is the study's arithmetic the pipeline's? `python -m benchmarks.study_check outputs/quickstart/*`.

Writes docs/results/study-check.md. Each finished run of verl, vLLM and FSDP on `model=tiny data=arithmetic` is repeated
by recipes.study.arithmetic: same base model, method, sizes, learning rate and schedule, other samples. The run should
look like one more repetition: inside the 95 % prediction interval of the repetitions (Student's t), widened by what
sampling adds to the run's own Avg@k.
"""

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path

import torch
from scipy import stats

from benchmarks.quickstart import RESULTS, facts_of
from recipes.common.files import write_atomically
from recipes.inputs.arithmetic import HELD_OUT
from recipes.runs.run_folder import RunFolder
from recipes.study.arithmetic import Arithmetic
from recipes.study.bench import Unit, run
from recipes.study.methods import Method

SAMPLES = 4  # per held-out problem in the quickstart's validation


@dataclass(frozen=True)
class Compared:
    """One number of a run beside its repetitions, in shares of right answers."""

    name: str
    pipeline: float
    repeated: list[float]
    sampling: float  # variance that sampling adds to the pipeline's

    def interval(self) -> tuple[float, float]:
        """Where one more repetition would lie, and be measured as the pipeline's was."""
        count, middle = len(self.repeated), statistics.mean(self.repeated)
        of_trainings = stats.t.ppf(0.975, count - 1) ** 2 * statistics.variance(self.repeated) * (1 + 1 / count)
        reach = float((of_trainings + stats.norm.ppf(0.975) ** 2 * self.sampling) ** 0.5)
        return middle - reach, middle + reach

    def row(self, run_name: str) -> str:
        """Of the table."""
        low, high = self.interval()
        inside = "yes" if low <= self.pipeline <= high else "**no**"
        middle = statistics.mean(self.repeated)
        return f"| {run_name} | {self.name} | {self.pipeline:.1%} | {middle:.1%} [{low:.1%}, {high:.1%}] | {inside} |"


def compared(folder: Path, repetitions: int) -> list[Compared]:
    """A finished run beside its repetitions: right before, right after, mean reward of the training."""
    facts, config = facts_of(folder), RunFolder(folder).read_config()
    actor, rollout = config.actor_rollout_ref.actor, config.actor_rollout_ref.rollout
    length, updates = config.data.max_response_length, facts["updates_per_rollout_batch"]
    unit = Unit(
        updates=updates,
        batches=facts["steps"],
        group=rollout.n,
        staleness=0,
        rates=(actor.optim.lr,),
        seeds=(facts["seed"],),
        warm_up=actor.optim.lr_warmup_steps * updates,
        decay=actor.optim.lr_scheduler_type == "cosine",
        rate_by_batch=True,
        weight_decay=actor.optim.weight_decay,
        points=facts["steps"],
    )
    method = Method(facts["policy_loss"], length)
    found = [run(Arithmetic(length, actor.ppo_mini_batch_size, stream), method, unit) for stream in range(repetitions)]
    rewards = [row["data"]["critic/score/mean"] for row in RunFolder(folder).rows() if "actor/grad_norm" in row["data"]]
    after = [one["reward"][-1].item() for one in found]
    before = found[0]["reward"][0].item()
    return [
        Compared("right after", facts["avg_at_4_after"], after, _variance(statistics.mean(after))),
        Compared("right before", facts["avg_at_4_before"], [before] * len(found), _variance(before)),
        Compared("reward in training", statistics.mean(rewards), [one["sampled"].mean().item() for one in found], 0.0),
    ]


def _variance(share: float) -> float:
    """Of the mean of SAMPLES samples per held-out problem, at most: as if all problems were equally hard."""
    return share * (1 - share) / (SAMPLES * HELD_OUT)


def page(rows: list[str], repetitions: int, note: str) -> str:
    """The Markdown page."""
    table = "\n".join(rows)
    return f"""# The study's arithmetic against the pipeline

Runs of verl, vLLM and FSDP on the tiny model beside {repetitions} repetitions of each by
[recipes/study/arithmetic.py](../../recipes/study/arithmetic.py): same base model, method, batch sizes, learning rate
and schedule, other samples. In brackets where one more repetition would be measured in 95 % of cases. Made by
`python -m benchmarks.study_check`. What still differs: prompts of an epoch come once in verl and are drawn with
replacement in the study, and verl's verifier also takes other spellings.

| run | | pipeline | repetitions | inside |
|---|---|---|---|---|
{table}

{note}
"""


def main() -> None:
    """Repeat the runs given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="finished run folders of the quickstart")
    parser.add_argument("--repetitions", type=int, default=4)
    parser.add_argument("--note", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for folder in arguments.runs:
        rows += [one.row(folder.name) for one in compared(folder, arguments.repetitions)]
        print(*rows[-3:], sep="\n", flush=True)
    write_atomically(RESULTS / "study-check.md", page(rows, arguments.repetitions, arguments.note))


if __name__ == "__main__":
    main()
