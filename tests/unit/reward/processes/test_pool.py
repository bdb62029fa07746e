"""Whatever a job does in a scoring process, it comes to an end in time, and the next one is none the worse for it."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from pool_jobs import (
    MIB,
    as_function,
    as_path,
    as_text,
    descriptors,
    exit_while,
    fail,
    fill,
    framed,
    pid_after,
    pool,
    say,
    say_touch,
)

import reward.processes.pool
from reward.processes.pool import Job

SLACK = 5.0  # seconds for starting processes on a busy machine
ERRORS = (
    ValueError,
    RuntimeError,
    RecursionError,
    MemoryError,
    OSError,
    BrokenPipeError,
    SystemExit,
    KeyboardInterrupt,
)


def resident() -> int:
    return psutil.Process().memory_info().rss


def test_a_job_beyond_its_deadline_is_a_timeout_and_its_process_is_gone() -> None:
    with pool(workers=1, deadline=0.5) as one:
        _, pid = one.submit(os.getpid).result()
        start = time.monotonic()
        assert one.submit(time.sleep, 60).result() == ("timeout", None)
        assert 0.5 <= time.monotonic() - start < 0.5 + SLACK
        assert not psutil.pid_exists(pid)
        status, other = one.submit(os.getpid).result()
        assert (status, other != pid) == (None, True)


def test_the_deadline_counts_from_the_start_of_a_job() -> None:
    """Eight jobs of 0.6 of the deadline in two processes: the last ones begin after nearly two deadlines."""
    with pool(workers=2, deadline=1.5) as one:
        futures = [one.submit(pid_after, 0.9) for _ in range(8)]
        outcomes = [future.result() for future in futures]
    assert [status for status, _ in outcomes] == [None] * 8
    assert len({pid for _, pid in outcomes}) == 2


def test_memory_beyond_the_limit_is_a_crash_of_the_job_only() -> None:
    with pool(workers=1, memory_gib=1) as one:
        assert one.submit(fill, 200).result() == (None, 200 * MIB)
        before = resident()
        assert one.submit(fill, 2000).result() == ("crashed", None)
        assert one.submit(fill, 200).result() == (None, 200 * MIB)
        assert resident() - before < 50 * MIB


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_a_crash_that_costs_neither_the_process_nor_a_second_attempt(kind: type[BaseException]) -> None:
    with pool(workers=1) as one:
        pids = [one.submit(os.getpid).result()]
        assert one.submit(fail, kind).result() == ("crashed", None)
        pids.append(one.submit(os.getpid).result())
    assert pids[0] == pids[1]


def test_the_first_error_of_each_kind_is_logged_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reward.processes.pool, "_reported", set())
    with pool(workers=1) as one:
        for kind in (ValueError, KeyError, ValueError):
            one.submit(fail, kind).result()
    assert [record.message for record in caplog.records] == [
        f"status 'crashed': scoring failed; further {kind} stay silent" for kind in ("ValueError", "KeyError")
    ]
    assert "in fail" in caplog.text
    assert "on purpose" in caplog.text


def test_where_no_thread_can_be_started_a_job_is_crashed_and_the_next_one_tries_again() -> None:
    """As at a limit of processes: submit promises to raise nothing."""
    with pool(workers=2) as one:
        threading.stack_size(1 << 48)  # more than there are addresses
        try:
            assert one.submit(len, "now").result() == ("crashed", None)
            assert one.take_and_wait(Job(len, ("now",))) == ("crashed", None)
        finally:
            threading.stack_size(0)
        assert one.submit(len, "next").result() == (None, 4)


def test_a_timeout_error_of_the_job_is_no_timeout() -> None:
    with pool(workers=1) as one:
        assert one.submit(fail, TimeoutError).result() == ("crashed", None)


@pytest.mark.parametrize(("deaths", "outcome"), [(1, (None, "alive")), (2, ("crashed", None)), (9, ("crashed", None))])
def test_a_job_that_ends_its_process_is_tried_once_more(
    deaths: int, outcome: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)  # of all folders a job reads only those that Python imports from
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    descriptor = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    os.write(descriptor, b"x" * deaths)
    with pool(workers=1) as one:
        assert one.submit(exit_while, str(fifo)).result() == outcome
        assert one.submit(len, "next").result() == (None, 4)
    assert len(os.read(descriptor, 100) if deaths > 2 else b"") == max(0, deaths - 2)
    os.close(descriptor)


@pytest.mark.parametrize("end", [os.abort, os._exit])
def test_ways_to_end_a_process(end: Any) -> None:
    with pool(workers=1) as one:
        assert one.submit(end, *([0] if end is os._exit else [])).result() == ("crashed", None)
        assert one.submit(len, "next").result() == (None, 4)


@pytest.mark.parametrize("function", [lambda: 1, "no function", print])
def test_what_cannot_be_sent_or_called_is_a_crash(function: Any) -> None:
    with pool(workers=1) as one:
        assert one.submit(function, threading.Lock() if function is print else 1).result() == ("crashed", None)
        assert one.submit(len, "next").result() == (None, 4)


def test_a_result_that_is_no_plain_data_is_a_crash() -> None:
    with pool(workers=1) as one:
        before = resident()
        assert one.submit(as_function).result() == ("crashed", None)
        assert one.submit(as_path).result() == ("crashed", None)
        assert one.submit(as_text, MIB).result() == ("crashed", None)
        assert resident() - before < 32 * MIB
        assert one.submit(as_text, 1000).result() == (None, "x" * 1000)


def test_of_what_its_owner_has_open_a_process_has_its_own_socket_only() -> None:
    """Neither stderr nor the fork server's pipes; whoever prints there speaks to nobody."""
    with pool(workers=1) as one:
        assert one.submit(descriptors).result() == (None, ["null", "null", "null", "socket"])


def test_a_process_that_was_taken_over_runs_nothing_here(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with pool(workers=1) as one:
        assert one.submit(say_touch, str(marker)).result() == ("crashed", None)
    assert not marker.exists()


@pytest.mark.parametrize(
    "reply",
    [
        b"\0" * 8,
        b"\xff" * 8,
        framed(7),
        framed((99, "value", 1)),
        framed(())[:9] + b"?" * 90,
        framed((1, "comparison", {"outcome": "ok"})),
        framed((1, "comparison", [1])),
        framed((1, "failed", 1)),
        (30_000).to_bytes(8, "big") + b"[" * 30_000,
        (30_000).to_bytes(8, "big") + b"9" * 30_000,
    ],
)
def test_a_reply_that_is_none_of_ours_is_a_crash(reply: bytes) -> None:
    with pool(workers=1) as one:
        assert one.submit(say, reply).result() == ("crashed", None)
        assert one.submit(len, "next").result() == (None, 4)


@pytest.mark.parametrize("reply", [b"\0", (1 << 10).to_bytes(8, "big") + b"x"])
def test_half_a_reply_is_waited_for_no_longer_than_the_deadline(reply: bytes) -> None:
    with pool(workers=1, deadline=0.5) as one:
        start = time.monotonic()
        assert one.submit(say, reply, 60).result() == ("timeout", None)
        assert time.monotonic() - start < 0.5 + SLACK


def test_a_job_cannot_answer_for_the_next_one() -> None:
    with pool(workers=1) as one:
        one.submit(say, framed((1, "value", "forged")) * 3).result()
        assert one.submit(len, "next").result() == (None, 4)
