r"""Answers made from a gold: mutants, which say something else, and rewritings, which say the same.

Each kind is one function from a gold to answers; it yields nothing where it does not apply. Whether a mutant differs is
sure by construction (another unit, another order of a tuple's unequal entries), or decided by `are_equal`, which
evaluates both sides with sympy, as math-verify's parser reads them, at random points: no code of ours is asked.
"""

import random
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

Kind = Callable[[str, random.Random], Iterator[str]]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
INTEGER = re.compile(r"-?\d+")
FRACTION = re.compile(r"\\[dt]?frac\s*\{(\d+)\}\s*\{(\d+)\}")
WORDS = re.compile(r"[A-Za-z]{3,}(?: [A-Za-z]+)*")
FORMULA = re.compile(
    r"(?:[0-9xyzabcnkmpqrt+\-*/^(){} .]|\\(?:sqrt|frac|dfrac|pi|cdot|left|right|sin|cos|ln)(?![A-Za-z]))+"
)
NO_FORMULA = re.compile(r" \([a-z]{2,}\)|[ap]\.m\.")  # 7 (cm), 8 a.m.
RELATION = re.compile(r"(<|>|=|\\(?:leq?|geq?|neq?)(?![A-Za-z]))")
PLAIN = re.compile(r"[0-9xyzabcnkmpqrt+\-*^(){} ]+")
TUPLE = re.compile(r"\((-?[\w./\\{}]+), ?(-?[\w./\\{}]+)\)")
UNITS = {"cm": "m", "km": "m", "kg": "g", "hours": "minutes", "minutes": "hours", "mph": "km/h", "feet": "inches"}
MOST = 3  # answers of one kind from one gold


def answers(kinds: dict[str, Kind], gold: str, seed: int) -> Iterator[tuple[str, str]]:
    """(kind, answer) for every kind that applies to a gold; the same ones for the same seed."""
    for name, kind in kinds.items():
        rng = random.Random(f"{seed}/{name}/{gold}")
        for answer in dict.fromkeys(islice(kind(gold, rng), MOST)):
            if answer.strip() and answer != gold:
                yield name, answer


def is_formula(gold: str) -> bool:
    """Whether a gold is one expression without relations, words or commas, so that it may stand in brackets."""
    return bool(FORMULA.fullmatch(gold) and re.search(r"[\dxyznk]", gold) and not NO_FORMULA.search(gold))


# Mutants


def _digit(gold: str, rng: random.Random) -> Iterator[str]:
    places = [match.start() for match in re.finditer(r"\d", gold)] if "mod" not in gold else []  # 3 mod 3 is 0
    for place in rng.sample(places, min(MOST, len(places))):
        other = rng.choice([digit for digit in "123456789" if digit != gold[place]])
        yield gold[:place] + other + gold[place + 1 :]


def _sign(gold: str, rng: random.Random) -> Iterator[str]:
    if is_formula(gold):
        yield gold[1:] if gold.startswith("-") else f"-({gold})"
    if re.search(r"\(-1\)\s*\^", gold):
        return  # (-1)^{n+1} is (-1)^{n-1}
    if "+" in gold:
        yield gold.replace("+", "-", 1)
    elif re.search(r"(?<=[\w})])\s*-", gold):
        yield re.sub(r"(?<=[\w})])\s*-", "+", gold, count=1)


def _factor(gold: str, rng: random.Random) -> Iterator[str]:
    if is_formula(gold):
        yield rf"{rng.randint(2, 9)}({gold})"
        yield rf"\frac{{{gold}}}{{{rng.randint(2, 9)}}}"


def _exponent(gold: str, rng: random.Random) -> Iterator[str]:
    if is_formula(gold):
        yield f"({gold})^2"
    match = re.search(r"\^\{?(\d)\}?", gold)
    if match:
        yield f"{gold[: match.start()]}^{{{int(match[1]) + 1}}}{gold[match.end() :]}"


def _shifted_point(gold: str, rng: random.Random) -> Iterator[str]:
    if re.fullmatch(r"\d+\.\d+", gold) and gold.strip("0."):
        yield str(float(gold) * 10) if len(gold) < 15 else ""
    if INTEGER.fullmatch(gold) and gold.strip("-0") and len(gold) < 15:
        yield gold + "0"
        yield f"{gold}.5"
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", gold):
        yield gold.replace(",", ".")


def _grouping(gold: str, rng: random.Random) -> Iterator[str]:
    if re.fullmatch(r"\d{4,9}", gold):
        yield f"{gold[:-2]},{gold[-2:]}"
        yield f"{gold[:-3]}.{gold[-3:]}"
        yield f"{gold[:-1]} {gold[-1:]}"


def _more(gold: str, rng: random.Random) -> Iterator[str]:
    other = rng.randint(1000, 9999)
    if is_formula(gold):
        yield rf"{gold} \text{{ or }} {other}"
        yield f"{gold}, {other}"
        yield rf"{other} \text{{ and }} {gold}"


def _hedge(gold: str, rng: random.Random) -> Iterator[str]:
    if is_formula(gold):
        yield rf"\text{{not }} {gold}"
        yield rf"{gold} \text{{ or more}}"
        yield rf"\text{{less than }} {gold}"
    elif WORDS.fullmatch(gold):
        yield f"not {gold}"
        yield f"{gold} or something else"


def _order(gold: str, rng: random.Random) -> Iterator[str]:
    match = TUPLE.fullmatch(gold)
    if match and match[1] != match[2]:
        yield f"({match[2]}, {match[1]})"
        yield f"({match[1]}, {match[2]}, {match[1]})"
        yield match[1]


def _element(gold: str, rng: random.Random) -> Iterator[str]:
    parts = [part.strip() for part in gold.split(",")]
    if len(parts) > 1 and all(NUMBER.fullmatch(part) or FRACTION.fullmatch(part) for part in parts):
        if re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", gold):
            return
        if len(set(parts)) > 1:
            yield ", ".join(parts[1:])
        yield ", ".join([*parts, "77713"])
        yield ", ".join(["77713", *parts[1:]])


def _bracket(gold: str, rng: random.Random) -> Iterator[str]:
    bare = gold.replace(r"\left", "").replace(r"\right", "")
    if re.fullmatch(r"[\[(][^\[\]()]*,[^\[\]()]*[\])]", bare):
        opener, closer = bare[0], bare[-1]
        if "infty" not in bare[: bare.index(",")]:
            yield ("(" if opener == "[" else "[") + bare[1:]
        if "infty" not in bare[bare.index(",") :]:
            yield bare[:-1] + (")" if closer == "]" else "]")


def _relation(gold: str, rng: random.Random) -> Iterator[str]:
    for sign, other in (
        (r"\leq", "<"),
        (r"\geq", ">"),
        (r"\le ", "< "),
        (r"\ge ", "> "),
        (" < ", r" \le "),
        (" > ", " < "),
    ):
        if sign in gold:
            yield gold.replace(sign, other, 1)


def _unit(gold: str, rng: random.Random) -> Iterator[str]:
    for unit, other in UNITS.items():
        changed = re.sub(rf"(?<=[\s{{\d]){unit}(?![A-Za-z])", other, gold)
        if changed != gold and not re.search(r"\b0\b", gold):
            yield changed


def _letter_case(gold: str, rng: random.Random) -> Iterator[str]:
    letters = re.findall(r"(?<![A-Za-z\\])([xyzabcnkmpqrt])(?![A-Za-z])", gold)
    if is_formula(gold) and letters:
        letter = rng.choice(letters)
        yield re.sub(rf"(?<![A-Za-z\\]){letter}(?![A-Za-z])", letter.upper(), gold)


def _swapped_letters(gold: str, rng: random.Random) -> Iterator[str]:
    letters = sorted(set(re.findall(r"(?<![A-Za-z\\])([xyzabnkmpqrt])(?![A-Za-z])", gold)))
    if is_formula(gold) and len(letters) > 1:
        one, other = letters[:2]
        yield re.sub(
            rf"(?<![A-Za-z\\])([{one}{other}])(?![A-Za-z])", lambda match: other if match[1] == one else one, gold
        )


def _argument(gold: str, rng: random.Random) -> Iterator[str]:
    match = re.match(r"\$?([fghP])\(([a-z])\)\s*=", gold)
    if match and not re.search(r"\(.*\).*=.*=", gold):
        name, variable = match[1], match[2]
        for changed in (
            f"{name}({variable}+1)",
            f"{name}'({variable})",
            f"{name}(-{variable})",
            f"{name}(2{variable})",
        ):
            yield gold.replace(f"{name}({variable})", changed, 1)


def _domain(gold: str, rng: random.Random) -> Iterator[str]:
    if re.search(r"\\in\s*\\mathbb\s*\{?Z\}?", gold) and r"\mathbb{N}" not in gold:
        yield re.sub(r"\\mathbb\s*\{?Z\}?", lambda _: r"\mathbb{N}", gold)
        yield re.sub(r"\\mathbb\s*\{?Z\}?", lambda _: r"\mathbb{R}", gold)


def _absolute(gold: str, rng: random.Random) -> Iterator[str]:
    match = re.fullmatch(r"([yf](?:\(x\))?\s*=\s*)([^=|]*?)(?<![A-Za-z\\^{])x(?![A-Za-z^])([^=|]*)", gold)
    if match and "," not in gold and match[2].count("x") + match[3].count("x") == 0:
        yield f"{match[1]}{match[2]}|x|{match[3]}"


def _label(gold: str, rng: random.Random) -> Iterator[str]:
    match = re.fullmatch(r"([a-z])\s*=\s*([^=]+)", gold)
    if match and match[1] not in match[2]:
        yield f"{'w' if match[1] != 'w' else 'v'} = {match[2]}"
        yield f"|{match[1]}| = {match[2]}"
    if re.fullmatch(r"\(?[A-E]\)?", gold.removeprefix(r"\text{").removesuffix("}")):
        yield "(F)"
        yield f"{gold} or (F)"
    if gold.lower() in ("yes", "no", "true", "false"):
        yield "no" if gold.lower() in ("yes", "true") else "yes"
        yield f"{gold} or not"


def _flipped(gold: str, rng: random.Random) -> Iterator[str]:
    match = FRACTION.search(gold)
    if match and match[1] != match[2]:
        yield rf"{gold[: match.start()]}\frac{{{match[2]}}}{{{match[1]}}}{gold[match.end() :]}"


def _mixed(gold: str, rng: random.Random) -> Iterator[str]:
    match = re.fullmatch(r"(\d+)\s*\\[dt]?frac\s*\{(\d+)\}\s*\{(\d+)\}(.*)", gold)
    if match and int(match[2]) < int(match[3]):
        yield rf"{match[1]}\left(\frac{{{match[2]}}}{{{match[3]}}}\right){match[4]}"
        yield rf"{match[1]} \cdot \frac{{{match[2]}}}{{{match[3]}}}{match[4]}"


def _root(gold: str, rng: random.Random) -> Iterator[str]:
    match = re.search(r"\\sqrt\{(\d+)\}", gold)
    if match and match[1] not in ("0", "1"):
        yield rf"{gold[: match.start()]}\sqrt[3]{{{match[1]}}}{gold[match.end() :]}"
        yield f"{gold[: match.start()]}({match[1]}){gold[match.end() :]}"


def _constant(gold: str, rng: random.Random) -> Iterator[str]:
    if r"\pi" in gold and is_formula(gold):
        yield re.sub(r"\\pi(?![A-Za-z])", "(3.14)", gold)
        yield re.sub(r"\\pi(?![A-Za-z])", "", gold)


def _clock(gold: str, rng: random.Random) -> Iterator[str]:
    match = re.fullmatch(r"(\d{1,2}):(\d\d)(.*)", gold)
    if match:
        yield f"{match[1]}:{(int(match[2]) + 1) % 60:02d}{match[3]}"
        yield f"{int(match[1]) + 1}:{match[2]}{match[3]}"
        if re.search(r"[aApP]\.?[mM]", match[3]):
            yield re.sub(r"[aApP](?=\.?[mM])", "p" if "a" in match[3].lower().replace("m", "") else "a", gold)


def _base(gold: str, rng: random.Random) -> Iterator[str]:
    match = re.fullmatch(r"(\d+)_\{?(\d+)\}?", gold)
    if match:
        yield f"{match[1]}_{{{int(match[2]) + 1}}}"
        yield match[1]


def _function(gold: str, rng: random.Random) -> Iterator[str]:
    for one, other in ((r"\sin", r"\cos"), (r"\cos", r"\tan"), (r"\ln", r"\log_{7}")):
        if one in gold:
            yield gold.replace(one, other, 1)


def _noun(gold: str, rng: random.Random) -> Iterator[str]:
    if INTEGER.fullmatch(gold):
        for word in rng.sample(["tenths", "squared", "percent less", "hundreds", "times 2", "of them or more"], MOST):
            yield rf"{gold} \text{{ {word}}}" if gold.strip("-0") not in ("", "1") else ""


MUTANTS: dict[str, Kind] = {
    "digit": _digit,
    "sign": _sign,
    "factor": _factor,
    "exponent": _exponent,
    "point moved": _shifted_point,
    "digit grouping": _grouping,
    "a value more": _more,
    "hedge": _hedge,
    "order or length of a tuple": _order,
    "element of a list": _element,
    "open or closed end": _bracket,
    "relation": _relation,
    "unit": _unit,
    "letter case": _letter_case,
    "letters swapped": _swapped_letters,
    "argument of a function": _argument,
    "domain": _domain,
    "absolute value": _absolute,
    "label": _label,
    "fraction flipped": _flipped,
    "mixed number as product": _mixed,
    "root": _root,
    "constant": _constant,
    "clock": _clock,
    "base": _base,
    "function": _function,
    "word that changes a number": _noun,
}

# Rewritings


def _spacing(gold: str, rng: random.Random) -> Iterator[str]:
    yield f" {gold} "
    yield f"${gold}$" if "$" not in gold else ""
    if is_formula(gold):
        yield re.sub(r"(?<=[\w})])\s*([+=-])\s*(?=[\w\\(])", r" \1\\, ", gold)


def _style(gold: str, rng: random.Random) -> Iterator[str]:
    yield re.sub(r"\\[dt]?frac(?![A-Za-z])", lambda _: r"\tfrac", gold)
    if not any(strange in gold for strange in (r"\left{", r"\left.", r"\\")):
        yield re.sub(r"\\(?:left|right)(?![A-Za-z.{])\s*", "", gold)
    yield rf"\displaystyle {gold}" if is_formula(gold) else ""


def _wrapped(gold: str, rng: random.Random) -> Iterator[str]:
    if is_formula(gold):
        yield rf"\left({gold}\right)"
        yield f"{{{gold}}}"
    if NUMBER.fullmatch(gold):
        yield rf"\mathbf{{{gold}}}"
        yield rf"\text{{{gold}}}"


def _value(gold: str, rng: random.Random) -> Iterator[str]:
    if INTEGER.fullmatch(gold) and len(gold) < 16:
        number, factor = int(gold), rng.randint(2, 9)
        yield f"{gold}.0"
        yield rf"\frac{{{number * factor}}}{{{factor}}}"
        yield rf"{number - 17} + 17"
    match = re.fullmatch(r"(\d{1,6})\.(\d{1,6})", gold)
    if match:
        yield rf"\frac{{{match[1]}{match[2]}}}{{{10 ** len(match[2])}}}"


def _fraction(gold: str, rng: random.Random) -> Iterator[str]:
    match = FRACTION.fullmatch(gold)
    if match:
        factor = rng.randint(2, 9)
        yield f"{match[1]}/{match[2]}"
        yield rf"\frac{{{int(match[1]) * factor}}}{{{int(match[2]) * factor}}}"
        yield rf"{{{match[1]} \over {match[2]}}}"


def _equal_form(gold: str, rng: random.Random) -> Iterator[str]:
    if is_formula(gold):
        number = rng.randint(2, 9)
        yield rf"({gold}) \cdot 1"
        yield rf"\frac{{{number} \cdot ({gold})}}{{{number}}}"
        yield rf"({gold}) + {number} - {number}"


def _reordered(gold: str, rng: random.Random) -> Iterator[str]:
    parts = [part.strip() for part in gold.split(",")]
    is_list = len(parts) > 1 and all(NUMBER.fullmatch(part) or FRACTION.fullmatch(part) for part in parts)
    if is_list and not re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", gold):
        yield ", ".join(reversed(parts))
        yield r" \text{ and } ".join(parts) if len(parts) == 2 else ""
        yield rf"\{{{', '.join(reversed(parts))}\}}" if len(set(parts)) == len(parts) else ""
    match = re.fullmatch(r"([^+\-()]+) ?\+ ?([^+\-()]+)", gold)
    if match and is_formula(gold) and gold.count("{") == gold.count("}") and match[1].count("{") == match[1].count("}"):
        yield f"{match[2]} + {match[1]}"


def _named(gold: str, rng: random.Random) -> Iterator[str]:
    if is_formula(gold) and not re.search(r"[a-zS](?![a-z{])", re.sub(r"\\[a-z]+", "", gold)):
        yield f"x = {gold}"
        yield f"S_{{1}} = {gold}"
        yield rf"\text{{Answer: }} {gold}"


def _grouped(gold: str, rng: random.Random) -> Iterator[str]:
    if re.fullmatch(r"[1-9]\d{3,12}", gold):
        yield f"{int(gold):,}"
        yield f"{int(gold):,}".replace(",", r"\,")
        yield f"{int(gold):,}".replace(",", "{,}")


def _unit_more(gold: str, rng: random.Random) -> Iterator[str]:
    if INTEGER.fullmatch(gold):
        yield rf"{gold} \text{{ {rng.choice(['cm', 'dollars', 'apples', 'hours', 'units'])}}}"
        yield rf"\${gold}" if not gold.startswith("-") else ""


def _unicode(gold: str, rng: random.Random) -> Iterator[str]:
    if r"\\" in gold or re.search(r"\\(?:vec|overrightarrow|mathbf)", gold):
        return  # a lost line break is another fault; of vectors, × is another product
    changed = re.sub(r"\\pi(?![A-Za-z])\s*", "π", gold.replace("-", "−"))
    changed = re.sub(r"\\(?:cdot|times)(?![A-Za-z])\s*", "×", changed)
    changed = re.sub(r"\\infty(?![A-Za-z])", "∞", re.sub(r"\\leq?(?![A-Za-z])", "≤", changed))
    yield re.sub(r"\\geq?(?![A-Za-z])", "≥", changed) if changed.isascii() is False else ""


def _braces(gold: str, rng: random.Random) -> Iterator[str]:
    yield re.sub(r"\^(\d)(?!\d)", r"^{\1}", gold)
    yield re.sub(r"\^\{(\d)\}(?!\d)", r"^\1", gold)
    yield re.sub(r"\^([a-z])(?![a-z{])", r"^{\1}", gold)


def _words(gold: str, rng: random.Random) -> Iterator[str]:
    if WORDS.fullmatch(gold):
        yield rf"\text{{{gold}}}"
        yield gold.lower()
        yield f"{gold}."


def _as_condition(gold: str, rng: random.Random) -> Iterator[str]:
    match = re.fullmatch(r"([\[(])(-?\d+), ?(-?\d+)([\])])", gold)
    if match and match[1] + match[4] != "()" and int(match[2]) < int(match[3]):
        signs = {"[": r"\le", "(": "<", "]": r"\le", ")": "<"}
        yield f"{match[2]} {signs[match[1]]} x {signs[match[4]]} {match[3]}"
        yield rf"x \in {gold}"


def _equation(gold: str, rng: random.Random) -> Iterator[str]:
    sides = gold.split("=")
    if len(sides) == 2 and all(PLAIN.fullmatch(side.strip()) for side in sides):
        left, right = (side.strip() for side in sides)
        is_curve = len(set(re.findall("[a-z]", gold))) > 1 and not re.fullmatch(r"[a-z]|[a-z]\([a-z]\)", left)
        if is_curve and not are_equal(left, right):  # of an identity nothing is left but 0 = 0
            yield f"{right} = {left}"
            yield f"2({left}) = 2({right})"
            yield f"({left}) - ({right}) = 0"


REWRITINGS: dict[str, Kind] = {
    "spacing": _spacing,
    "style": _style,
    "brackets and fonts": _wrapped,
    "form of a number": _value,
    "form of a fraction": _fraction,
    "equal expression": _equal_form,
    "order that does not count": _reordered,
    "name of the value": _named,
    "digits grouped": _grouped,
    "unit added": _unit_more,
    "Unicode": _unicode,
    "braces of exponents": _braces,
    "words": _words,
    "interval as a condition": _as_condition,
    "equation": _equation,
}

# Independent of our code: math-verify's parser and sympy


def are_equal(answer: str, gold: str) -> bool:
    """Whether sympy finds the two equal, or equal at random points; of a chain of relations also side by side."""
    if _texts_are_equal(answer, gold):
        return True
    chains = [RELATION.split(text) for text in (answer, gold)]
    if len(chains[0]) != len(chains[1]) or chains[0][1::2] != chains[1][1::2]:
        return False
    return len(chains[0]) > 1 and all(map(_texts_are_equal, chains[0][::2], chains[1][::2]))


def _texts_are_equal(answer: str, gold: str) -> bool:
    values = [_sympy(text) for text in (answer, gold)]
    return answer.strip() == gold.strip() or (None not in values and _same(*values))


def _sympy(text: str) -> Any:
    from math_verify import LatexExtractionConfig, parse

    parsed = parse(
        rf"\boxed{{{text}}}",
        extraction_config=(LatexExtractionConfig(boxed_match_priority=0),),
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
    return parsed[0] if parsed and not isinstance(parsed[0], str) else None


def _same(one: Any, other: Any) -> bool:
    import sympy

    if isinstance(one, sympy.Rel) and isinstance(other, sympy.Rel):
        return type(one) is type(other) and _same(one.lhs - one.rhs, other.lhs - other.rhs)
    if isinstance(one, (sympy.Tuple, sympy.FiniteSet)) and isinstance(other, (sympy.Tuple, sympy.FiniteSet)):
        return len(one.args) == len(other.args) and all(map(_same, one.args, other.args))
    if not (isinstance(one, sympy.Expr) and isinstance(other, sympy.Expr)):
        return bool(one == other)
    symbols = sorted(one.free_symbols | other.free_symbols, key=str)
    rng = random.Random(7)
    for _ in range(5):
        point = {symbol: sympy.Rational(rng.randint(11, 97), 31) for symbol in symbols}
        try:
            difference = sympy.N((one - other).subs(point), 30)
        except ValueError:  # a sum that diverges
            return False
        if not difference.is_number or abs(difference) > sympy.Float("1e-15") * (1 + abs(sympy.N(one.subs(point), 30))):
            return False
    return True
