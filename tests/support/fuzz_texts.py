"""Mutations of answers: some stay nearly readable, some are nonsense, a few are as large as a response may hold."""

import random
import re
from collections.abc import Callable

from reward.parser import vocabulary
from reward.parser.typography import GREEK, SAME, SINGLE
from reward.parser.units import NAMES

PIECE = re.compile(r"\\[A-Za-z]+|\\.|\d+|\s+|.", re.DOTALL)
COMMANDS = sorted(
    vocabulary.ATOM_COMMANDS | vocabulary.PLAIN_COMMANDS | vocabulary.TEXT_COMMANDS | {*vocabulary.ALIASES}
)
SIGNS = (
    *sorted(vocabulary.word_set(r"+ - * / = < > ( ) [ ] { } | ! % ^ _ , ; : . ' & ~ $ @ # ? \{ \} \\ \, \! \; \% \$")),
    *sorted(vocabulary.word_set(r"\pm \mp \cdot \times \le \ge \ne \in \cup \cap \setminus \to \sum \int \lim \quad")),
    *sorted(
        vocabulary.word_set(r"\left( \right) \left. \right| \boxed{ \text{ \mathrm{ \begin{pmatrix} \end{pmatrix}")
    ),
    *sorted(
        vocabulary.word_set(r"\begin{cases} \end{cases} \mathbb{R} \infty -\infty \circ ^\circ \overline{3} \ldots")
    ),
)
NUMBERS = (
    "0",
    "1",
    "-1",
    "2",
    "10",
    "0.5",
    "1,000",
    "007",
    "1e5",
    "2e-1",
    "10^{10}",
    "9" * 40,
    "1/3",
    "3.1415926",
    "25%",
)
WORDS = (
    *("and", "or", "yes", "no", "not", "is", "the answer", "where", "integers", "half", "Monday", "infinity"),
    *NAMES,
)
CHARACTERS = ("\x00", "\t", "\n", "\x0c", "\u200b", "\ud800", "٧", "é", "漢", "𝟕", *SAME, *SINGLE, *GREEK)
_TEMPLATES = r"""
\frac{#1}{#2}   #1/#2   (#1, #2)   [#1, #2)   \{#1, #2\}   \{#1\}   #1 = #2   x = #1   \sqrt{#1}   \sqrt[#2]{#1}
#1^{#2}   |#1|   \text{#1}   #1 \pm #2   #1 \cup #2   #1 < x \le #2   #1, #2   #1 + #2   -#1   (#1)(#2)   #1!   #1\%
\begin{pmatrix} #1 & #2 \\ #2 & #1 \end{pmatrix}   #1^\circ   \log_{#1} #2   \binom{#1}{#2}   \sin(#1)   #1:#2
#1 \text{ cm}   #1 \text{ or } #2   \boxed{#1}   $#1$   f(#1) = #2   x \in #1   \{x \mid x > #1\}   #1 #2   #1;#2
\lfloor #1 \rfloor   #1_{#2}   \overline{#1}   \arcsin #1   x < #1   #1 \setminus #2   a = #1, b = #2
"""
TEMPLATES = tuple(re.split(r"\n|   ", _TEMPLATES.strip()))


def mutated(text: str, texts: list[str], rng: random.Random) -> str:
    """The text after one to four mutations; `texts` are what it may be combined with."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        text = rng.choices([change for change, _ in CHANGES], [weight for _, weight in CHANGES])[0](text, texts, rng)
    return text[:3000]


def _token(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.35:
        return f"\\{rng.choice(COMMANDS)} " if rng.random() < 0.8 else rng.choice(COMMANDS)
    if kind < 0.65:
        return rng.choice(SIGNS)
    if kind < 0.85:
        return rng.choice(NUMBERS)
    return (
        rng.choice("abcdefinkxyzABCRZ")
        if kind < 0.92
        else f" {rng.choice(WORDS)} "
        if kind < 0.97
        else rng.choice(CHARACTERS)
    )


def _span(pieces: list[str], rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(pieces) + 1)
    return start, min(len(pieces), start + rng.choice((1, 1, 1, 2, 3, 5, 8)))


def _delete(text: str, texts: list[str], rng: random.Random) -> str:
    pieces = PIECE.findall(text)
    start, end = _span(pieces, rng)
    return "".join(pieces[:start] + pieces[end:])


def _insert(text: str, texts: list[str], rng: random.Random) -> str:
    pieces = PIECE.findall(text)
    pieces.insert(rng.randrange(len(pieces) + 1), _token(rng))
    return "".join(pieces)


def _replace(text: str, texts: list[str], rng: random.Random) -> str:
    pieces = PIECE.findall(text) or [""]
    pieces[rng.randrange(len(pieces))] = _token(rng)
    return "".join(pieces)


def _new_number(text: str, texts: list[str], rng: random.Random) -> str:
    numbers = list(re.finditer(r"\d+", text))
    if not numbers:
        return text
    place = rng.choice(numbers)
    return text[: place.start()] + rng.choice((*NUMBERS, str(rng.randrange(1000)))) + text[place.end() :]


def _wrap(text: str, texts: list[str], rng: random.Random) -> str:
    other = rng.choice(texts) if rng.random() < 0.5 else rng.choice(NUMBERS)
    first, second = (text, other) if rng.random() < 0.7 else (other, text)
    return rng.choice(TEMPLATES).replace("#1", first).replace("#2", second)


def _splice(text: str, texts: list[str], rng: random.Random) -> str:
    pieces, others = PIECE.findall(text), PIECE.findall(rng.choice(texts))
    start, end = _span(pieces, rng)
    return "".join(pieces[:start] + others[slice(*_span(others, rng))] + pieces[end:])


def _repeat(text: str, texts: list[str], rng: random.Random) -> str:
    """Many times the same, side by side or nested."""
    times = rng.choice((2, 3, 10, 50, 400))
    if rng.random() < 0.5:
        pieces = PIECE.findall(text)
        start, end = _span(pieces, rng)
        return "".join(pieces[:start] + pieces[start:end] * times + pieces[end:])[:3000]
    template = rng.choice(TEMPLATES)
    for _ in range(min(times, 50)):
        if len(text) > 2500:
            break
        text = template.replace("#1", text).replace("#2", rng.choice(NUMBERS))
    return text


def _shuffle(text: str, texts: list[str], rng: random.Random) -> str:
    parts = re.split(r"(,)", text)
    rng.shuffle(parts)
    return "".join(parts)


Change = Callable[[str, list[str], random.Random], str]
CHANGES: tuple[tuple[Change, float], ...] = (
    (_delete, 3),
    (_insert, 4),
    (_replace, 3),
    (_new_number, 3),
    (_wrap, 4),
    (_splice, 3),
    (_repeat, 1),
    (_shuffle, 0.5),
)
