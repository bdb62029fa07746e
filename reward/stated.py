r"""The final answer of a response that boxes nothing. For evaluation only: as a reward it would pay for guessing.

In this order: what follows the last "the answer is"; the last formula of the last line; the last number of the last
line. Never an earlier line: what a model computes on its way is not its answer.
"""

import re

STATEMENT = re.compile(
    r"\b(?:final\s+)?answer\s*+(?:\*\*\s*+)?(?:is|are|:|=|equals)\s*+(?:\*\*\s*+)?(?::\s*+)?(?:\*\*\s*+)?",
    re.IGNORECASE,
)
# No formula holds another opening: a text of nothing but `\(` would be searched to its end from each of them.
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$|\\\(((?:(?!\\\().)+?)\\\)|\\\[((?:(?!\\\[).)+?)\\\]", re.DOTALL)
NUMBER = re.compile(r"(?<![\w.,])[-−]?\$?\d+(?:[.,]\d+)*(?:/\d+)?%?(?![\w])")
SENTENCE_END = re.compile(r"(?<=[^\s\d])[.!](?:\s|$)|(?<=\d)[.!](?:\s|$)|\n")
LONGEST = 200  # characters; a longer statement is an explanation


def stated_answer(text: str) -> str:
    """The answer that the end of `text` states; "" if it states none."""
    text = text.strip()
    statements = list(STATEMENT.finditer(text))
    if statements:
        return _first_value(text[statements[-1].end() :])
    last_line = text.rpartition("\n")[2]
    formulas = _formulas(text if text.endswith((r"\]", "$$")) else last_line)
    if formulas:
        return formulas[-1]
    numbers = NUMBER.findall(last_line)
    return numbers[-1].replace("$", "") if numbers else ""


def _first_value(rest: str) -> str:
    """The first formula if the statement begins with it, else its first sentence."""
    rest = rest.lstrip()
    formula = FORMULA.match(rest)
    if formula:
        return next(group for group in formula.groups() if group is not None).strip()
    sentence = SENTENCE_END.split(rest, maxsplit=1)[0].strip().strip("*").rstrip(".").strip()
    formulas = _formulas(sentence)
    if formulas and len(formulas) == 1 and not re.search(r"\d", FORMULA.sub("", sentence)):
        return formulas[0]
    return sentence if len(sentence) <= LONGEST else ""


def _formulas(text: str) -> list[str]:
    return [next(group for group in found if group).strip() for found in FORMULA.findall(text)]
