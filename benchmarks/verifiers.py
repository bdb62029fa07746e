"""Scorers side by side on labelled answers: `python -m benchmarks.verifiers [--misses] [--only ours]`.

Reads labelled/public_reports.jsonl in the folder that RLVR_DATA_DIR names: answers with a gold and the verdict that is
right, made from public bug reports of a dozen verifiers. Prints the share of right answers and of wrong ones that each
scorer accepts, and ours by kind. What takes a scorer longer than 10 seconds, or raises, is not accepted.
"""

import argparse
import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from reward import score
from reward.processes.pool import shared_pool

FOLDER = "RLVR_DATA_DIR"
LONGEST = 10.0  # seconds
RAW = "RAW:"  # marks an answer that is a whole response


class Case(NamedTuple):
    """One answer and the verdict that is right."""

    response: str
    gold: str
    is_right: bool
    kind: str


Scorer = Callable[[str, str], float]


def cases() -> list[Case]:
    """The labelled answers, in a box where they are no whole response. Raises SystemExit without the data."""
    if FOLDER not in os.environ:
        raise SystemExit(f"{FOLDER} is not set; set it to the folder that holds labelled/public_reports.jsonl.")
    text = (Path(os.environ[FOLDER]) / "labelled" / "public_reports.jsonl").read_text(encoding="utf-8")
    found = []
    for row in map(json.loads, text.splitlines()):
        answer = row["answer"]
        response = answer.removeprefix(RAW) if answer.startswith(RAW) else rf"\boxed{{{answer}}}"
        found.append(Case(response, row["gold"], row["expected"] == "ok", row["kind"]))
    return found


def scorers() -> dict[str, Scorer]:
    """Ours, and those of verl; math-verify as its documentation calls it and as verl does."""
    import math_verify
    from verl.utils.reward_score import math_dapo, math_reward, prime_math
    from verl.utils.reward_score import math_verify as verl_math_verify

    def documented(response: str, gold: str) -> float:
        return float(math_verify.verify(math_verify.parse(f"${gold}$"), math_verify.parse(response)))

    return {
        "ours": lambda response, gold: score(response, gold).score,
        "math-verify": documented,
        "verl math_verify": lambda response, gold: float(verl_math_verify.compute_score(response, gold)),
        "verl prime_math": lambda response, gold: float(prime_math.compute_score(response, gold)[0]),
        "verl math_reward": lambda response, gold: float(math_reward.compute_score(response, gold)),
        "verl math_dapo": lambda response, gold: float(
            math_dapo.compute_score(response, gold, strict_box_verify=True)["score"]
        ),
    }


class TooLong(BaseException):
    """A scorer was interrupted; no scorer's `except Exception` catches it."""


def accepts(scorer: Scorer, case: Case) -> bool:
    """Whether a scorer pays for the answer."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        return scorer(case.response, case.gold) > 0
    except (Exception, TooLong):  # other scorers raise whatever they like; that is no acceptance
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def accepted_shares(labelled: list[Case], verdicts: list[bool]) -> tuple[int, int, int, int]:
    """Right answers that are accepted, right ones, wrong ones that are accepted, wrong ones."""
    counts = Counter((case.is_right, accepted) for case, accepted in zip(labelled, verdicts, strict=True))
    right, wrong = counts[True, True], counts[False, True]
    return right, right + counts[True, False], wrong, wrong + counts[False, False]


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    arguments.add_argument("--only", help="the name of one scorer")
    arguments.add_argument("--misses", action="store_true", help="list what ours decides otherwise than labelled")
    chosen = arguments.parse_args()
    labelled = cases()
    print("| scorer | right answers accepted | wrong answers accepted |\n| --- | --- | --- |")
    for name, scorer in scorers().items():
        if chosen.only in (None, name):
            scorer(r"\boxed{1}", "1")  # verl's starts its processes on its first call
            verdicts = [accepts(scorer, case) for case in labelled]
            right, rights, wrong, wrongs = accepted_shares(labelled, verdicts)
            print(
                f"| {name} | {right} of {rights} ({right / rights:.1%}) | {wrong} of {wrongs} ({wrong / wrongs:.1%}) |"
            )
            if name == "ours":
                ours = verdicts
    if chosen.only in (None, "ours"):
        _print_kinds(labelled, ours)
        if chosen.misses:
            for case, accepted in zip(labelled, ours, strict=True):
                if accepted != case.is_right:
                    print("paid" if accepted else "refused", case.kind, case.response, case.gold, sep=" | ")
    shared_pool().close()


def _print_kinds(labelled: list[Case], verdicts: list[bool]) -> None:
    print("\n| kind | right accepted | wrong accepted |\n| --- | --- | --- |")
    for kind in sorted({case.kind for case in labelled}):
        pairs = [pair for pair in zip(labelled, verdicts, strict=True) if pair[0].kind == kind]
        right, rights, wrong, wrongs = accepted_shares([case for case, _ in pairs], [found for _, found in pairs])
        print(f"| {kind} | {right} of {rights} | {wrong} of {wrongs} |")


if __name__ == "__main__":
    main()
