"""Looks for texts that the scorer cannot bear: `python tests/fuzz/fuzz_reward.py --minutes 10 [--seed N]`.

Answers are mutated and combined: golds (of math-verify's own cases, and of the data sets where RLVR_DATA_DIR is set),
LaTeX commands, what earlier runs found interesting. `reward_checks.problems` says what has to hold for every pair; a
sample goes through the processes that score as well, where only the status counts. Prints every problem with the
shortest texts that show it, and exits with 1 if there is one.

corpus/reward.jsonl keeps one pair, the shortest so far, for each thing that can happen (tier, outcome, kinds), and the
slowest ones; tests/unit/reward/test_fuzz_corpus.py replays it.
"""

import argparse
import json
import os
import random
import resource
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "tests" / "support")]  # as a package, `tests` would be verl's

from fuzz_texts import mutated  # noqa: E402
from math_verify_cases import CASES  # noqa: E402
from reward_checks import fingerprint, problems, timed  # noqa: E402

from reward.equivalence.tiers import compare_cheaply  # noqa: E402
from reward.extraction import extract_answer  # noqa: E402
from reward.processes.pool import PoolSettings, ScoringPool  # noqa: E402
from reward.scoring import Scorer  # noqa: E402
from reward.verdict import STATUSES  # noqa: E402

CORPUS = Path(__file__).parent / "corpus" / "reward.jsonl"
LARGEST_CORPUS = 250_000  # bytes
LONGEST_KEPT = 400  # characters, of an ordinary input
SLOW = 0.3  # seconds of CPU time that make an input interesting
MOST_SLOW = 2
HANGS = 20  # seconds of CPU time after which a comparison is interrupted
MOST_MEMORY = 3 << 30  # bytes of address space: an explosion becomes a MemoryError
EVERY_SCORED = 100


class Hangs(BaseException):
    """A comparison was interrupted."""


class Corpus:
    """The interesting pairs, by what makes them so."""

    def __init__(self, path: Path = CORPUS) -> None:
        self._path = path
        self.pairs: dict[str, tuple[str, str]] = {}
        self._slow: list[tuple[float, str, str]] = []
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self.consider(*json.loads(line))

    def consider(self, answer: str, gold: str) -> None:
        """Keep the pair if it shows something new, or shows it with less text."""
        key, seconds = timed(fingerprint, answer, gold)
        kept, length = self.pairs.get(key), len(answer) + len(gold)
        if seconds <= SLOW and length <= LONGEST_KEPT and (kept is None or length < len(kept[0]) + len(kept[1])):
            self.pairs[key] = answer, gold
        if seconds > SLOW:
            self._slow = sorted([*self._slow, (seconds, answer, gold)], reverse=True)[:MOST_SLOW]

    def save(self) -> None:
        """Write what fits, short ones first."""
        lines = [json.dumps(pair) for pair in (*(slow[1:] for slow in self._slow), *self.pairs.values())]
        size, kept = 0, []
        for line in sorted(set(lines), key=lambda line: (len(line), line)):
            size += len(line) + 1
            if size <= LARGEST_CORPUS:
                kept.append(line)
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text("\n".join(kept) + "\n", encoding="utf-8")


class Sample:
    """Pairs that go through the scoring processes; only their statuses count."""

    def __init__(self) -> None:
        self._settings = PoolSettings(workers=1)
        self._pool = ScoringPool(self._settings)
        self._scorer = Scorer(self._pool)
        self._waiting: deque[tuple[Any, str, str, str | None]] = deque()
        self.statuses: Counter[str] = Counter()

    def add(self, answer: str, gold: str) -> None:
        """Score a response with this answer, unless enough are under way."""
        if len(self._waiting) > 20 or not gold.strip():
            return
        response = rf"So \boxed{{{answer}}}"
        extracted = extract_answer(response)
        cheap = compare_cheaply(extracted.answer, gold) if extracted.status == "found" else None
        expected = cheap.outcome if cheap else extracted.status if extracted.status != "found" else None
        self._waiting.append((self._scorer.submit(response, gold), response, gold, expected))

    def problems(self, wait: bool = False) -> Iterator[tuple[str, str, str]]:
        """The verdicts that are not what they should be."""
        while self._waiting and (wait or self._waiting[0][0].done()):
            future, response, gold, expected = self._waiting.popleft()
            try:
                status = future.result(timeout=10 * self._settings.deadline).verdict.status
            except TimeoutError:
                yield "the pool never answers", response, gold
                continue
            self.statuses[status] += 1
            if status not in STATUSES or (expected is not None and status != expected):
                yield f"the pool says {status} for {expected}", response, gold

    def close(self) -> None:
        self._pool.close()


def guarded(answer: str, gold: str) -> list[str]:
    """`problems`, interrupted if it hangs."""

    def interrupt(*_: Any) -> None:
        raise Hangs

    signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS)
    try:
        return problems(answer, gold)
    except Hangs:
        return [f"hangs: more than {HANGS} s"]
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def shortened(answer: str, gold: str, problem: str) -> tuple[str, str]:
    """The pair with everything left out that the problem does not need."""
    signature, texts = _signature(problem), [answer, gold]
    until = time.monotonic() + 20
    for width in (64, 16, 4, 1):
        for which in (0, 1):
            place = 0
            while place < len(texts[which]) and time.monotonic() < until:
                tried = [*texts]
                tried[which] = tried[which][:place] + tried[which][place + width :]
                if signature in map(_signature, guarded(*tried)):
                    texts = tried
                else:
                    place += width
    return texts[0], texts[1]


def _signature(problem: str) -> str:
    return problem.partition(":")[0]


def seeds(corpus: Corpus) -> list[str]:
    """Texts to begin with."""
    texts = [text for case in CASES for text in (case["pred"], case["gold"]) if len(text) < 200]
    texts += [text for pair in corpus.pairs.values() for text in pair]
    if "RLVR_DATA_DIR" in os.environ:
        from reward_data import golds

        texts += random.Random(0).sample([gold for name, gold, _ in golds() if name != "gsm8k" and gold], 3000)
    return texts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="of the mutations; another one each time by default")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    rng, corpus, sample = random.Random(seed), Corpus(), Sample()
    texts, found, count = seeds(corpus), Counter[str](), 0
    print(f"seed {seed}: {len(texts)} texts, {len(corpus.pairs)} kinds of pairs in the corpus", flush=True)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    until = time.monotonic() + 60 * options.minutes
    while time.monotonic() < until:
        count += 1
        gold = rng.choice(texts) if rng.random() < 0.5 else mutated(rng.choice(texts), texts, rng)
        answer = mutated(gold if rng.random() < 0.6 else rng.choice(texts), texts, rng)
        new = [(problem, answer, gold) for problem in guarded(answer, gold)]
        if not new:
            corpus.consider(answer, gold)
        if count % EVERY_SCORED == 0:
            sample.add(answer, gold)
        for problem, *pair in (*new, *sample.problems()):
            _tell(problem, pair[0], pair[1], found)
        if rng.random() < 0.02:
            texts[rng.randrange(len(texts))] = answer[:LONGEST_KEPT]
    for problem, *pair in sample.problems(wait=True):
        _tell(problem, pair[0], pair[1], found)
    sample.close()
    corpus.save()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{count} pairs, {len(corpus.pairs)} kinds, scored: {dict(sample.statuses)}, {memory} MiB at most")
    print(f"problems: {dict(found) or 'none'}")
    return 1 if found else 0


def _tell(problem: str, answer: str, gold: str, found: Counter[str]) -> None:
    """Print the first few of each kind."""
    found[_signature(problem)] += 1
    if found[_signature(problem)] <= 3:
        if not problem.startswith(("the pool", "hangs")):
            answer, gold = shortened(answer, gold, problem)
        print(f"{problem}\n    answer {answer!r}\n    gold   {gold!r}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
