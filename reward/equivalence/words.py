r"""Answers in words: `\text{Evelyn}`, "The second player wins.", options such as (C).

Words are equal if nothing is left of their difference without case, articles, punctuation and LaTeX commands. Two ways
to state an answer in a sentence are known: "... is X" states X, and so do "X wins" and "X will ...". Nothing else is
guessed: a triangle is no right triangle.
"""

import re

from reward.parser.text import tidy
from reward.parser.vocabulary import NUMBER_WORDS, TEXT_COMMANDS, word_set

ARTICLES = frozenset(("a", "an", "the"))
YES_OR_NO = (["yes"], ["no"], ["true"], ["false"])
PHRASES = {
    **dict.fromkeys(("no solution", "no real solution", "empty set", "there is no solution"), r"\emptyset"),
    **dict.fromkeys(("all real number", "any real number", "real number", "all real"), r"(-\infty, \infty)"),
    **dict.fromkeys(("half", "1 half"), r"\frac{1}{2}"),  # articles are gone
    **{"noon": r"12:00 \text{ pm}", "midnight": r"12:00 \text{ am}"},
    **dict.fromkeys(("infinity", "infinite", "infinitely many"), r"\infty"),
}
COPULAS = word_set("is are equals be was were")
VERBS = word_set("will wins win can must has gets receives always should")
NEGATIONS = word_set("not no never cannot neither nor none nobody lose loses except without if unless")
COMMAND = re.compile(
    r"\\(?:begin|end)\{[^}]*\}|\\(?:text|textbf|textit|textrm|mathrm|mbox|emph|operatorname)(?![A-Za-z])|\\[A-Za-z]+|\\."
)
WORD = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?|[-+*/^=<>|]")
WORD_OR_BRACKET = re.compile(WORD.pattern + r"|[()\[\]]")
OPTION = re.compile(r"\(?([A-J])\)?")
OPTION_WITH_CONTENT = re.compile(r"(?:\(([A-J])\)|([A-J])[.:)])\s*(\S.*)", re.DOTALL)
ANOTHER_OPTION = re.compile(r"\([A-J]\)|(?<![A-Za-z])[A-J](?:[.:)]|$)")
# With what the content of an option does not begin: what it says then is about the option.
ABOUT_AN_OPTION = word_set("or and is isnt are nor not but was incorrect wrong false versus vs maybe")
# Whoever says one of these with yes or no takes it back, or makes it depend on something.
HEDGES = word_set(
    "yes no true false or but if only when unless except maybe perhaps possibly sometimes either partly depends"
)
LETTERS = re.compile(r"[^\W\d_]{2,}")


def words_of(text: str) -> list[str]:
    """The words of an answer, in lower case, with numbers as digits."""
    bare = COMMAND.sub(lambda match: "" if _is_font(match[0]) else f" {match[0].strip(chr(92))} ", tidy(text))
    brackets = re.search(r"\d", bare) is not None  # the interval [0, 1] is not (0, 1); (an isosceles triangle) is prose
    pattern = WORD_OR_BRACKET if brackets else WORD
    found = [word.lower() for word in pattern.findall(bare.replace("'", "").replace("DNE", "does not exist"))]
    return [_singular(str(NUMBER_WORDS.get(word, word))) for word in found if word not in ARTICLES]


def _is_font(command: str) -> bool:
    r"""Whether a command only sets words: \text, \textsc, \mathrm in `\mathrm{Monday}`."""
    return command.startswith(r"\text") or command[1:] in TEXT_COMMANDS


def _singular(word: str) -> str:
    """Odd numbers are an odd number; lens and gas keep their s."""
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word


def has_words(text: str) -> bool:
    """Whether at least half of what it says is words."""
    bare = COMMAND.sub(lambda match: "" if _is_font(match[0]) else "###", tidy(text))
    letters = sum(map(len, LETTERS.findall(bare)))
    return letters > 0 and letters * 2 >= len(re.sub(r"[\s{}]", "", bare))


def option(text: str) -> str | None:
    """The letter of an option: C, (C), \\text{(C)}; None if it is none."""
    match = OPTION.fullmatch(_plain(text))
    return match[1] if match else None


def option_with_content(text: str) -> str | None:
    """The C of "(C) 17" and "C. Paris"."""
    match = OPTION_WITH_CONTENT.match(_plain(text))
    if match is None or ANOTHER_OPTION.search(match[3]):  # (C) or (D)
        return None
    first = re.match(r"[A-Za-z']*", match[3])
    if match[3][0] in "/,;&|+?!" or (first and first[0].lower().replace("'", "") in ABOUT_AN_OPTION):
        return None
    return match[1] or match[2]


def same_words(gold: str, answer: str) -> bool:
    """Whether two answers in words say the same."""
    ours, theirs = words_of(gold), words_of(answer)
    if not ours or not theirs:
        return False
    for one, other in ((ours, theirs), (theirs, ours)):
        if other in _stated(one) or (other in YES_OR_NO and one[:1] == other and _is_sure(one)):
            return True
    return ours == theirs


def _is_sure(words: list[str]) -> bool:
    """Whether what follows a yes or a no takes nothing back: "Yes, it is possible", but not "Yes, but no"."""
    rest = set(words[1:])
    return not rest & HEDGES and "/" not in rest and not (words[0] in ("yes", "true") and rest & NEGATIONS)


def as_mathematics(text: str) -> str | None:
    r"""The formula for a phrase that stands for one: `\emptyset` for "no solution"; None for other phrases."""
    return PHRASES.get(" ".join(words_of(text)))


def _stated(sentence: list[str]) -> list[list[str]]:
    """What a sentence states: the complement of its "is", or the subject of its verb."""
    statements = []
    places = [place for place, word in enumerate(sentence) if word in COPULAS]
    if places and places[-1] + 1 < len(sentence) and places[0] > 0:
        statements.append(sentence[places[-1] + 1 :])
    for place, word in enumerate(sentence):
        if word in VERBS and place > 0 and not places and not NEGATIONS & set(sentence):
            statements.append(sentence[:place])
            break
    return statements


def complement(text: str) -> str | None:
    r"""The text after the "is" of a sentence whose subject is in words: `[0, 3)` of "The range of a is [0, 3)"."""
    tidied = tidy(re.sub(r"\\text\{([^{}]*)\}", r" \1 ", tidy(text)))
    match = re.fullmatch(
        r"([^\d=<>]*?)\b(?:is|are|equals|is equal to|be)\b:?\s*(.+)", tidied, re.DOTALL | re.IGNORECASE
    )
    if match is None or not LETTERS.search(match[1]) or match[2].lower().startswith("not "):
        return None
    return match[2]


def _plain(text: str) -> str:
    return COMMAND.sub("", tidy(text)).replace("{", "").replace("}", "").strip()
