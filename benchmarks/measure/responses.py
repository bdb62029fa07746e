"""Made-up responses to score: reasoning with formulas and false starts, then a boxed answer."""

import random
from collections.abc import Iterator

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


def one_evaluation(tokens: int = 1000, problems: int = PROBLEMS) -> Iterator[tuple[str, list[str]]]:
    """The gold and the samples of each problem of one full evaluation: they share few answers, some are cut off."""
    rng = random.Random(1)
    for number in range(problems):
        gold, right, wrong = answers(rng)
        text = reasoning(rng, tokens)
        samples = [f"<think>{text}</think> \\boxed{{{rng.choice((right, wrong))}}}" for _ in range(SAMPLES)]
        if number % 10 == 0:
            samples[-1] = f"<think>{text}"
        yield gold, samples
