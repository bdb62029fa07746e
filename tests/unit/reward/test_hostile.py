"""What a model may write to hang, crash, break out of or talk round the scorer earns nothing and harms nothing."""

import asyncio
import gc
import time
import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import psutil
import pytest
from hostile import GOLDS, Hostile, boxed, hostile_cases, long_responses
from pool_jobs import MIB, pool, scoring_processes

from reward import STATUSES, compute_score
from reward.equivalence.tiers import compare_at_sight
from reward.extraction import extract_answer
from reward.scoring import Explanation, Scorer

DEADLINE, WORKERS, MEMORY_GIB = 1.0, 2, 1
ALLOWANCE = 60.0  # seconds for everything but the deadlines, on a busy machine
SIZES = (200_000, 400_000)  # characters; a step for every pair of them, of a nanosecond, would take 80 s
UNITS = [name for name, _, _ in long_responses(0)]
RIGHT_AFTERWARDS = (r"\sqrt{12}+\frac{1}{2}", r"\frac{1}{2}+2\sqrt{3}")


@dataclass(frozen=True)
class Run:
    """The corpus, scored once, and what that cost."""

    explained: list[tuple[Hostile, Explanation]]
    afterwards: dict[str, str]  # the status of a right answer after each category
    seconds: float
    growth: int  # of this process, in bytes
    peaks: list[int]  # of the scoring processes' address spaces, in bytes
    survivors: set[psutil.Process]
    marker: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    marker = tmp_path_factory.mktemp("hostile") / "marker"
    cases = hostile_cases(marker)
    before, processes = resident(), scoring_processes()
    start = time.monotonic()
    with pool(workers=WORKERS, deadline=DEADLINE, memory_gib=MEMORY_GIB) as one:
        scorer = Scorer(one)
        explained: list[tuple[Hostile, Explanation]] = []
        afterwards, peaks = {}, []
        for category, group in groupby(cases, key=lambda case: case.category):
            futures = [(case, scorer.submit(case.response, case.gold)) for case in group]
            explained += [(case, future.result()) for case, future in futures]
            scorer.forget()
            afterwards[category] = (
                scorer.submit(boxed(RIGHT_AFTERWARDS[0]), RIGHT_AFTERWARDS[1]).result().verdict.status
            )
            peaks += [peak(process.pid) for process in scoring_processes() - processes]
        seconds = time.monotonic() - start
        growth = resident() - before
    yield Run(explained, afterwards, seconds, growth, peaks, scoring_processes() - processes, marker)


def resident() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


def peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmPeak:")[2].split()[0]) * 1024


def test_the_corpus_is_large_and_without_repetition() -> None:
    cases = hostile_cases(Path("/nowhere/marker"))
    assert len({(case.response, case.gold) for case in cases}) == len(cases) >= 320
    assert len({(case.category, case.name) for case in cases}) == len(cases)


def test_nothing_hostile_is_paid(run: Run) -> None:
    paid = [
        (case.category, case.name, case.gold, found.comparison)
        for case, found in run.explained
        if found.verdict.score != 0 or found.verdict.acc != 0 or found.verdict.status == "ok"
    ]
    assert paid == []


def test_every_verdict_has_a_status_and_the_scorer_is_never_at_fault(run: Run) -> None:
    assert {found.verdict.status for _, found in run.explained} <= set(STATUSES)
    assert [case.name for case, found in run.explained if found.verdict.status == "crashed"] == []


def test_only_what_has_to_be_computed_takes_the_deadline(run: Run) -> None:
    late = [case for case, found in run.explained if found.verdict.status == "timeout"]
    assert {case.category for case in late} <= {"powers", "factorials", "analysis", "degenerate_values"}
    assert 0 < len(late) < len(run.explained) / 20
    assert run.seconds < len(late) * DEADLINE / WORKERS + ALLOWANCE


def test_a_right_answer_is_right_after_every_category(run: Run) -> None:
    assert run.afterwards == dict.fromkeys(run.afterwards, "ok")
    assert set(run.afterwards) == {case.category for case, _ in run.explained}


def test_memory_is_bounded_here_and_in_the_processes(run: Run) -> None:
    answers = sum(len(found.verdict.pred.encode("utf-8", "replace")) for _, found in run.explained)
    assert run.growth - answers < 300 * MIB
    assert run.peaks and max(run.peaks) <= MEMORY_GIB * 1024 * MIB


def test_no_code_ran_and_no_process_is_left(run: Run) -> None:
    assert not run.marker.exists()
    assert run.survivors == set()


def test_the_marker_would_have_been_created(tmp_path: Path) -> None:
    """Outside the scorer the same text does what it says."""
    marker = tmp_path / "marker"
    command = next(case for case in hostile_cases(marker) if case.name.startswith("open("))
    eval(extract_answer(command.response).answer)
    assert marker.exists()


def test_verl_gets_the_same_columns_for_all_of_them(run: Run) -> None:
    decided = [case for case, found in run.explained if found.verdict.status != "timeout"]
    sample = [case for _, group in groupby(decided, key=lambda case: case.category) for case in list(group)[::8]]

    async def scored() -> list[dict[str, float | str]]:
        options = {"workers": WORKERS, "deadline": DEADLINE}
        return await asyncio.gather(*(compute_score("-", case.response, case.gold, None, **options) for case in sample))

    keys = {"score", "acc", "pred", "status", *(f"status_{status}" for status in STATUSES)}
    for columns in asyncio.run(scored()):
        assert set(columns) == keys
        assert columns["score"] == columns["acc"] == columns["status_ok"] == 0.0
        str(columns["pred"]).encode("utf-8")  # verl writes it into a file


@pytest.mark.parametrize("index", range(len(UNITS)), ids=UNITS)
def test_reading_takes_time_in_proportion_to_the_length(index: int) -> None:
    def read(size: int) -> Callable[[], object]:
        _, response, gold = list(long_responses(size))[index]
        return lambda: compare_at_sight(extract_answer(response).answer, gold)

    assert_linear(read)


@pytest.mark.parametrize("unit", [r"\(", r"\[", "$", "$$ ", "the answer is ", "answer: ** ", "1,", "1/", "7. "])
def test_reading_without_boxes_takes_time_in_proportion_to_the_length(unit: str) -> None:
    assert_linear(lambda size: partial(extract_answer, unit * (size // len(unit) // 4), require_box=False))


def assert_linear(job: Callable[[int], Callable[[], object]]) -> None:
    """Twice the text takes about twice the time; four times would be a square."""
    half, whole = (min(timeit.repeat(job(size), timer=time.process_time, number=1, repeat=3)) for size in SIZES)
    assert whole < 3.2 * half + 0.02
    assert whole < 2.0


@pytest.mark.parametrize("gold", GOLDS)
def test_the_golds_of_the_corpus_are_right_when_boxed(gold: str) -> None:
    """So that nothing above is refused for its gold's sake."""
    assert asyncio.run(compute_score("hostile", boxed(gold), gold, workers=WORKERS))["status"] == "ok"
