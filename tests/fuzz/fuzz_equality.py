"""Pays no mutant, and every rewriting? `RLVR_DATA_DIR=... python tests/fuzz/fuzz_equality.py [--golds N] [--seed N]`.

Makes both from every gold of the benchmarks, training sets and labelled cases, and of whatever `--also` names
(support/answer_mutants.py), and judges them in the processes that score. A mutant that is paid is a fault unless sympy,
reading both texts with math-verify's parser, finds them equal: then the generator made no mutant, and the pair is
counted apart. Prints rates by kind, and examples; exits with 1 if a mutant was paid. A share of it runs with the other
tests: tests/unit/reward/test_mutants_of_golds.py.
"""

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "tests" / "support")]  # as a package, `tests` would be verl's

from answer_mutants import MUTANTS, REWRITINGS, are_equal  # noqa: E402
from judged_pairs import Pair, judged, pairs  # noqa: E402
from math_verify_cases import CASES, answer_in  # noqa: E402
from reward_data import golds, read  # noqa: E402

from reward.processes.pool import PoolSettings, ScoringPool  # noqa: E402
from reward.task import EXACT, Task  # noqa: E402

REPORTS = ("labelled/public_reports.jsonl", "labelled/issue_and_edge_cases.json")
SHOWN = 4
DEADLINE = 60.0  # seconds


def all_golds(also: Iterable[Path] = ()) -> list[tuple[str, Task]]:
    """Every gold once: of the data sets, of the labelled cases (a right answer is a gold, too), of further files."""
    found = [(gold, task) for _, gold, task in golds()]
    labelled = [row[key] for row in read("labelled/hardverify_math.json") for key in ("ground_truth", "fn_output")]
    labelled += [row["gold"] for name in REPORTS for row in read(name)]
    labelled += [row["gt"] for row in read("labelled/qwen_math_solutions.jsonl")]
    for row in read("benchmarks/minerva_alternative_golds.json"):
        labelled += row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
    labelled += [answer_in(case["gold"]) for case in CASES]
    for path in also:
        labelled += [json.loads(line)["answer"] for line in path.read_text(encoding="utf-8").splitlines()]
    found += [(str(gold), EXACT) for gold in labelled]
    return [pair for pair in dict.fromkeys(found) if pair[0].strip()]


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
    arguments.add_argument("--also", type=Path, nargs="*", default=[], help="JSON lines with `answer`: further golds")
    chosen = arguments.parse_args()
    available = all_golds(chosen.also)
    if chosen.golds:
        available = random.Random(chosen.seed).sample(available, chosen.golds)
    print(f"{len(available):,} golds")
    # Work is bounded by calls, so a long deadline only keeps a busy machine from hiding a payment behind a timeout.
    pool = ScoringPool(PoolSettings(workers=2, deadline=DEADLINE))
    wrong, undecided = 0, Counter[str]()
    for title, kinds in (("mutants", MUTANTS), ("rewritings", REWRITINGS)):
        counts, examples = defaultdict[str, Counter[str]](Counter), defaultdict[str, list[Pair]](list)
        for pair, outcome in judged(pool, pairs(kinds, available, chosen.seed)):
            kind, answer, gold, _ = pair
            paid = outcome == "ok"
            undecided.update([outcome] if outcome in ("timeout", "crashed") else [])
            equal = title == "mutants" and paid and are_equal(answer, gold)
            counts[kind].update({"all": 1, "paid": paid and not equal, "equal": equal})
            if (paid and not equal) == (title == "mutants"):
                examples[kind].append(pair)
        report(title, counts, {kind: shown[: chosen.shown] for kind, shown in examples.items()})
        wrong += sum(map(len, examples.values())) if title == "mutants" else 0
    pool.close()
    print(f"\nnot decided: {dict(undecided) or 'none'}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
