"""Scoring: ours against verl's `math_verify.compute_score` in one process: `python -m benchmarks.run reward`.

Made-up responses (measure/responses.py: 10 % cut off, 35 % wrong) go through both scorers in turn, one call after the
other, and through ours all at once. Then 49,504 verdicts, the size of one full evaluation.
"""

import statistics
import time
from typing import Any

from benchmarks.measure import timing
from benchmarks.measure.responses import PROBLEMS, make_responses, one_evaluation
from reward import score, score_many
from reward.scoring import default_scorer

TITLE = "Scoring against verl's `math_verify`"
VERL, OURS, BATCH = "verl", "ours", "ours, batch"
RATIOS = ("ratio", "best_ratio")


class Scorers:
    """Both scorers on the same responses.

    Args:
        responses: as of benchmarks.measure.responses.make_responses.

    Attributes:
        verdicts: scorer → scores of the latest pass.
        latencies: seconds of each single call of ours, over all passes.
    """

    def __init__(self, responses: list[tuple[str, str, str]]) -> None:
        from verl.utils.reward_score.math_verify import compute_score

        self._verl = compute_score
        self.responses = responses
        self.pairs = [(text, gold) for text, gold, _ in responses]
        self.verdicts: dict[str, list[float]] = {}
        self.latencies: list[float] = []

    @property
    def passes(self) -> dict[str, timing.Function]:
        """One pass over all responses per scorer."""
        return {VERL: self._pass_of_verl, OURS: self._one_by_one, BATCH: self._at_once}

    def _pass_of_verl(self) -> None:
        self.verdicts[VERL] = [float(self._verl(*pair)) for pair in self.pairs]

    def _one_by_one(self) -> None:
        default_scorer().forget()  # verl's scorer remembers nothing either
        found = []
        for pair in self.pairs:
            started = time.perf_counter()
            found.append(score(*pair).score)
            self.latencies.append(time.perf_counter() - started)
        self.verdicts[OURS] = found

    def _at_once(self) -> None:
        default_scorer().forget()
        self.verdicts[BATCH] = [verdict.score for verdict in score_many(self.pairs)]

    def differing(self) -> list[dict[str, Any]]:
        """Responses on which verl and ours disagree."""
        both = zip(self.responses, self.verdicts[VERL], self.verdicts[OURS], strict=True)
        return [
            {"gold": gold, "end": text[-60:], "kind": kind, "verl": theirs, "ours": ours}
            for (text, gold, kind), theirs, ours in both
            if theirs != ours
        ]

    def as_intended(self) -> dict[str, int]:
        """Scorer → how many verdicts are what the generator of the responses meant."""
        meant = [float(kind == "right") for *_, kind in self.responses]
        return {name: sum(map(float.__eq__, found, meant)) for name, found in self.verdicts.items()}


def measure(quick: bool = False) -> dict[str, Any]:
    """Responses per second of both, latencies, differing verdicts, and the time of one full evaluation."""
    count, rounds = (60, 3) if quick else (300, 5)
    scorers = Scorers(make_responses(count))
    times = timing.interleave(scorers.passes, rounds)
    middle, best = timing.medians(times), timing.bests(times)
    ordered = sorted(scorers.latencies)
    return {
        "responses": count,
        "rounds": rounds,
        "per_second": {name: round(count / seconds, 1) for name, seconds in middle.items()},
        "spread": {name: round(timing.spread(values), 2) for name, values in times.items()},
        "ratio": {name: round(middle[VERL] / seconds, 1) for name, seconds in middle.items()},
        "best_ratio": {name: round(best[VERL] / seconds, 1) for name, seconds in best.items()},
        "latency_ms": {
            "median": round(1e3 * statistics.median(ordered), 3),
            "p99": round(1e3 * ordered[int(len(ordered) * 0.99)], 2),
        },
        "as_intended": scorers.as_intended(),
        "differing": scorers.differing(),
        "full_evaluation": full_evaluation(PROBLEMS // 10 if quick else PROBLEMS),
    }


def full_evaluation(problems: int) -> dict[str, Any]:
    """Time for the verdicts of one full evaluation of so many problems."""
    pairs = [(response, gold) for gold, samples in one_evaluation(problems=problems) for response in samples]
    default_scorer().forget()
    seconds = timing.seconds(lambda: score_many(pairs))
    return {"verdicts": len(pairs), "seconds": round(seconds, 1), "per_second": round(len(pairs) / seconds)}


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    rows = [
        [name, f"{speed:,}", f"{100 * measured['spread'][name]:.0f} %", *(measured[key][name] for key in RATIOS)]
        for name, speed in measured["per_second"].items()
    ]
    latency, right, whole = measured["latency_ms"], measured["as_intended"], measured["full_evaluation"]
    return f"""{measured["responses"]} made-up responses of about 4,000 tokens (10 % cut off, 35 % wrong), \
{measured["rounds"]} rounds in turn.

{timing.table(["scorer", "responses/s", "spread", "ratio of medians", "of best passes"], rows)}

One call of ours takes {latency["median"]} ms (median), {latency["p99"]} ms (99th percentile). Verdicts as meant by the
generator: verl {right[VERL]}, ours {right[OURS]} of {measured["responses"]}; {len(measured["differing"])} differ \
(listed in performance.json).
All at once, {whole["verdicts"]:,} shorter responses (a full evaluation has 49,504): {whole["seconds"]} s \
({whole["per_second"]:,} per second)."""
