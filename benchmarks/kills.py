"""kill -9, again and again: `python -m benchmarks.kills --kills 20`.

One training of the tiny model, on two Ray nodes of this machine or on one, is hit by SIGKILL at random moments: a
process of each kind in turn. After each kill the same command is given again. Recorded: how the command ended, how long
it took, what was left running, from which step it went on, and in the end whether every step stands exactly once in
metrics.jsonl. Writes docs/results/kills.json and .md, one table per number of nodes. With --folder it goes on where it
was stopped.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from recipes.config.compose import quoted
from recipes.runs import manifest
from recipes.runs.metrics_file import read_metrics
from recipes.runs.run_folder import RunFolder

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
MARK = "RLVR_KILLS"  # inherited by every process of the training, so that nobody else's is hit or counted
# Kind → how its process is called. On two nodes the second raylet is that of node 2.
KINDS = {
    "driver": "-m recipes.train ",
    "task runner": "ray::TaskRunner",
    "actor worker": "ray::WorkerDict",
    "vLLM server": "ray::WatchedServer",
    "vLLM engine": "VLLM::EngineCore",
    "agent loop worker": "ray::AgentLoopWorker",
    "reward worker": "ray::RewardLoopWorker",
    "raylet of the last node": "raylet/raylet",
}
SIZES = (
    "trainer.save_freq=3",
    "trainer.test_freq=-1",
    "trainer.val_before_train=false",
    "data.train_batch_size=16",
    "actor_rollout_ref.actor.ppo_mini_batch_size=4",
    "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8",
    "actor_rollout_ref.rollout.n=4",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=32",
    "actor_rollout_ref.rollout.agent.num_workers=1",
    "actor_rollout_ref.actor.optim.lr=1e-4",
    "actor_rollout_ref.actor.optim.lr_scheduler_type=constant",
)
# Seconds within which a step must be there, a hit run must have ended, and what it started must be gone.
STARTED, ENDED, GONE = 900.0, 300.0, 90.0


@dataclass
class Hit:
    """One kill.

    Attributes:
        kind: of process.
        from_step, at_step: that the attempt began from, and had logged when it was hit.
        checkpoint: latest one at that moment.
        ended: how the command did: its exit code, or "hung".
        seconds: from the kill to the end.
        left: processes that had not ended by themselves some time later.
        alone: seconds from the end of the command to that of the last process; None where nobody looked.
    """

    kind: str
    from_step: int
    at_step: int
    checkpoint: int
    ended: str
    seconds: float
    left: int
    alone: float | None = None


class Training:
    """The same command over and over.

    Args:
        folder: for runs and logs.
        nodes: Ray nodes on this machine.
        steps: of the training.
    """

    def __init__(self, folder: Path, nodes: int, steps: int) -> None:
        self.folder, self.nodes = folder, nodes
        self.attempts = len(list(folder.glob("attempt-*.log")))
        self._earlier: set[Path] = set()
        self.run = RunFolder(folder / "outputs" / "kills" / "run")
        self.overrides = [
            *SIZES,
            f"trainer.total_training_steps={steps}",
            f"trainer.nnodes={nodes}",
            f"output_root={quoted(str(folder / 'outputs'))}",
            "trainer.project_name=kills",
            "trainer.experiment_name=run",
        ]
        self.environment = {**os.environ, MARK: str(folder)}

    @contextlib.contextmanager
    def attempt(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Start it; whatever is left at the end of the block is killed."""
        self.attempts += 1
        self._earlier = set(self.run.attempts())
        log = (self.folder / f"attempt-{self.attempts}.log").open("wb")
        try:
            yield self._start(log)
        finally:
            for process in self.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            log.close()

    def _start(self, log: object) -> "subprocess.Popen[bytes]":
        def start(*words: str) -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-m", *words]
            return subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)  # type: ignore[call-overload,no-any-return]

        if self.nodes == 1:
            return start("recipes.train", *self.overrides)
        job = f"--job-folder={self.folder / f'job-{self.attempts}'}"
        for rank in range(1, self.nodes):
            start("recipes.launch", "worker", f"--rank={rank}", job)
        hosts = ",".join([socket.gethostname(), *["127.0.0.1"] * (self.nodes - 1)])
        return start("recipes.launch", "head", f"--nodes={hosts}", job, *self.overrides)

    def processes(self) -> list[psutil.Process]:
        """All of this training, oldest first."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                mine = process.pid != os.getpid() and process.environ().get(MARK) == str(self.folder)
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return sorted(found, key=lambda process: process.create_time())

    def find(self, kind: str) -> psutil.Process | None:
        """The youngest process of a kind."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if KINDS[kind] in " ".join(process.cmdline()) + " ":
                    found.append(process)
        return found[-1] if found else None

    def logged(self) -> int:
        """Last step of the attempt that runs, in verl's own file or ours."""
        newest = sorted(set(self.run.attempts()) - self._earlier)
        return max((row["step"] for row in read_metrics(newest[-1])), default=0) if newest else 0


def wait_for(step: int, training: Training, process: "subprocess.Popen[bytes]") -> None:
    """Until the run has logged `step`."""
    deadline = time.monotonic() + STARTED
    while training.logged() < step:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(
                f"attempt {training.attempts} did not reach step {step}; see its log in {training.folder}"
            )
        time.sleep(0.1)


def hit(training: Training, kind: str, chance: random.Random) -> Hit:
    """Start the training, kill one process, wait for the end."""
    first = training.run.checkpointed_step() if training.run.exists() else 0
    with training.attempt() as process:
        wait_for(first + chance.randint(1, 4), training, process)
        time.sleep(chance.uniform(0.0, 4.0))
        victim = training.find(kind)
        if victim is None:
            raise RuntimeError(f"no process {KINDS[kind]!r} in attempt {training.attempts}")
        at, checkpoint, began = training.logged(), training.run.checkpointed_step(), time.monotonic()
        victim.send_signal(signal.SIGKILL)
        try:
            ended = f"exit code {process.wait(ENDED)}"
        except subprocess.TimeoutExpired:
            ended = "hung"
        seconds = time.monotonic() - began
        left, alone = still_there(training)
        return Hit(kind, first, at, checkpoint, ended, round(seconds, 1), left, round(alone, 1))


def still_there(training: Training) -> tuple[int, float]:
    """Wait for what the command did not wait for: workers of other nodes, and all that a killed driver started.

    Returns:
        Processes that are still there after GONE seconds; how long it took.
    """
    began = time.monotonic()
    while (left := training.processes()) and time.monotonic() - began < GONE:
        time.sleep(0.5)
    for one in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            print("  left:", " ".join(one.cmdline())[:100], flush=True)
    return len(left), time.monotonic() - began


def verdict(training: Training, steps: int) -> dict[str, bool]:
    """Whether every step stands exactly once, and no problem was seen twice."""
    logged = [row["step"] for row in training.run.rows()]
    seen = [
        json.loads(line)["input"]
        for step in range(1, steps + 1)
        for line in (training.run.responses("train") / f"{step}.jsonl").read_text().splitlines()
    ]
    samples = 4
    return {
        "steps_once_each": sorted(logged) == logged == list(range(1, steps + 1)),
        "problems_seen_once_each": len(seen) == samples * len(set(seen)),
    }


def table(hits: list[Hit], facts: dict[str, Any], nodes: int) -> str:
    """Markdown."""
    lines = [
        f"## {'One Ray node' if nodes == 1 else f'{nodes} Ray nodes on one machine'}",
        "",
        f"`python -m benchmarks.kills --kills {len(hits)} --nodes {nodes}`, revision {facts['git']['revision'][:7]}.",
        "",
        "| # | killed | from step | logged | checkpoint then | the command | after, s "
        "| the last process, s later | left running | went on from |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    after = [str(one.from_step) for one in hits[1:]] + [str(facts["last_from"])]
    for number, (one, went_on) in enumerate(zip(hits, after, strict=True), start=1):
        cells = (
            number,
            one.kind,
            one.from_step,
            one.at_step,
            one.checkpoint,
            one.ended,
            one.seconds,
            "–" if one.alone is None else one.alone,
            one.left,
            went_on,
        )
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    lines += ["", f"Every step exactly once in metrics.jsonl: {'yes' if facts['steps_once_each'] else 'NO'}. "]
    lines[-1] += f"Every problem trained on exactly once: {'yes' if facts['problems_seen_once_each'] else 'NO'}."
    if facts.get("note"):
        lines += ["", facts["note"]]
    return "\n".join([*lines, ""])


def write(facts: dict[str, Any], nodes: int) -> None:
    """Replace the results for that number of nodes, and print the page."""
    path = RESULTS / "kills.json"
    everything = json.loads(path.read_text()) if path.is_file() else {}
    everything[str(nodes)] = facts
    path.write_text(json.dumps(everything, indent=1) + "\n")
    tables = [
        table([Hit(**one) for one in facts["hits"]], facts, int(number)) for number, facts in sorted(everything.items())
    ]
    intro = "The tiny model, a checkpoint every third step. The same command was given again after each kill."
    (RESULTS / "kills.md").write_text("\n".join(["# kill -9", "", intro, "", *tables]))
    print((RESULTS / "kills.md").read_text())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--kinds", default=",".join(KINDS), help="comma-separated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="default: a temporary one; an existing one is gone on with")
    parser.add_argument("--note", default="", help="a sentence for the page, e.g. what else ran on the machine")
    arguments = parser.parse_args()
    kinds = arguments.kinds.split(",")
    folder = (arguments.folder or Path(tempfile.mkdtemp(prefix="rlvr-kills-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "hits.json"
    hits = [Hit(**one) for one in json.loads(kept.read_text())] if kept.is_file() else []
    steps = 4 * arguments.kills
    training = Training(folder, arguments.nodes, steps)
    for number in range(len(hits), arguments.kills):
        hits.append(hit(training, kinds[number % len(kinds)], random.Random(f"{arguments.seed} {number}")))
        kept.write_text(json.dumps([asdict(one) for one in hits]))
        print(number + 1, hits[-1], flush=True)
    last_from = training.run.checkpointed_step()
    with training.attempt() as process:
        code = process.wait(1800)
    facts = {
        "hits": [asdict(one) for one in hits],
        "last_from": last_from,
        "exit_code": code,
        **verdict(training, steps),
    }
    about = {"machine": manifest.machine(), "versions": manifest.versions(), "git": manifest.git_state()}
    write(facts | about | {"note": arguments.note}, arguments.nodes)


if __name__ == "__main__":
    main()
