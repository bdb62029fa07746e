r"""Whether an answer equals an accepted one: first as text, then as mathematics.

math-verify 0.9.0 (https://github.com/huggingface/Math-Verify) parses both sides and compares. Its own timeouts rest on
SIGALRM: they work in the main thread only, where they cancel anyone else's alarm, and verl scores in worker threads.
They are off here, in every thread alike, so nothing in this module bounds the time one comparison takes.
"""

from functools import lru_cache
from typing import Any, Literal

from math_verify import LatexExtractionConfig, parse, verify

from reward.antlr import cure_antlr
from reward.text import canonical, strip_decoration

# At import, so that a scorer that cannot read percentages stops the run before it starts.
cure_antlr()

Outcome = Literal["ok", "wrong", "unparsable"]
# Read the box and nothing else: math-verify's other patterns pick a fraction out of an answer that does not parse.
BOX_ONLY = (LatexExtractionConfig(try_extract_without_anchor=False, boxed_match_priority=0),)
GOLD_CACHE_SIZE = 4096  # a gold is compared with a whole group of responses, epoch after epoch


def compare(answer: str, gold: str) -> Outcome:
    """Are they equal: "ok", "wrong", or "unparsable" if one of them is no mathematics and as text they differ.

    Raises whatever math-verify and sympy raise while comparing.
    """
    if canonical(answer) == canonical(gold):
        return "ok"
    parsed_gold, parsed_answer = _parse_gold(gold), _parse(answer)
    if not parsed_gold or not parsed_answer:
        return "unparsable"
    # The order matters: math-verify simplifies assignments and intervals by what the gold looks like.
    equal = verify(parsed_gold, parsed_answer, timeout_seconds=None, raise_on_error=True)
    return "ok" if equal else "wrong"


def _parse(answer: str) -> list[Any]:
    """The answer as sympy expressions; empty if it is not mathematics."""
    return parse(
        rf"\boxed{{{strip_decoration(answer)}}}",
        extraction_config=BOX_ONLY,
        fallback_mode="no_fallback",
        extraction_mode="first_match",
        parsing_timeout=None,
        raise_on_error=True,
    )


_parse_gold = lru_cache(maxsize=GOLD_CACHE_SIZE)(_parse)
