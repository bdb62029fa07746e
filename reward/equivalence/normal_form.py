r"""The readings of an answer, and the normal form by which equal answers are the same string.

A text may have more than one reading: `1,234` is a number or a list, `2e-1` a fifth or 2e − 1. Two answers are equal if
any of their readings are; a pair of unequal answers with equal readings is not known.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from reward.equivalence.exact import Irrational, Meaning, Undefined, rational
from reward.equivalence.names import assignment, without_approximation
from reward.equivalence.several_values import is_declaration
from reward.equivalence.words import has_words, words_of
from reward.parser.grammar import parse
from reward.parser.nodes import Node, NotUnderstood, Opaque, TooLarge
from reward.parser.numbers import GROUPED
from reward.parser.text import canonical, tidy

LONGEST = 2000  # characters; no answer of the benchmarks has more than 400
AMBIGUOUS_EXPONENT = re.compile(r"(?<![\d.])\d+[eE][+-]\d{1,2}(?!\d)")
GROUP_FROM_ZERO = re.compile(r",0\d\d(?!\d)")
DIGITS_AND_COMMAS = re.compile(r"[\d,]+")
LONGEST_FORM = 300
JOINTS = {"add": " + ", "mul": "*", "div": "/", "pow": "^", "ratio": ":", "union": " u "}


@dataclass(frozen=True)
class Reading:
    """What a text says: a tree, and what it says about free symbols (see `reward.parser.grammar.Notes`)."""

    tree: Node
    integers: frozenset[str] = frozenset()
    limits: frozenset[str] = frozenset()
    domains: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Readings:
    """All readings of a text; none if it is no mathematics, nothing that should be evaluated (`too_large`), or a text

    whose parts are no operands (`opaque`), as those of a date are not.
    """

    readings: tuple[Reading, ...]
    too_large: bool = False
    opaque: bool = False


@lru_cache(maxsize=8192)  # a gold is compared with a whole group of responses, epoch after epoch
def read(text: str, is_list: bool) -> Readings:  # no default: the cache would take it for another question
    """The readings of a text; with `is_list` its commas separate parts and group no digits."""
    if len(text) > LONGEST:
        return Readings((), too_large=True)
    readings: list[Reading] = []
    for variant, scientific in _variants(tidy(text), is_list):
        try:
            tree, notes = parse(variant, scientific)
            said = frozenset(notes.integers), frozenset(notes.limits), frozenset(notes.domains | _declared(tree))
            reading = _without_declarations(Reading(tree, *said))
        except Opaque:
            return Readings((), opaque=True)
        except NotUnderstood:
            continue
        except (TooLarge, RecursionError):
            return Readings((), too_large=True)
        if reading not in readings:
            readings.append(reading)
    return Readings(tuple(readings))


def _variants(text: str, is_list: bool) -> list[tuple[str, bool]]:
    grouped = GROUPED.sub(lambda match: match[0].replace(",", ""), text)
    if is_list or grouped == text:
        texts = [text]
    else:  # 1,000 km is no list whose second part is 0 km, which would be 0 m
        is_number = GROUP_FROM_ZERO.search(text) and not DIGITS_AND_COMMAS.fullmatch(text)
        texts = [grouped] if is_number else [grouped, text]
    modes = [True, False] if AMBIGUOUS_EXPONENT.search(text) else [True]
    return [(one, mode) for one in texts for mode in modes]


def _without_declarations(reading: Reading) -> Reading:
    r"""`x = k\pi, k \in \mathbb{Z}` as `x = k\pi` with the integer k."""
    tree = reading.tree
    if tree.kind != "list":
        return reading
    declared = frozenset(arg.args[0].name for arg in tree.args if is_declaration(arg) and _are_integers(arg.args[1]))
    kept = tuple(arg for arg in tree.args if not is_declaration(arg))
    if not kept or len(kept) == len(tree.args):
        return reading
    rest = kept[0] if len(kept) == 1 else Node("list", kept, tree.name)
    return Reading(rest, reading.integers | declared, reading.limits, reading.domains)


def _declared(tree: Node) -> set[tuple[str, str]]:
    r"""What declarations anywhere in a tree say: ("k", "Z") for `k \in \mathbb{Z}`; positive integers are "N"."""
    found = set()
    for node in tree.walk():
        if is_declaration(node):
            domain = node.args[1].name
            found.add((node.args[0].name, "N" if domain[:1] == "Z" and "+" in domain else domain[:1]))
    return found


def _are_integers(domain: Node) -> bool:
    return domain.name[:1] in ("Z", "N")


@lru_cache(maxsize=8192)
def normal_form(text: str) -> str:
    """A string that is the same for answers whose equality is plain: for metrics and for voting, not for rewards."""
    found = read(text, False)
    if not found.readings:
        text = text[:LONGEST]
        return " ".join(words_of(text))[:LONGEST_FORM] if has_words(text) else canonical(text)[:LONGEST_FORM]
    return render(found.readings[0].tree)[:LONGEST_FORM]


def render(node: Node) -> str:
    """A tree as text: exact numbers as fractions, without units, the parts of lists and sums in alphabetical order."""
    node = without_approximation(node)
    named = assignment(node)
    if named is not None:
        return render(named[1])
    if node.kind in ("quantity", "degree"):
        return render(node.args[0])
    if node.is_scalar and not node.symbols:
        try:
            return str(rational(node, Meaning()))
        except (Irrational, Undefined, TooLarge, ValueError):  # ValueError: more digits than Python writes
            pass
    parts = [render(arg) for arg in node.args]
    if node.kind in ("list", "set", "add", "mul"):
        parts.sort()
    if node.kind in JOINTS:
        return "(" + JOINTS[node.kind].join(parts) + ")"
    if node.kind == "bracket":
        return node.name[0] + ", ".join(parts) + node.name[1]
    if node.kind in ("list", "set"):
        return "{" + ", ".join(parts) + "}"
    if node.kind == "neg":
        return f"-{parts[0]}"
    if not parts:
        return node.name or node.kind
    return f"{node.name or node.kind}({', '.join(parts)})"
