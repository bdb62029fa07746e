"""Jobs for which their caller waits: the same outcomes, in the caller's own thread while a process is free."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from pool_jobs import fail, pid_after, pool

from reward.processes.pool import Job
from reward.scoring import Scorer

SLACK = 5.0  # seconds for starting processes on a busy machine


@pytest.mark.parametrize(
    ("function", "arguments", "outcome"),
    [
        (len, ("abc",), (None, 3)),
        (time.sleep, (60,), ("timeout", None)),
        (fail, (ValueError,), ("crashed", None)),
        (os._exit, (0,), ("crashed", None)),
    ],
)
def test_outcomes_are_those_of_submit(function: Any, arguments: tuple[Any, ...], outcome: tuple[Any, Any]) -> None:
    with pool(workers=1, deadline=1.0) as one:
        assert one.take_and_wait(Job(function, arguments)) == outcome == one.submit(function, *arguments).result()
        assert one.take_and_wait(Job(len, ("next",))) == (None, 4)


def test_both_ways_share_the_processes() -> None:
    """No more than `workers` at a time, none held up while another is free, and each replaced after its jobs."""
    with pool(workers=2, jobs_per_process=3) as one, ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(one.take_and_wait, Job(pid_after, (0.2,))) for _ in range(6)]
        queued = [one.submit(pid_after, 0.2) for _ in range(6)]
        outcomes = [future.result() for future in waiting + queued]
        assert {status for status, _ in outcomes} == {None}
        pids = [pid for _, pid in outcomes]
        assert len(set(pids)) in (4, 5)  # twice two, and one more where the two took unequal shares
        assert max(pids.count(pid) for pid in pids) == 3


def test_a_hanging_job_holds_up_nobody_else() -> None:
    with pool(workers=2, deadline=3.0) as one, ThreadPoolExecutor(1) as thread:
        assert one.submit(len, "started").result() == (None, 7)
        hanging = thread.submit(one.take_and_wait, Job(time.sleep, (60,)))
        start = time.monotonic()
        assert [one.submit(len, "abc").result() for _ in range(50)] == [(None, 3)] * 50
        assert not hanging.done()
        assert time.monotonic() - start < 3.0
        assert hanging.result() == ("timeout", None)


@pytest.fixture
def heard_interrupts() -> Iterator[None]:
    """As at a terminal; a shell starts background jobs with Ctrl-C ignored, and that is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_interrupts")
def test_ctrl_c_ends_the_process_and_the_job_for_all_that_wait_for_it() -> None:
    with pool(workers=1, deadline=60.0) as one:
        pid = one.take_and_wait(Job(os.getpid, ()))[1]
        job = Job(time.sleep, (60,))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            one.take_and_wait(job)
        assert job.future.result(timeout=0) == ("crashed", None)
        assert not psutil.pid_exists(pid)
        assert one.take_and_wait(Job(len, ("next",))) == (None, 4)


def test_closing_the_pool_ends_the_wait() -> None:
    with pool(workers=1, deadline=60.0) as one, ThreadPoolExecutor(1) as thread:
        assert one.take_and_wait(Job(len, ("abc",))) == (None, 3)
        waiting = thread.submit(one.take_and_wait, Job(time.sleep, (60,)))
        time.sleep(0.3)
        start = time.monotonic()
        one.close()
        assert waiting.result() == ("crashed", None)
        assert time.monotonic() - start < SLACK
        assert one.take_and_wait(Job(len, ("next",))) == (None, 4)


def test_any_number_of_golds_is_compared_one_after_the_other() -> None:
    golds = [rf"\sqrt{{{number}}}" for number in range(2, 1500)]
    with pool(workers=2) as one:
        assert Scorer(one).score(r"\boxed{\sqrt{2251} + 0}", golds).verdict.status == "wrong"
        assert Scorer(one).score(r"\boxed{\sqrt{12}}", [*golds[20:], r"2\sqrt3"]).verdict.status == "ok"
        assert Scorer(one).submit(r"\boxed{\sqrt{12}}", [*golds[20:], r"2\sqrt3"]).result().verdict.status == "ok"
