"""Scoring: ours against verl's `math_verify.compute_score` in one run: `python -m benchmarks.reward`.

300 responses of about 4,000 tokens (10 % cut off, 35 % wrong), made here from a seed: reasoning with formulas and false
starts, then an answer in a box, of the kinds the competition sets hold. Both scorers take the same responses in rounds,
interleaved. Then 49,504 verdicts, the size of one full evaluation (32 samples × 1,547 problems). Writes
docs/results/reward.{json,md}.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recipes import manifest
from reward import score, score_many
from reward.scoring import default_scorer

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
SAMPLES, PROBLEMS = 32, 1547
WORDS = (
    *("so", "we", "have", "that", "the", "value", "of", "this", "expression", "is", "now", "let", "us", "check", "it"),
    *("again", "because", "wait", "maybe", "not"),
)
FORMULAS = (
    r"$x^2 + {0}x + {1} = 0$",
    r"\[ \frac{{{0}}}{{{1}}} = \sqrt{{{2}}} \]",
    r"$\sum_{{k=1}}^{{{0}}} k = {1}$",
    r"${0} \times {1} = {2}$",
    r"\boxed{{{0}}}? No, that was for $n = {1}$.",
)


def answers(rng: random.Random) -> tuple[str, str, str]:
    """A gold, a correct answer as a model may write it, and a wrong one."""
    n, m = rng.randint(2, 900), rng.randint(2, 60)
    kinds = (
        *[(str(n), str(n), str(n + 1))] * 12,
        (rf"\frac{{{n}}}{{{m}}}", rf"\dfrac{{{n}}}{{{m}}}", rf"\frac{{{n}}}{{{m + 1}}}"),
        (rf"{m}\%", rf"{m}\%", rf"{m + 1}\%"),
        (f"{n / 8:.3f}", str(n / 8), f"{n / 8 + 1:.3f}"),
        (rf"{m}\sqrt{{{n}}}", rf"\sqrt{{{m * m * n}}}", rf"{m}\sqrt{{{n + 1}}}"),
        (f"({n}, {m})", rf"\left({n},{m}\right)", f"({m}, {n + 61})"),
        (rf"{m}\pi", rf"\pi \cdot {m}", rf"{m}\pi^2"),
    )
    return rng.choice(kinds)


def reasoning(rng: random.Random, tokens: int) -> str:
    """Text of roughly so many tokens, with a formula every dozen words."""
    parts = []
    for _ in range(tokens // 24):
        parts.append(" ".join(rng.choices(WORDS, k=12)))
        parts.append(rng.choice(FORMULAS).format(*(rng.randint(1, 99) for _ in range(3))))
    return " ".join(parts)


def make_responses(count: int, seed: int = 0, tokens: int = 4000) -> list[tuple[str, str, str]]:
    """(response, gold, kind) with kind cut, wrong or right: 10, 35 and 55 percent."""
    rng = random.Random(seed)
    kinds = ["cut"] * (count // 10) + ["wrong"] * (count * 35 // 100)
    kinds += ["right"] * (count - len(kinds))
    rng.shuffle(kinds)
    responses = []
    for kind in kinds:
        gold, right, wrong = answers(rng)
        text = f"<think>\n{reasoning(rng, rng.randint(tokens // 2, tokens * 3 // 2))}"
        if kind != "cut":
            answer = right if kind == "right" else wrong
            text += f"\n</think>\n\nAdding it up, the answer is\n\\[ \\boxed{{{answer}}} \\]"
        responses.append((text, gold, kind))
    return responses


def compare_with_verl(responses: list[tuple[str, str, str]], rounds: int) -> dict[str, Any]:
    """Responses per second of both, one call after the other and ours all at once; latencies; differing verdicts."""
    from verl.utils.reward_score.math_verify import compute_score as verls

    pairs = [(text, gold) for text, gold, _ in responses]
    score(*pairs[0])
    verls(*pairs[0])  # both start their processes
    times: dict[str, list[float]] = {"verl": [], "ours": [], "ours, batch": []}
    latencies: list[float] = []
    verdicts: dict[str, list[float]] = {}
    for _ in range(rounds):
        default_scorer().forget()  # verl's scorer remembers nothing either
        times["verl"].append(_timed(lambda: verdicts.update(verl=[verls(*pair) for pair in pairs])))
        started = time.perf_counter()
        found = []
        for pair in pairs:
            one = time.perf_counter()
            found.append(score(*pair).score)
            latencies.append(time.perf_counter() - one)
        times["ours"].append(time.perf_counter() - started)
        verdicts["ours"] = found
        default_scorer().forget()
        times["ours, batch"].append(_timed(lambda: score_many(pairs)))
    speeds = {name: len(pairs) / statistics.median(values) for name, values in times.items()}
    ordered = sorted(latencies)
    differing = [
        {"gold": gold, "end": text[-60:], "kind": kind, "verl": theirs, "ours": ours}
        for (text, gold, kind), theirs, ours in zip(responses, verdicts["verl"], verdicts["ours"], strict=True)
        if theirs != ours
    ]
    expected = [float(kind == "right") for *_, kind in responses]
    return {
        "responses": len(pairs),
        "rounds": rounds,
        "per_second": {name: round(speed, 1) for name, speed in speeds.items()},
        "ratio": {name: round(speeds[name] / speeds["verl"], 1) for name in ("ours", "ours, batch")},
        "latency_ms": {"median": round(1e3 * statistics.median(ordered), 3), "p99": _percentile_ms(ordered, 0.99)},
        "right_verdicts": {name: sum(map(float.__eq__, found, expected)) for name, found in verdicts.items()},
        "differing": differing,
    }


def one_evaluation(tokens: int = 1000) -> Iterator[tuple[str, list[str]]]:
    """The gold and the samples of each problem of one full evaluation: they share few answers, some are cut off."""
    rng = random.Random(1)
    for number in range(PROBLEMS):
        gold, right, wrong = answers(rng)
        text = reasoning(rng, tokens)
        samples = [f"<think>{text}</think> \\boxed{{{rng.choice((right, wrong))}}}" for _ in range(SAMPLES)]
        if number % 10 == 0:
            samples[-1] = f"<think>{text}"
        yield gold, samples


def full_evaluation() -> dict[str, Any]:
    """Time for the verdicts of one full evaluation."""
    pairs = [(response, gold) for gold, samples in one_evaluation() for response in samples]
    default_scorer().forget()
    seconds = _timed(lambda: score_many(pairs))
    return {"verdicts": len(pairs), "seconds": round(seconds, 1), "per_second": round(len(pairs) / seconds)}


def _timed(function: Any) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def _percentile_ms(ordered: list[float], share: float) -> float:
    return round(1e3 * ordered[min(int(len(ordered) * share), len(ordered) - 1)], 2)


def page(measured: dict[str, Any]) -> str:
    """The Markdown page."""
    about, against, whole = measured["about"], measured["against_verl"], measured["full_evaluation"]
    rows = [
        f"| {name} | {speed} | {against['ratio'].get(name, 1.0)} |" for name, speed in against["per_second"].items()
    ]
    return "\n".join(
        [
            "# Scoring, measured",
            "",
            f"{against['responses']} responses of about 4,000 tokens (10 % cut off, 35 % wrong), {against['rounds']}",
            f"interleaved rounds, medians. `python -m benchmarks.reward`, {about['date']}. Machine:",
            f"{about['machine']['processor']}, {about['machine']['cores']} cores.",
            "",
            "| scorer | responses/s | ratio |",
            "|---|---|---|",
            *rows,
            "",
            f"One call of ours takes {against['latency_ms']['median']} ms (median), {against['latency_ms']['p99']} ms "
            "(99th percentile).",
            f"Verdicts as intended by the generator: verl {against['right_verdicts']['verl']}, ours "
            f"{against['right_verdicts']['ours']} of {against['responses']}; {len(against['differing'])} differ "
            "(in reward.json).",
            "",
            f"One full evaluation, {whole['verdicts']:,} verdicts: {whole['seconds']} s "
            f"({whole['per_second']:,} per second).",
        ]
    )


def main() -> None:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--responses", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    about = {"date": manifest.now()[:10], "machine": manifest.machine(), "versions": manifest.versions()}
    measured = {
        "about": about,
        "against_verl": compare_with_verl(make_responses(arguments.responses), arguments.rounds),
        "full_evaluation": full_evaluation(),
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "reward.json").write_text(json.dumps(measured, indent=1) + "\n")
    (arguments.output / "reward.md").write_text(page(measured) + "\n")
    print(page(measured))


if __name__ == "__main__":
    main()
