"""Libraries that read LaTeX mathematics beside our grammar: `python -m benchmarks.readers [--only NAME]`.

On the labelled answers of benchmarks/verifiers.py: how many texts each reads, which answers it accepts when sympy
compares what it read (what is not read is compared as text), and how long reading one text takes. Everything runs in
the processes that score, since none of these libraries bounds its work. sympy's own readers need
`pip install lark antlr4-python3-runtime==4.11`, which contradicts omegaconf: run this in an environment of its own that
holds math-verify, sympy and these two.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.verifiers import Case, accepted_shares, cases
from reward.equivalence.compare import compare
from reward.equivalence.normal_form import read
from reward.extraction import extract_answer
from reward.processes.pool import PoolSettings, ScoringPool

OURS = "ours"
LONGEST = 10.0  # seconds for one answer, or for reading one text


def _ours(text: str) -> Any:
    read.cache_clear()
    return read(text, False).readings or None


def _math_verify(text: str) -> Any:
    from math_verify import LatexExtractionConfig, parse

    config = (LatexExtractionConfig(boxed_match_priority=0),)
    parsed = parse(rf"\boxed{{{text}}}", extraction_config=config, parsing_timeout=None)
    return next((one for one in parsed if not isinstance(one, str)), None)


def _latex2sympy(text: str) -> Any:
    from latex2sympy2_extended import latex2sympy

    return latex2sympy(text)


def _antlr(text: str) -> Any:
    from sympy.parsing.latex import parse_latex

    return parse_latex(text, strict=True)  # otherwise it skips what it can't read


def _lark(text: str) -> Any:
    from sympy import Basic
    from sympy.parsing.latex import parse_latex

    parsed = parse_latex(text, backend="lark")
    return parsed if isinstance(parsed, Basic) else None  # a tree of lark's own where it sees two meanings


# What gives a text's value as sympy has it; None or an exception where it can't be read.
READERS: dict[str, Callable[[str], Any]] = {
    OURS: _ours,
    "math-verify": _math_verify,
    "latex2sympy2_extended": _latex2sympy,
    "sympy, lark": _lark,
    "sympy, antlr": _antlr,
}


def value_of(name: str, text: str) -> Any:
    """What a reader reads; None where it raises."""
    try:
        return READERS[name](text)
    except Exception:  # libraries raise whatever they like on what they can't read
        return None


def reading(name: str, text: str) -> tuple[bool, float]:
    """Whether a text is read, and the milliseconds that takes; not the first time, which builds tables."""
    value_of(name, "1")
    started = time.perf_counter()
    value = value_of(name, text)
    return value is not None, 1e3 * (time.perf_counter() - started)


def accepts(name: str, answer: str, gold: str) -> bool:
    """Whether the two are equal: for ours by our own tiers, else if sympy finds what was read the same."""
    from sympy import Expr, simplify

    if name == OURS:
        return compare(answer, gold).outcome == "ok"
    values = [value_of(name, text) for text in (answer, gold)]
    if values[0] is None or values[1] is None:
        return answer.strip() == gold.strip()
    if values[0] == values[1]:
        return True
    return all(isinstance(value, Expr) for value in values) and bool(simplify(values[0] - values[1]) == 0)


def row(name: str, labelled: list[Case], pool: ScoringPool) -> str:
    """One line of the table."""
    pairs = [(extract_answer(case.response).answer, case.gold) for case in labelled]
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    readings = [future.result() for future in [pool.submit(reading, name, text) for text in texts]]
    times = sorted(LONGEST * 1e3 if failure else found[1] for failure, found in readings)
    share = sum(failure is None and found[0] for failure, found in readings) / len(texts)
    verdicts = [future.result() for future in [pool.submit(accepts, name, *pair) for pair in pairs]]
    right, rights, wrong, wrongs = accepted_shares(labelled, [found is True for _, found in verdicts])
    late = sum(failure is not None for failure, _ in verdicts)
    took = f"{statistics.median(times):.2f} ms | {times[int(0.99 * len(times))]:.1f} ms"
    return f"| {name} | {share:.0%} | {right} of {rights} | {wrong} of {wrongs} | {late} | {took} |"


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    arguments.add_argument("--only", choices=READERS, help="one of them")
    chosen, labelled = arguments.parse_args(), cases()
    pool = ScoringPool(PoolSettings(workers=2, deadline=LONGEST))
    print("| reads with | texts read | right accepted | wrong accepted | no end | one text, median | 99th percentile |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in READERS:
        is_there = name != "sympy, lark" or importlib.util.find_spec("lark") is not None
        if is_there and chosen.only in (None, name):
            print(row(name, labelled, pool), flush=True)
    pool.close()


if __name__ == "__main__":
    from benchmarks import readers  # the scoring processes import its functions, which __main__ would hide from them

    readers.main()
