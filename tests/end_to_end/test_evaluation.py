"""Evaluation through verl's rollout servers and vLLM, killed on the way."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from recipes.evaluate.row_file import key_of, read_rows

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(1500)]
SAMPLES, PROBLEMS = 8, 64
ROOT = Path(__file__).resolve().parents[2]


def command(launcher, *words: str) -> list[str]:
    sizes = [f"eval.samples={SAMPLES}", f"eval.max_problems={PROBLEMS}", "name=here"]
    sizes += ["actor_rollout_ref.rollout.max_num_seqs=16"]  # slow enough to be killed in the middle
    start = [sys.executable, "-m", "recipes.evaluate", "model=tiny", "eval=arithmetic"]
    return [*start, f"output_root={launcher.output}", *sizes, *words]


def folder(launcher) -> Path:
    return launcher.output / "evaluations" / "here"


def count(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def kill_after(launcher, rows: int, how: signal.Signals) -> int:
    """Start the evaluation, end it when there are `rows` samples; returns how many there were."""
    samples = folder(launcher) / "samples.jsonl"
    with (launcher.output / "out.txt").open("a") as out, running(launcher, out) as process:
        while count(samples) < rows:
            assert process.poll() is None, (launcher.output / "out.txt").read_text()
            time.sleep(0.02)
        process.send_signal(how)
        process.wait(120)
    return count(samples)


@contextlib.contextmanager
def running(launcher, out) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(command(launcher), cwd=ROOT, env=launcher.environment, stdout=out, stderr=out)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        end_orphans(launcher)


def end_orphans(launcher) -> None:
    """What a SIGKILL leaves: Ray ends its processes itself after a while; a test does not wait for it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("RLVR_TEST_RUN") == str(launcher.output) and process.pid != os.getpid():
                process.kill()


@pytest.mark.parametrize(
    "kills", [pytest.param(1, id="once"), pytest.param(3, id="three times", marks=pytest.mark.slow)]
)
def test_a_killed_evaluation_goes_on_where_it_stopped(launcher, kills) -> None:
    whole = SAMPLES * PROBLEMS
    launcher.output.mkdir(exist_ok=True)
    for number in range(kills):
        how = signal.SIGTERM if number == 1 else signal.SIGKILL
        there = kill_after(launcher, (number + 1) * whole // 5, how)
        assert there < whole, "it was too fast to be killed"
    samples = folder(launcher) / "samples.jsonl"
    with samples.open("ab") as file:
        file.write(b'{"benchmark": "arithm')  # and the last row cut off
    done = launcher.run(command(launcher))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the last row was cut off" in done.stdout and f"Avg@{SAMPLES}" in done.stdout
    keys = [key_of(row) for row in read_rows(samples)]
    assert len(keys) == whole
    assert set(keys) == {
        ("arithmetic", str(problem), sample) for problem in range(PROBLEMS) for sample in range(SAMPLES)
    }
    results = json.loads((folder(launcher) / "results-ours.json").read_text())["records"]["arithmetic"]
    assert results["missing"] == 0 and 0.05 < results["avg"] < 0.95
    assert launcher.processes() == []
