"""Texts that the fuzzer (tests/fuzz/fuzz_reward.py) found interesting, once more: what has to hold for any text."""

import json
from pathlib import Path

from reward_checks import fingerprint, problems

CORPUS = Path(__file__).parents[2] / "fuzz" / "corpus" / "reward.jsonl"
LARGEST = 300_000  # bytes
PAIRS = [tuple(json.loads(line)) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def test_the_corpus_is_worth_replaying() -> None:
    """It is small, and shows every tier with every outcome that it can have."""
    assert CORPUS.stat().st_size < LARGEST
    shown = {fingerprint(answer, gold).partition(":")[0] for answer, gold in PAIRS}
    tiers = ("integer", "rational", "decimal", "expression", "structure", "text answer")
    assert {f"{tier}, {outcome}" for tier in tiers for outcome in ("ok", "wrong")} <= shown
    assert {"text, ok", "structure, unparsable", "math-verify"} <= shown


def test_what_the_fuzzer_found_has_no_problems() -> None:
    """No error, symmetric where it is exact, nothing equal to itself plus one, and in time even on a busy machine."""
    assert {pair: found for pair in PAIRS if (found := problems(*pair, most_seconds=10))} == {}
