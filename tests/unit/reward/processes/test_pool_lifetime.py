"""Scoring processes begin and end with their pool, may be killed at any time, and no answer is lost with them."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice

import pytest
from pool_jobs import (
    PATIENCE,
    ended,
    environment,
    eventually,
    in_new_python,
    pid_after,
    pool,
    scoring_processes,
)

from reward.scoring import Explanation, Scorer
from reward.verdict import Status

ANSWERS = 2000
WORKERS = 2
FORKED = """
import os, sys
from pool_jobs import pool

with pool(workers=1) as one:
    _, pid = one.submit(os.getpid).result()
    child = os.fork()
    if child == 0:
        status, other = one.submit(os.getpid).result(timeout=60)
        sys.exit(0 if status is None and other != pid else 7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), one.submit(os.getpid).result() == (None, pid))
"""
STARTED = r"""
import multiprocessing, sys
from reward import score

if __name__ == "__main__":
    answers = [(rf"\boxed{{\sqrt{{{4 * n}}}}}", rf"2\sqrt{{{n}}}") for n in (3, 5, 7)]
    before = score(*answers[0])
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as children:
        print(before.status, children.apply(score, answers[1]).status, score(*answers[2]).status)
"""
LEFT_OPEN = """
import sys, time
from pool_jobs import ScoringPool, eventually, scoring_processes

one = ScoringPool()
futures = [one.submit(time.sleep, 60) for _ in range(20)]
assert eventually(lambda: len(scoring_processes()) == one.settings.workers)
print(*[process.pid for process in scoring_processes()], flush=True)
time.sleep(float(sys.argv[1]))
"""
SERVER_KILLED = """
import os, psutil, sys
from pool_jobs import ended, eventually, pool

waited_for = sys.argv[1] == "waited for"
with pool(workers=2) as one:
    first = one.submit(os.getpid).result()[1]
    server = psutil.Process(first).parent()
    server.kill()
    if waited_for:
        server.wait()
    print([one.submit(len, "x" * length).result()[1] for length in range(9)])
    print(eventually(lambda: ended(first)))
"""


def test_a_process_is_replaced_after_its_jobs() -> None:
    with pool(workers=1, jobs_per_process=3) as one:
        pids = [one.submit(os.getpid).result()[1] for _ in range(8)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 2]


def test_a_closed_pool_leaves_no_process_and_no_job_without_an_end() -> None:
    before = scoring_processes()
    with pool(workers=2, deadline=60) as one:
        futures = [one.submit(pid_after, 50) for _ in range(6)]
        assert eventually(lambda: len(scoring_processes() - before) == 2)
        one.close()
        assert scoring_processes() <= before
        assert [future.result(timeout=0) for future in futures] == [("crashed", None)] * 6
        assert one.submit(len, "again").result() == (None, 5)
    assert scoring_processes() <= before


def test_a_pool_may_be_closed_while_its_processes_start_and_twice() -> None:
    before = scoring_processes()
    with pool(workers=2) as one:
        for _ in range(5):
            futures = [one.submit(len, "abc") for _ in range(4)]
            one.close()
            one.close()
            assert {future.result(timeout=0) for future in futures} <= {(None, 3), ("crashed", None)}
            assert scoring_processes() <= before


def test_a_job_may_close_its_pool_when_it_is_done() -> None:
    with pool(workers=2) as one:
        closed = threading.Event()
        one.submit(pid_after, 0.1).add_done_callback(lambda _: (one.close(), closed.set()))
        assert closed.wait(PATIENCE)
        assert one.submit(len, "again").result() == (None, 5)


def test_several_threads_share_a_pool() -> None:
    with pool(workers=2) as one, ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda length: one.submit(len, "x" * length).result(), range(400)))
    assert outcomes == [(None, length) for length in range(400)]


def test_nobody_cancels_a_job() -> None:
    """asyncio cancels what a cancelled task waits for; the result must still find its place."""
    with pool(workers=1) as one:
        future = one.submit(pid_after, 0.2)
        assert not future.cancel()
        assert future.result()[0] is None


def test_an_interrupt_from_the_keyboard_is_for_the_owner_only() -> None:
    with pool(workers=1) as one:
        _, pid = one.submit(os.getpid).result()
        future = one.submit(pid_after, 0.5)
        os.kill(pid, signal.SIGINT)
        assert future.result() == (None, pid)


def test_a_forked_child_has_processes_of_its_own_and_spares_its_parents() -> None:
    assert in_new_python(FORKED) == "0 True\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_score_too(method: str) -> None:
    """Those of its pools are daemonic, and may not start processes through multiprocessing itself."""
    assert in_new_python(STARTED, method) == "ok ok ok\n"


@pytest.mark.parametrize("by_others", ["killed", "waited for"])
def test_a_killed_fork_server_is_replaced(by_others: str) -> None:
    assert in_new_python(SERVER_KILLED, by_others) == f"{list(range(9))}\nTrue\n"


def test_no_process_outlives_an_owner_that_ends_without_closing() -> None:
    pids = [int(pid) for pid in in_new_python(LEFT_OPEN, "0").split()]
    assert pids and eventually(lambda: all(map(ended, pids)))


def test_no_process_outlives_an_owner_that_is_killed() -> None:
    command = [sys.executable, "-c", LEFT_OPEN, "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as owner:
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        owner.kill()
    assert pids and eventually(lambda: all(map(ended, pids)))


def right_status(number: int) -> Status:
    return "ok" if number % 3 else "wrong"


def score_while_killing(
    every: float, least: int, most: int, second_tries: bool
) -> tuple[Counter[tuple[Status, Status]], int]:
    """The (right, found) statuses of answers that each need a process, and how many processes were killed.

    ANSWERS answers are scored, again and again until enough processes have been killed.

    Args:
        second_tries: whether a process may be killed while it tries an answer for the second time.
    """
    spared, draw, done, kills = scoring_processes(), random.Random(0), threading.Event(), 0
    futures: list[Future[Explanation]] = []

    def kill() -> None:
        nonlocal kills
        while kills < most and not done.wait(every):
            if not second_tries:  # answers begin in their order: those in work are the first that are not done
                wait(islice((future for future in futures if not future.done()), WORKERS), timeout=PATIENCE)
            victims = sorted(scoring_processes() - spared, key=lambda process: process.pid)
            if victims:
                draw.choice(victims).kill()
                kills += 1

    with pool(workers=WORKERS) as one:
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            while kills < least:
                scorer = Scorer(one)  # one that has seen an answer needs no process for it, and none would be killed
                for n in range(ANSWERS):
                    truth = rf"2\sqrt{{{n if right_status(n) == 'ok' else n + 1}}}"
                    futures.append(scorer.submit(rf"\boxed{{\sqrt{{{4 * n}}}}}", truth))
                statuses = [future.result(timeout=PATIENCE).verdict.status for future in futures]
        finally:
            done.set()
            killer.join()
    return Counter((right_status(number % ANSWERS), status) for number, status in enumerate(statuses)), kills


def test_processes_killed_now_and_then_change_no_verdict() -> None:
    """An answer whose process is killed twice counts as crashed; none is here, however slow the machine."""
    found, _ = score_while_killing(every=0.1, least=5, most=10, second_tries=False)
    rounds, wrong = found.total() // ANSWERS, len(range(0, ANSWERS, 3))
    assert found == {("ok", "ok"): rounds * (ANSWERS - wrong), ("wrong", "wrong"): rounds * wrong}


def seconds_to_start() -> float:
    """What a process takes from its start to its first answer."""
    with pool(workers=1, jobs_per_process=1) as one:
        one.submit(len, "the fork server starts, too").result()
        begun = time.monotonic()
        one.submit(len, "another process").result()
        return time.monotonic() - begun


def test_processes_killed_without_end_cost_only_answers_that_met_it_twice() -> None:
    """Up to fifty kills a second, no faster than processes start: every answer gets a verdict, and no wrong one."""
    found, kills = score_while_killing(every=max(0.02, seconds_to_start()), least=20, most=100_000, second_tries=True)
    assert {right for right, status in found if status not in (right, "crashed")} == set()
    assert sum(count for (_, status), count in found.items() if status == "crashed") <= kills / 2
