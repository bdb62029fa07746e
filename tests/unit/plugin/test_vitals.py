"""A dead actor ends the run, unless the run ends by itself."""

import threading
import time
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from recipes.plugin import vitals


def run(deaths: list[dict[str, str]], seconds: float, grace: float) -> list[int]:
    """Stay in the block for `seconds`; look by look, who is dead. Returns the exit codes asked for."""
    codes: list[int] = []
    looks = iter(deaths)
    last: dict[str, str] = {}

    def dead() -> dict[str, str]:
        nonlocal last
        last = next(looks, last)
        return last

    with vitals.watch(dead, codes.append, interval=0.01, grace=grace):
        time.sleep(seconds)
    return codes


def test_a_death_ends_a_run_that_waits(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([{}, {}, {"a": "RewardLoopWorker has died"}], seconds=0.5, grace=0.05) == [1]
    assert "DeadActorError: RewardLoopWorker has died. The run can't go on." in capfd.readouterr().err


def test_a_run_that_fails_by_itself_may_say_why() -> None:
    assert run([{}, {"a": "dead"}], seconds=0.2, grace=60.0) == []


def test_who_was_dead_before_does_not_count() -> None:
    assert run([{"a": "dead"}], seconds=0.2, grace=0.0) == []


def test_the_watch_ends_with_the_block() -> None:
    run([{}], seconds=0.0, grace=0.0)
    assert "vitals" not in [thread.name for thread in threading.enumerate()]


PROGRAM = """
import os, ray
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
from recipes.plugin import vitals

@ray.remote(num_cpus=0)
class Worker:
    def pid(self):
        return os.getpid()

worker, other = Worker.remote(), Worker.remote()
pid = ray.get([worker.pid.remote(), other.pid.remote()])[0]
assert vitals.dead_actors() == {}
os.kill(pid, 9)
import time
deadline = time.monotonic() + 60
while not (dead := vitals.dead_actors()) and time.monotonic() < deadline:
    time.sleep(0.2)
(sentence,) = dead.values()
assert sentence.startswith(f"Worker (process {pid} on "), sentence
print("found")
"""


@pytest.mark.xdist_group("ray")
def test_ray_says_who_has_died(run_python: Callable[..., CompletedProcess[str]]) -> None:
    result = run_python(PROGRAM)
    assert result.stdout.strip().endswith("found"), result.stdout + result.stderr
