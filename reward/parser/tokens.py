r"""LaTeX or plain text cut into tokens.

Kinds: number ("2.5e3"), name (one letter), word (a run of letters that is no product of symbols), command (without the
backslash), begin and end (of an environment), and op (everything else). `upright` marks what stood in \text or \mathrm.
"""

import re
from dataclasses import dataclass

from reward.parser.nodes import NotUnderstood
from reward.parser.units import UNIT_NAMES
from reward.parser.vocabulary import ALIASES, PLAIN_COMMANDS, SHORT_WORDS, TEXT_COMMANDS, UNITS_AFTER_NUMBERS

TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<repeating>\d*\.\d*\\overline\{\d{1,50}\})"
    r"|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+(?![\d.A-Za-z(^]))?)"
    r"|\\(?P<command>[A-Za-z]+\*?)"
    r"|\\(?P<escaped>[^A-Za-z])"
    r"|(?P<letters>[A-Za-z]+)"
    r"|(?P<op><=|>=|!=|=<|=>|==|\S)"
)
GROUP = re.compile(r"\s*\{")
NO_MATHEMATICS = frozenset("@#?\\")


@dataclass(frozen=True)
class Token:
    """One token; `end` is where it ends in its text, `tight` whether no space stands before it."""

    kind: str
    text: str
    upright: bool = False
    tight: bool = False


def tokenize(text: str, upright: bool = False, scientific: bool = True) -> list[Token]:
    """The tokens of a tidy text (see `reward.parser.text.tidy`).

    With `scientific` off, 2e-1 is read as 2·e − 1. Raises NotUnderstood on what is no mathematics.
    """
    tokens: list[Token] = []
    position, tight = 0, False
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise NotUnderstood(f"{text[position]!r} belongs to no formula")
        if match.lastgroup == "number" and not scientific:
            end = position + len(re.match(r"[\d.]+", match.group())[0])  # type: ignore[index]
            tokens.append(Token("number", text[position:end], upright, tight))
            position, tight = end, True
            continue
        position = match.end()
        if match.lastgroup == "space":
            tight = False
            continue
        if match["command"] in TEXT_COMMANDS and (group := GROUP.match(text, position)):
            end = closing_brace(text, group.end() - 1)
            tokens += tokenize(text[group.end() : end], upright=True, scientific=scientific)
            position = end + 1
        elif match["command"] in ("begin", "end") and (group := GROUP.match(text, position)):
            end = closing_brace(text, group.end() - 1)
            tokens.append(Token(match["command"], text[group.end() : end].strip("* ")))
            position = end + 1
        else:
            around = text[match.start() - 1 : match.start()] + text[position : position + 1]
            alone = not around.strip(" \n\t.,;:!()") and (tight is False or not tokens or around[:1] in "(,;:")
            tokens += _tokens_of(match, upright, tight, tokens[-1] if tokens else None, alone)
        tight = True
    return tokens


def closing_brace(text: str, start: int) -> int:
    """Where the group that opens at `start` ends: at its brace, or at the end of a text that lacks it."""
    depth = 0
    for match in re.finditer(r"\\.|[{}]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(match.group(), 0)
        if depth == 0:
            return start + match.start()
    return len(text)


def _tokens_of(match: re.Match[str], upright: bool, tight: bool, before: Token | None, alone: bool) -> list[Token]:
    text = match.group()
    if match["number"] or match["repeating"]:
        return [Token("number", text, upright, tight)]
    if match["command"]:
        name = ALIASES.get(match["command"], match["command"])
        if name in ("and", "or"):
            return [Token("word", name)]
        return [Token("command" if name[0].isalpha() else "op", name, upright, tight)]
    if match["letters"]:
        return _letters(text, upright, tight, before, alone)
    if match["escaped"]:
        names = {"{": r"\{", "}": r"\}", "|": "Vert", "\\": r"\\", "%": "%", "$": "$", "#": "#", "&": "&", "_": "_"}
        if match["escaped"] not in names:
            raise NotUnderstood(f"the command \\{match['escaped']}")
        return [Token("op", names[match["escaped"]], upright, tight)]
    if text in NO_MATHEMATICS or (not text.isascii() and text not in "€£¥¢"):
        raise NotUnderstood(f"{text!r} belongs to no formula")
    names = {"<=": "le", "=<": "le", ">=": "ge", "=>": "implies", "!=": "ne", "==": "="}
    return [
        Token("command", names[text])
        if text in names and text != "=="
        else Token("op", names.get(text, text), upright, tight)
    ]


def _letters(run: str, upright: bool, tight: bool, before: Token | None, alone: bool) -> list[Token]:
    """A run of letters: a known name, a word, or a product of symbols; `it` is a word only if it stands `alone`."""
    after_number = before is not None and (before.kind == "number" or before.text == "}")
    if after_number and tight and run in ("st", "nd", "rd", "th"):
        return [Token("word", run, upright, tight)]
    known = ALIASES.get(run.lower(), run.lower())
    is_known = (run.lower() in PLAIN_COMMANDS or run.lower() in ALIASES) and len(run) > 1 and known[0].isalpha()
    if is_known and not (upright and run.lower() in UNIT_NAMES):  # an upright min is a minute
        return [Token("word" if known in ("and", "or") else "command", known, upright, tight)]
    is_word = (
        len(run) >= 4
        or (run.lower() in SHORT_WORDS and alone and not run.isupper())  # NO may be a segment
        or (upright and len(run) >= 2)
        or (after_number and run.lower() in UNITS_AFTER_NUMBERS)
        or re.fullmatch(r"[A-Z][a-z]{2,}", run) is not None
    )
    if is_word:
        return [Token("word", run, upright, tight)]
    return [Token("name", letter, upright, (tight and i == 0) or i > 0) for i, letter in enumerate(run)]
