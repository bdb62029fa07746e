"""Pays no mutant, and every rewriting? `RLVR_DATA_DIR=... python tests/fuzz/fuzz_equality.py [--golds N] [--seed N]`.

Makes both from every gold of the benchmarks and training sets (support/answer_mutants.py), and judges them in the
processes that score. A mutant that is paid is a fault unless sympy, reading both texts with math-verify's parser, finds
them equal: then the generator made no mutant, and the pair is counted apart. Prints rates by kind, and examples; exits
with 1 if a mutant was paid.
"""

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "tests" / "support")]  # as a package, `tests` would be verl's

from answer_mutants import MUTANTS, REWRITINGS, Kind, answers, are_equal  # noqa: E402
from reward_data import golds, read  # noqa: E402

from reward.equivalence.compare import compare  # noqa: E402
from reward.processes.pool import PoolSettings, ScoringPool  # noqa: E402
from reward.task import EXACT, Task  # noqa: E402

CHUNK = 2000
SHOWN = 4
Pair = tuple[str, str, str, Task]  # kind, answer, gold, task


def all_golds() -> list[tuple[str, Task]]:
    """Every gold once, of the data sets and of the labelled cases."""
    found = [(gold, task) for _, gold, task in golds()]
    found += [(row["ground_truth"], EXACT) for row in read("labelled/hardverify_math.json")]
    found += [(row["gold"], EXACT) for row in read("labelled/public_reports.jsonl") if row["expected"] == "ok"]
    found += [(str(row["gt"]), EXACT) for row in read("labelled/qwen_math_solutions.jsonl")]
    return [pair for pair in dict.fromkeys(found) if pair[0].strip()]


def pairs(kinds: dict[str, Kind], chosen: Iterable[tuple[str, Task]], seed: int) -> Iterator[Pair]:
    """What a kind of answers makes of the golds."""
    for gold, task in chosen:
        for kind, answer in answers(kinds, gold, seed):
            # Of a gold in minutes, hours are another unit; within a tolerance another digit is right.
            if not (task.unit and kind == "unit added") and not task.tolerance:
                yield kind, answer, gold, task


def judged(pool: ScoringPool, found: Iterator[Pair]) -> Iterator[tuple[Pair, str]]:
    """Each pair with its outcome."""
    while chunk := list(islice(found, CHUNK)):
        futures = [pool.submit(compare, answer, gold, task) for _, answer, gold, task in chunk]
        for pair, future in zip(chunk, futures, strict=True):
            failure, comparison = future.result()
            yield pair, failure or comparison.outcome


def report(title: str, counts: dict[str, Counter[str]], examples: dict[str, list[Pair]]) -> None:
    """A table of kinds, and some of what went wrong."""
    total = Counter[str]()
    print(f"\n| {title} | pairs | paid | equal after all |\n| --- | --- | --- | --- |")
    for kind, count in counts.items():
        print(f"| {kind} | {count['all']:,} | {count['paid']:,} | {count['equal']:,} |")
        total.update(count)
    print(f"| all | {total['all']:,} | {total['paid']:,} | {total['equal']:,} |")
    for kind, shown in examples.items():
        for _, answer, gold, _ in shown:
            print(f"  {kind}: {answer!r} for {gold!r}")


def main() -> int:
    """Judge everything; 1 if a mutant was paid."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    arguments.add_argument("--golds", type=int, default=0, help="so many golds, drawn at random; 0 for all")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--shown", type=int, default=SHOWN, help="examples per kind")
    chosen = arguments.parse_args()
    available = all_golds()
    if chosen.golds:
        available = random.Random(chosen.seed).sample(available, chosen.golds)
    print(f"{len(available):,} golds")
    pool = ScoringPool(PoolSettings(workers=2))
    wrong = 0
    for title, kinds in (("mutants", MUTANTS), ("rewritings", REWRITINGS)):
        counts, examples = defaultdict[str, Counter[str]](Counter), defaultdict[str, list[Pair]](list)
        for pair, outcome in judged(pool, pairs(kinds, available, chosen.seed)):
            kind, answer, gold, _ = pair
            paid = outcome == "ok"
            equal = title == "mutants" and paid and are_equal(answer, gold)
            counts[kind].update({"all": 1, "paid": paid and not equal, "equal": equal})
            if (paid and not equal) == (title == "mutants"):
                examples[kind].append(pair)
        report(title, counts, {kind: shown[: chosen.shown] for kind, shown in examples.items()})
        wrong += sum(map(len, examples.values())) if title == "mutants" else 0
    pool.close()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
