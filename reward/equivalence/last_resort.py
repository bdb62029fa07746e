r"""Which pairs math-verify may judge, and what of them.

math-verify has habits that pay wrong answers: of `6 \text{ cm} \times 7 \text{ cm}` and `2/3/5` it takes the first
number, of an equation with a sum on its left only the right side; 5 a.m. and 5 p.m. are the same to it, and so are 6_a
and 6. So it sees formulas only: no words, no relation, no list that is longer on one side, no command beyond those it
computes with. An equation is taken apart here first: equal left sides in both, or a mere name in one of them.
"""

import re

from reward.equivalence.names import is_name
from reward.equivalence.normal_form import read
from reward.parser.nodes import NotUnderstood
from reward.parser.text import canonical, tidy
from reward.parser.tokens import Token, tokenize
from reward.parser.vocabulary import ATOM_COMMANDS, FUNCTIONS, RELATIONS, word_set

COMPUTED = ATOM_COMMANDS | FUNCTIONS
COMPUTED |= word_set(
    "sum prod int iint iiint oint lim limits det cdot times div pm to rightarrow in le ge ne over choose"
)
COMPUTED |= word_set("rfloor rceil rangle vert mathrm operatorname circ partial nabla < > prime dot sup inf")
ARRAYS = word_set("pmatrix bmatrix matrix smallmatrix vmatrix Bmatrix array")
OPENERS = {"{": 1, "}": -1, "(": 1, ")": -1, "[": 1, "]": -1, r"\{": 1, r"\}": -1}
JOINTS = frozenset((",", ";", ":", "/", "to", "rightarrow"))


def formulas(answer: str, gold: str) -> tuple[str, str] | None:
    """The two texts without what both of them say on the left of an equals sign; None if they are no formulas."""
    sides = _without_names(tidy(answer), tidy(gold))
    if sides is None:
        return None
    outlines = [_outline(side) for side in sides]
    return sides if outlines[0] is not None and outlines[0] == outlines[1] else None


def _without_names(answer: str, gold: str) -> tuple[str, str] | None:
    """`S = 3` beside `S = 4` as 3 and 4, `x = 3` beside 4 too."""
    parts = [_at_equals_sign(text) for text in (answer, gold)]
    names = [name for name, _ in parts]
    if all(names) and canonical(names[0] or "") != canonical(names[1] or ""):
        return None
    if None in names and any(name is not None and not _names_something(name) for name in names):
        return None
    return parts[0][1], parts[1][1]


def _names_something(text: str) -> bool:
    return any(is_name(reading.tree) for reading in read(text, False).readings)


def _at_equals_sign(text: str) -> tuple[str | None, str]:
    """Left and right of the one equals sign that stands in no group; (None, text) without one."""
    depth, places = 0, []
    for match in re.finditer(r"\\[{}]|[{}()\[\]=]", text):
        depth += OPENERS.get(match.group(), 0)
        if depth == 0 and match.group() == "=":
            places.append(match.start())
    if len(places) != 1:
        return None, text
    return text[: places[0]].strip(), text[places[0] + 1 :].strip()


def _outline(text: str) -> tuple[str, ...] | None:
    """The joints of a formula that stand in no group; None if it is more than a formula."""
    try:
        tokens = tokenize(text)
    except NotUnderstood:
        return None
    depth, joints = 0, []
    for before, token in zip([Token("", ""), *tokens], tokens, strict=False):
        if not _is_computed(token) or (before.kind == "number" and token.text == "_"):
            return None
        depth += OPENERS.get(token.text, 0) if token.kind == "op" else {"begin": 1, "end": -1}.get(token.kind, 0)
        if depth == 0 and token.text in RELATIONS and token.kind in ("op", "command"):
            return None
        if depth == 0 and token.text in JOINTS:
            joints.append(token.text)
    return None if joints.count("/") > 1 or ":" in joints else tuple(joints)


def _is_computed(token: Token) -> bool:
    if token.kind in ("begin", "end"):
        return token.text in ARRAYS
    if token.kind == "name" and token.upright and token.text not in ("d", "e", "i"):  # 1 \text{p.} 17 \text{k.}
        return False
    return token.kind in ("number", "name", "op") or (token.kind == "command" and token.text in COMPUTED)
