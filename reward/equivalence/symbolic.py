r"""math-verify, the last resort for mathematics that this package does not read itself: sums, integrals, limits, cases.

math-verify 0.9.0 (https://github.com/huggingface/Math-Verify) parses with ANTLR and compares with sympy. Nothing bounds
the time that takes: its own timeouts rest on SIGALRM, which works in the main thread only and cancels anyone else's
alarm, so they are off. `equal_by_math_verify` is therefore the one function that has to run in a process that can be
killed (`reward.processes.pool`); it is never called for numbers, lists of numbers, sets, tuples or words.

So that the verdict on a text is the same in every run, however busy the machine is, comparing ends after so many calls
of functions, not after so much time; the deadline of the pool is for what does not call any, as a huge power.
"""

import logging
import re
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from types import FrameType
from typing import Any

from math_verify import LatexExtractionConfig, parse, verify
from sympy.core.cache import clear_cache

from reward.equivalence.antlr import assert_percentages_parse, cure_antlr
from reward.parser.text import strip_decoration

# What math-verify skips without a word: 4'2 is no 42, and of `7 \boxed{(1,2)}` it reads the inner box only.
QUOTED_DIGITS = re.compile(r"\d\s*['\"’”]+\s*\d")
BOX_COMMAND = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
LONGEST = 1000  # characters; sympy's time grows fast with the length
# What math-verify and sympy raise on odd expressions ("Can't evaluate nan or zoo" for 5:00): the text's fault, not the
# scorer's, which the share of "crashed" is about. Whether the library works at all is asked by reward.self_test.
NOT_COMPARABLE = (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError)
MOST_CALLS = 8_000_000  # about two seconds
GOLD_CACHE_SIZE = 4096  # a gold is compared with a whole group of responses, epoch after epoch
# Read the box and nothing else: math-verify's other patterns pick a fraction out of an answer that does not parse.
BOX_ONLY = (LatexExtractionConfig(try_extract_without_anchor=False, boxed_match_priority=0),)

# At import, so that a scorer that cannot read percentages stops the run before it starts. math-verify warns on every
# start that its timeouts are off; the pool's deadline stands in for them.
for _name in ("math_verify.parser", "math_verify.grader", "math_verify.utils"):
    logging.getLogger(_name).setLevel(logging.ERROR)
cure_antlr()


def equal_by_math_verify(answer: str, gold: str) -> bool | None:
    """Whether math-verify calls them equal; None if it cannot read one of them, or gives up on comparing them.

    Raises whatever else math-verify and sympy raise, and may never return.
    """
    if max(len(answer), len(gold)) > LONGEST or QUOTED_DIGITS.search(answer):
        return None
    parsed_gold, parsed_answer = _parse_gold(gold), _parse(answer)
    if not parsed_gold or not parsed_answer:
        return None
    return _within(MOST_CALLS, partial(_are_equal, parsed_gold, parsed_answer))


def _are_equal(parsed_gold: list[Any], parsed_answer: list[Any]) -> bool | None:
    # The order matters: math-verify simplifies assignments and intervals by what the gold looks like.
    try:
        return bool(
            verify(parsed_gold, parsed_answer, timeout_seconds=None, raise_on_error=True, allow_set_relation_comp=True)
        )
    except NOT_COMPARABLE:
        return None


class TooMuchWork(BaseException):
    """More calls than a comparison may take; math-verify and sympy catch every Exception."""


def _within(most: int, function: Callable[[], bool | None]) -> bool | None:
    """What `function` returns, or None where it takes more calls and returns of functions than `most`."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > most:
            raise TooMuchWork

    clear_cache()  # what sympy remembers of other texts would make this one cheaper
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = function()
    except TooMuchWork:
        return None
    finally:
        sys.setprofile(before)
    return found if calls <= most else None  # a generator that is being closed swallows the exception


def assert_ready() -> None:
    """Raises RuntimeError, saying what to do, if math-verify cannot read a percentage."""
    assert_percentages_parse()


def _parse(answer: str) -> list[Any]:
    """The answer as sympy expressions; empty if it is not mathematics."""
    return parse(
        rf"\boxed{{{strip_decoration(BOX_COMMAND.sub('', answer))}}}",
        extraction_config=BOX_ONLY,
        fallback_mode="no_fallback",
        extraction_mode="first_match",
        parsing_timeout=None,
        raise_on_error=True,
    )


_parse_gold = lru_cache(maxsize=GOLD_CACHE_SIZE)(_parse)
