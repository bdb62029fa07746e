"""The verdict on a response: its final answer against every accepted one."""

import logging
from collections.abc import Iterable
from typing import Any

from reward.comparison import compare
from reward.extraction import extract_answer
from reward.verdict import Status, Verdict

logger = logging.getLogger(__name__)
_reported: set[type[Exception]] = set()


def score(response: str, gold: str | list[str]) -> Verdict:
    """The verdict on `response`, whose answer is right if it equals any of the accepted ones in `gold`.

    A gold may also be a number, as some data sets store it. Never raises: a fault in scoring is status "crashed" with
    score 0, and its traceback is logged once per kind of error.
    """
    try:
        golds = _accepted_answers(gold)
        extraction = extract_answer(response)
    except Exception as error:  # one bad response must not end a run; _crashed logs it and the status shows it
        return Verdict.of(_crashed(error))
    if extraction.status != "found":
        return Verdict.of(extraction.status)
    return Verdict.of(_best_outcome(extraction.answer, golds), extraction.answer)


def score_many(pairs: Iterable[tuple[str, str | list[str]]]) -> list[Verdict]:
    """The verdicts on (response, gold) pairs, in their order."""
    return [score(response, gold) for response, gold in pairs]


def _accepted_answers(gold: Any) -> list[str]:
    """The golds as strings. Raises ValueError if one is missing: then the data is at fault, and has to say so."""
    values = gold.tolist() if hasattr(gold, "tolist") else gold  # parquet stores a list of golds as a numpy array
    values = values if isinstance(values, list | tuple) else [values]
    golds = [str(value) for value in values if value is not None]
    if not golds or len(golds) < len(values) or not all(accepted.strip() for accepted in golds):
        raise ValueError(f"gold={gold!r} lacks an answer; write the accepted answer, or a list of accepted answers")
    return golds


def _best_outcome(answer: str, golds: list[str]) -> Status:
    """The outcome "ok" if any gold accepts the answer; otherwise the one that most needs to be seen."""
    outcomes: set[Status] = set()
    for gold in golds:
        outcome = _compare_safely(answer, gold)
        if outcome == "ok":
            return outcome
        outcomes.add(outcome)
    return next(status for status in ("crashed", "wrong", "unparsable") if status in outcomes)


def _compare_safely(answer: str, gold: str) -> Status:
    try:
        return compare(answer, gold)
    except Exception as error:  # as in `score`: any parser fault is a visible "crashed", never an exception
        return _crashed(error)


def _crashed(error: Exception) -> Status:
    """Logs the first error of each kind: a broken scorer meets it on every response."""
    if type(error) not in _reported:
        _reported.add(type(error))
        logger.error("status 'crashed': scoring failed; further %s stay silent", type(error).__name__, exc_info=error)
    return "crashed"
