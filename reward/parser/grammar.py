r"""Lists, relations, sums and products; `parse` turns the text of an answer into a tree.

Reading is generous about how people and models write, and gives up (NotUnderstood) rather than guess what they mean.
"""

from reward.parser.cursor import END
from reward.parser.nodes import Node, NotUnderstood, TooLarge
from reward.parser.products import Products
from reward.parser.tokens import tokenize
from reward.parser.vocabulary import DOMAIN_WORDS, FILLERS, RELATIONS, SET_SIGNS

MOST_TOKENS = 1500
DEEPEST_TREE = 100


def parse(text: str, scientific: bool = True) -> tuple[Node, frozenset[str], frozenset[str]]:
    """The tree of a tidy text (see `reward.parser.text.tidy`), the symbols it calls integers, and the
    numbers in what it says about free symbols ("where |c| <= 1").

    Raises:
        NotUnderstood: it is no mathematics that this package reads.
        TooLarge: it is beyond the bounds, for every parser.
    """
    grammar = Grammar(tokenize(text, scientific=scientific))
    if len(grammar.tokens) > MOST_TOKENS:
        raise TooLarge(f"{len(grammar.tokens)} tokens")
    tree = grammar.answer()
    if grammar.peek() is not END:
        raise NotUnderstood(f"{grammar.peek().text!r} is left over")
    _check_depth(tree)
    return tree, frozenset(grammar.integers), frozenset(grammar.limits)


class Grammar(Products):
    """Reads a whole answer."""

    def answer(self, *closers: str) -> Node:
        """Parts between commas, semicolons, "and" and "or", up to one of `closers` or the end."""
        groups: list[list[Node]] = [[]]
        joint = ""
        while not self._ends(closers):
            if self.accept(","):
                if groups[-1]:
                    self._qualifiers()
                continue
            if self.accept(";"):
                groups.append([])
            elif self.peek().kind == "word" and self.peek().text.lower() in ("and", "or"):
                joint = self.take().text.lower()
            else:
                groups[-1].append(self._part(closers))
                if not (self._ends(closers) or self.at(",", ";") or self.peek().text.lower() in ("and", "or")):
                    raise NotUnderstood(f"{self.peek().text!r} after a complete value")
        parts = _regrouped([group for group in groups if group])
        if not parts:
            raise NotUnderstood("there is no value")
        return parts[0] if len(parts) == 1 else Node("list", tuple(parts), joint)

    def _ends(self, closers: tuple[str, ...]) -> bool:
        token = self.peek()
        return token is END or token.kind == "end" or (token.kind in ("op", "command") and token.text in closers)

    def _part(self, closers: tuple[str, ...]) -> Node:
        """One part: a value, a relation, or either of them with a label."""
        while self.peek().text.lower() in FILLERS or self.at("approx", "in", "=", "therefore"):
            self.take()
        label = self._label()
        if label:
            value = self._part(closers)
            # "B: x + 4y - 5 = 0" is the equation, "Maximum = 2" is 2 and says of what.
            return value if value.kind == "relation" else Node("relation", (Node("symbol", name=label), value), "=")
        sides: list[Node] = []
        signs: list[str] = []
        while True:
            sides.append(self._side())
            if self.peek().text not in RELATIONS or self.peek().kind not in ("op", "command"):
                break
            signs.append(self.take().text)
        self._qualifiers()
        return sides[0] if len(sides) == 1 else Node("relation", tuple(sides), " ".join(signs))

    def _label(self) -> str:
        """The words before a colon or an equals sign ("Paolo: 18", "Maximum = 2"), or an option's letter ("A: 5")."""
        ahead = 0
        while self.peek(ahead).kind == "word" and self.peek(ahead).text.lower() not in ("and", "or"):
            ahead += 1
        if ahead == 0 and self.position == 0 and self.peek().kind == "name" and self.peek().text in "ABCDE":
            ahead = 1 if self.peek(1).text == ":" else 0
        if ahead == 0 or self.peek(ahead).text not in (":", "=") or self.peek(ahead).kind != "op":
            return ""
        label = " ".join(self.take().text.lower() for _ in range(ahead))
        self.take()
        return label

    def _qualifiers(self) -> None:
        r"""Skip what is said about free symbols: `(k \in \mathbb{Z})`, "for all positive integers n", "where ..."."""
        while self.at("(") and self.peek(1).kind == "name" and self.peek(2).text == "in":
            inside = self.skip_bracket()
            self.integers.update(token.text for token in inside[:1])
        word = "where" if self.at("forall") else self.peek().text.lower()
        says_domain = self.peek(1).text.lower() in DOMAIN_WORDS or any(
            token.text == "in" and token.kind == "command" for token in self.tokens
        )
        if self.depth == 0 and (word == "where" or (word in ("for", "with") and says_domain)):
            rest = self.tokens[self.position :]
            if any(token.text.lower() in ("integer", "integers", "Z", "N") for token in rest):
                self.integers.update(token.text for token in rest if token.kind == "name")
            self.limits.update(token.text for token in rest if token.kind == "number")
            self.position = len(self.tokens)

    def _side(self) -> Node:
        """Sums joined by set operations."""
        side = self.sum()
        while self.at(*SET_SIGNS):
            kind = SET_SIGNS[self.take().text]
            side = Node(kind, (side, self.sum()))
        return side


def _regrouped(groups: list[list[Node]]) -> list[Node]:
    """`a, b; c, d` holds the two groups (a, b) and (c, d); with one value between semicolons it is a plain list."""
    if len(groups) > 1 and all(len(group) > 1 for group in groups):
        return [Node("list", tuple(group), ";") for group in groups]
    return [node for group in groups for node in group]


def _check_depth(tree: Node) -> None:
    """Raises TooLarge for a tree that would exhaust Python's stack: 1/3/3/3/..., 5!!!!..."""
    level = [tree]
    for _ in range(DEEPEST_TREE):
        level = [arg for node in level for arg in node.args]
        if not level:
            return
    raise TooLarge(f"a tree of more than {DEEPEST_TREE} levels")
