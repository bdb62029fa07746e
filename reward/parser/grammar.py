r"""The grammar of answers; `parse` turns the text of an answer into a tree (`reward.parser.nodes`).

    answer    = part { ("," | ";" | "and" | "or") part }            a list; also `(a) 5 (b) 6`, parts with labels
    part      = [label] side { relation side } [qualifier]          "x = 7", "B: x + 4y = 5", "n\pi, n \in \mathbb{Z}"
    label     = words (":" | "=") | option ":"
    qualifier = "(" name "in" set ")" | ("where" | "for" | "with") rest of the answer | "mod" value
    side      = sum { ("\cup" | "\cap" | "\setminus") sum }
    sum       = [sign] ratio { sign ratio } [unit]                  sign = "+" | "-" | "\pm" | "\mp"
    unit      = { word } [quantity of a smaller unit]               5 cm, 2 hours 30 minutes, 21 dogs, 3 tenths
    ratio     = product { (":" | "to") product }
    product   = factor { ["*" | "\cdot" | "\times" | "/" | "\div"] factor }
    factor    = ["-"] atom { "!" | "!!" | "%" | "\circ" | "_" base | "^" argument }
    atom      = mixed | number | spoken number | name [bracket] | function argument | fraction | root | bracket
              | set | "|" answer "|" | matrix | system | cases
    mixed     = integer fraction, where the fraction stands in no brackets and is smaller than one
    argument  = "{" answer "}" | letter | atom                      what TeX takes: `2^n(n+1)` is (n+1) times 2^n

So `3\frac12` is seven halves, with its percent sign, its degrees and its currency; `3(1/2)` and `3 \cdot \frac12` are
three halves; `20\frac{20}{3}` and `3\frac{x}{2}` are products. Two numbers side by side are no number.

Reading is generous about how people and models write, and gives up (NotUnderstood) rather than guess what they mean.
What is skipped on purpose, and why that is safe, is in one table of docs/reward.md.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from reward.parser.cursor import END, Cursor, split
from reward.parser.nodes import Node, NotUnderstood, Opaque, TooLarge, number
from reward.parser.numbers import value_of
from reward.parser.tokens import Token, tokenize
from reward.parser.units import DEGREE_WORDS, MULTIPLIERS, PARTS, PERCENT_WORDS, Unit, known, read_unit
from reward.parser.vocabulary import (
    ACCENTS,
    ATOM_COMMANDS,
    ATOM_OPENERS,
    BASES,
    CURRENCIES,
    DOMAIN_WORDS,
    FIGURES,
    FILLERS,
    FONTS,
    FUNCTION_LETTERS,
    FUNCTIONS,
    GREEK,
    MATRICES,
    NO_NOUNS,
    NO_UNITS,
    NUMBER_SETS,
    NUMBER_WORDS,
    RELATIONS,
    SET_SIGNS,
    SEVERAL_ARGUMENTS,
    SYSTEMS,
    TENS,
)

MOST_TOKENS = 1500
DEEPEST_TREE = 100
REPEATING = re.compile(r"(\d*)\.(\d*)\\overline\{(\d+)\}")
CONDITION_WORDS = ("if", "for", "when", "where")
NO_PART_BEFORE = (*"+-*/=^_<>({", "cdot", "times")  # an operator: what follows it in brackets is no label
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")


@dataclass
class Notes:
    """What a text says beside its tree.

    integers: the symbols it calls integers; domains: what it says symbols range over, as (symbol, name of the set);
    limits: numbers and signs in what it says about free symbols ("where |c| <= 1").
    """

    integers: set[str] = field(default_factory=set)
    domains: set[tuple[str, str]] = field(default_factory=set)
    limits: set[str] = field(default_factory=set)


def parse(text: str, scientific: bool = True) -> tuple[Node, Notes]:
    """The tree of a tidy text (see `reward.parser.text.tidy`), and what the text says beside it.

    Raises:
        NotUnderstood: it is no mathematics that this package reads.
        Opaque: nobody should read it as arithmetic: a date, a cross product.
        TooLarge: it is beyond the bounds, for every parser.
    """
    tokens = tokenize(text, scientific=scientific)
    if len(tokens) > MOST_TOKENS:
        raise TooLarge(f"{len(tokens)} tokens")
    notes = Notes()
    tree = _whole(tokens, notes)
    _check_depth(tree)
    return tree, notes


def _whole(tokens: list[Token], notes: Notes, depth: int = 0) -> Node:
    """The tree of all these tokens."""
    grammar = Grammar(tokens, notes, depth)
    tree = grammar.enumerated() or grammar.answer()
    if grammar.peek() is not END:
        raise NotUnderstood(f"{grammar.peek().text!r} is left over")
    return tree


class Grammar(Cursor):
    """Reads an answer from its tokens: one method for each rule of the module's docstring."""

    def __init__(self, tokens: list[Token], notes: Notes, depth: int = 0) -> None:
        super().__init__(tokens)
        self.notes = notes
        self.depth = depth
        self.bars = 0  # of absolute values that are open
        self.vectors: set[str] = set()  # letters set bold or under an arrow

    # Lists and relations

    def enumerated(self) -> Node | None:
        """`(a) 5 (b) 6`: the parts with their labels; None where the text is no such list."""
        places = _label_places(self.tokens)
        if not places:
            return None
        parts = []
        ends = [start for start, _, _ in places[1:]] + [len(self.tokens)]
        for (_, start, label), end in zip(places, ends, strict=True):
            content = self.tokens[start:end]
            while content and (content[-1].text in (",", ";") or content[-1].text.lower() == "and"):
                content = content[:-1]
            value = _whole(content, self.notes, self.depth + 1)
            parts.append(Node("relation", (Node("symbol", name=f"({label})"), value), "="))
        self.position = len(self.tokens)
        return Node("list", tuple(parts), "labels")

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
            elif self.at_word("and", "or"):
                word = self.take().text.lower()
                if joint not in ("", word):
                    raise NotUnderstood("both `and` and `or`")
                joint = word
            else:
                groups[-1].append(self._part(closers))
                if not (self._ends(closers) or self.at(",", ";") or self.at_word("and", "or")):
                    raise NotUnderstood(f"{self.peek().text!r} after a complete value")
        parts = _with_common_modulus(_regrouped([group for group in groups if group]))
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
        sides[-1] = self._modulus(sides[-1])
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
        r"""Read what is said about free symbols: `(k \in \mathbb{Z})`, "for all positive integers n", "where ..."."""
        while self.at("(") and self.peek(1).kind == "name" and self.peek(2).text == "in":
            self._note_domain(self.skip_bracket())
        word = "where" if self.at("forall") else self.peek().text.lower()
        says_domain = self.peek(1).text.lower() in DOMAIN_WORDS or any(
            token.text == "in" and token.kind == "command" for token in self.tokens
        )
        if self.depth == 0 and (word == "where" or (word in ("for", "with") and says_domain)):
            self._note_domain(self.tokens[self.position :])
            self.position = len(self.tokens)

    def _note_domain(self, said: list[Token]) -> None:
        r"""`k \in \mathbb{Z}`, "positive integers n": what it says about which symbols."""
        domain = _domain_in(said)
        names = {token.text for token in said if token.kind == "name" and not token.text.isupper()}
        if domain:
            self.notes.domains.update((name, domain) for name in names)
        if any(token.text in ("integer", "integers", "Z", "N") for token in said):
            self.notes.integers.update(token.text for token in said if token.kind == "name")
        self.notes.limits.update(
            token.text for token in said if token.kind == "number" or (token.text in RELATIONS and token.text != "in")
        )

    def _modulus(self, value: Node) -> Node:
        r"""`3 \pmod 7`, `3 (\mathrm{mod}\ 7)`: a class of integers."""
        opened = self.at("(") and self.peek(1).text == "mod" and self.peek(1).kind == "command"
        if opened:
            self.take()
        if not self.accept("mod"):
            return value
        if self.at("("):
            opened = True
            self.take()
        modulus = self.argument() if self.at("{") else self.factor()
        if opened:
            self.expect(")")
        return Node("modulo", (value, modulus))

    def _side(self) -> Node:
        """Sums joined by set operations."""
        side = self.sum()
        while self.at(*SET_SIGNS):
            kind = SET_SIGNS[self.take().text]
            side = Node(kind, (side, self.sum()))
        return side

    # Sums and products

    def sum(self) -> Node:
        """Terms with their signs, and the unit after the last one."""
        terms: list[Node] = []
        while True:
            sign = self.take().text if self.at("+", "-", "pm", "mp") else "+"
            while self.at("+", "-") and sign in "+-":  # 3 - -2
                sign = "-" if (self.take().text == "-") != (sign == "-") else "+"
            if not terms and self.at_word("negative", "minus"):
                self.take()
                sign = "-"
            term = self._ratio()
            if sign in ("pm", "mp"):
                term = Node("sign", (term,), "+-" if sign == "pm" else "-+")
            terms.append(Node("neg", (term,)) if sign == "-" else term)
            if not self.at("+", "-", "pm", "mp"):
                break
        _refuse_dates(terms)
        total = terms[0] if len(terms) == 1 else Node("add", tuple(terms))
        return self._with_unit(total)

    def _ratio(self) -> Node:
        parts = [self._product()]
        while (self.at(":") and self.peek(1) is not END) or self._is_to(parts[-1]):
            self.take()
            parts.append(self._product())
        return parts[0] if len(parts) == 1 else Node("ratio", tuple(parts))

    def _is_to(self, before: Node) -> bool:
        """Whether "to" makes a ratio: only between two numbers, `3 to 4`."""
        return self.at_word("to") and before.kind == "number" and self.peek(1).kind == "number"

    def _product(self) -> Node:
        product = self.factor()
        while True:
            if self.at("*", "cdot", "times"):
                sign = self.take().text
                factor = self.factor()
                self._refuse_cross_product(sign, product, factor)
                product = _times(product, factor)
            elif self.at("/", "div") and not self._is_unit(1):
                self.take()
                factor = self.factor()
                _refuse_slashes(product, factor)
                product = Node("div", (product, factor))
            elif self.peek().kind == "number" and product.kind == "number":
                product = self._spaced_number(product)
            elif self.starts_factor():
                product = _times(product, self.factor())
            else:
                return product

    def _refuse_cross_product(self, sign: str, product: Node, factor: Node) -> None:
        left = product.args[-1] if product.kind == "mul" else product
        if sign == "times" and {left.name, factor.name} & self.vectors and left.kind == factor.kind == "symbol":
            raise Opaque("a product of vectors, whose order counts")

    def _spaced_number(self, before: Node) -> Node:
        """1 000 is a thousand; two other numbers side by side are no number."""
        token = self.take()
        if token.text.isdecimal() and len(token.text) == 3 and before.name.isdecimal() and not token.tight:
            return number(int(before.name + token.text))
        raise NotUnderstood(f"two numbers side by side: {before.name} {token.text}")

    def factor(self) -> Node:
        """An atom with its exponents; a sign may come first, as in 3 · -2."""
        if self.accept("-"):
            return Node("neg", (self.factor(),))
        return self._powers(self.atom())

    def _powers(self, base: Node) -> Node:
        while True:
            if self.at("!"):
                base = self._factorial(base)
            elif self.accept("%"):
                base = Node("percent", (base,))
            elif self._takes_circle():
                base = self._degrees(base)
            elif self.at("_") and base.kind == "number":
                self.take()
                base = _in_base(base, self.raw_argument().strip("()"))
            elif self.at("_") and self.peek(2).kind in ("word", "name", "command") and base.kind == "abs":
                self.take()  # |PC|_{\\text{max}}
                self.raw_argument()
            elif self.at("^"):
                self.take()
                base = self._degrees(base) if self._takes_circle() else self._power(base)
            else:
                return base

    def _factorial(self, base: Node) -> Node:
        self.take()
        if not (self.at("!") and self.peek().tight):
            return Node("factorial", (base,))
        self.take()
        if self.at("!"):
            raise NotUnderstood("three exclamation marks")
        return Node("call", (base,), "doublefactorial")

    def _power(self, base: Node) -> Node:
        if base.kind == "mixed":
            raise NotUnderstood("a power of a mixed number: of all of it, or of its fraction?")
        self.enter()
        exponent = self.group_or_signed()
        self.leave()
        return Node("pow", (base, exponent))

    def group_or_signed(self) -> Node:
        """An exponent: a group, an atom, or a sign and an atom (10^-3)."""
        if self.accept("-"):
            return Node("neg", (self.group(),))
        self.accept("+")
        return self.group()

    def _degrees(self, base: Node) -> Node:
        r"""An angle, 30^\circ 15', or a temperature, 8^\circ C."""
        if self.peek().kind == "name" and self.peek().text in ("C", "F"):
            return Node("quantity", (base,), "celsius" if self.take().text == "C" else "fahrenheit")
        if base.kind == "degree":  # forty circles make a number so small that it takes thousands of digits
            raise NotUnderstood("degrees of degrees")
        if self.peek().kind == "number" and self.peek(1).text == "'":
            minutes = self.atom()
            self.take()
            base = Node("add", (base, Node("div", (minutes, number(60)))))
        return Node("degree", (base,))

    def _takes_circle(self) -> bool:
        if self.accept("circ"):
            return True
        if self.at("{") and self.peek(1).text == "circ" and self.peek(2).text == "}":
            self.position += 3
            return True
        return False

    def starts_factor(self) -> bool:
        """Whether a factor begins here without a sign: 2x, 3(x+1), \\sqrt2 \\pi."""
        token = self.peek()
        if token.kind == "name":
            return not self._is_unit(0)
        if token.kind == "number":  # (n-2) 2^n
            return self.position > 0 and self.tokens[self.position - 1].text in (")", "]", "}")
        if token.kind == "op":
            declares = self.peek(1).kind == "name" and self.peek(2).text == "in"  # (k \in Z)
            declares = declares or (self.peek(1).text == "mod" and self.peek(1).kind == "command")
            return (token.text in ATOM_OPENERS and not declares) or (token.text in ("|", "Vert") and not self.bars)
        if token.kind == "command" and self._is_unit(0):  # 5\,\Omega
            return False
        return token.kind == "begin" or (token.kind == "command" and token.text in ATOM_COMMANDS)

    # Units

    def _is_unit(self, ahead: int) -> bool:
        """Whether a unit or a noun begins here."""
        token = self.peek(ahead)
        if token.kind == "word":
            if token.text.lower() == "times":  # 3 times, but not 3 times 4
                return self.peek(ahead + 1) is END
            return token.text.lower() not in NO_NOUNS and not token.text.lower().endswith("ly")
        if token.kind == "command" and token.text == "Omega":
            return ahead > 0 or self.tokens[self.position - 1].kind == "number"
        return token.kind == "name" and token.upright and known(token.text) is not None and token.text not in NO_UNITS

    def _with_unit(self, value: Node) -> Node:
        """`value` with the unit or noun that follows: percent, million, cm^2, km / h, dogs."""
        words: list[str] = []
        while (
            self._is_unit(0) or self.at(*CURRENCIES) or (self.at("/") and self._is_unit(1)) or self._joins_units(words)
        ):
            word = self.take().text
            lower = word.lower()
            if lower in NUMBER_WORDS or lower in TENS:
                raise NotUnderstood(f"the number {word} after a value")
            if lower in VALUE_WORDS and not (words and lower in ("squared", "cubed")):
                value = VALUE_WORDS[lower](value)
            else:
                words += [word, *self._unit_exponent()]
        unit = read_unit(" ".join(words)) if words else None
        if words and value.symbols and unit is None:
            raise NotUnderstood(f"a symbol and the words {' '.join(words)}")  # "a right prism" is no quantity
        if unit is not None:
            value, words = self._compound(value, words, unit)
        return Node("quantity", (value,), " ".join(words)) if words else value

    def _joins_units(self, words: list[str]) -> bool:
        r"""Whether a dot stands between two units, as in m \cdot s^{-2}; it is taken."""
        joins = bool(words) and self.at("cdot") and self._is_unit(1) and read_unit(" ".join(words)) is not None
        return bool(joins and self.take())

    def _compound(self, value: Node, words: list[str], unit: Unit) -> tuple[Node, list[str]]:
        """`2 hours 30 minutes`, `5 feet and 6 inches`: one quantity, in its smallest unit."""
        while True:
            start = self.position
            if self.at_word("and") or (self.at(",") and unit.dimensions[0][0] in ("time", "long time")):
                self.take()
            if self.peek().kind != "number":
                self.position = start
                return value, words
            more = self._powers(self.atom())
            smaller: list[str] = []
            while self._is_unit(0):
                smaller += [self.take().text, *self._unit_exponent()]
            found = read_unit(" ".join(smaller)) if smaller else None
            if found is None or found.dimensions != unit.dimensions or found.factor >= unit.factor:
                self.position = start
                return value, words
            value = Node("add", (Node("mul", (value, number(unit.factor / found.factor))), more))
            words, unit = smaller, found

    def _unit_exponent(self) -> list[str]:
        if self.at("^") and any(self.peek(ahead).kind == "number" for ahead in (1, 2, 3)):
            self.take()
            return ["^", self.raw_argument()]
        return []

    # Atoms

    def atom(self) -> Node:
        """One atom, without exponents."""
        token = self.peek()
        if token.kind == "number":
            self.take()
            return self._mixed(_number(token))
        if token.kind == "name":
            self.take()
            return self._symbol(token.text)
        if token.kind == "word" and (token.text.lower() in NUMBER_WORDS or token.text.lower() in TENS):
            return number(self._spoken_number())
        if token.kind == "begin":
            return self._matrix()
        if token.kind == "op":
            return self.bracketed(token.text)
        if token.kind == "command":
            self.take()
            return self._command(token.text)
        raise NotUnderstood(f"{token.text!r} is no mathematics")

    def _mixed(self, whole: Node) -> Node:
        r"""`whole`, with the fraction that makes it a mixed number: 1\frac45, 1 4/5, 1{4 \over 5}."""
        start = self.position
        if not whole.name.isdecimal():
            return whole
        if self.accept("frac"):
            fraction = Node("div", (self.argument(), self.argument()))
        elif self.at("{") and self.peek(1).text == "frac":
            fraction = self.bracketed("{")
        elif self.peek().kind == "number" and self.peek(1).text == "/" and self.peek(2).kind == "number":
            if self.peek().tight:
                return whole
            top, bottom = self.take(), (self.take(), self.take())[1]
            fraction = Node("div", (_number(top), _number(bottom)))
        else:
            return whole
        if _is_proper(fraction):
            return Node("mixed", (whole, fraction))
        self.position = start
        return whole

    def _spoken_number(self) -> int:
        """twenty-one, two hundred and five; what multiplies (thousand) and divides (thirds) comes after any number."""
        total = current = 0
        while self.peek().kind == "word":
            word = self.peek().text.lower()
            if word in TENS and current % 100 == 0:
                current += TENS[word]
            elif word in NUMBER_WORDS and current % 10 == 0 and (current % 100 == 0 or NUMBER_WORDS[word] < 10):
                current += NUMBER_WORDS[word]
            elif word == "hundred" and 0 < current < 10:
                current *= 100
            elif word == "thousand" and 0 < current < 1000 and not total:
                total, current = 1000 * current, 0
            elif word != "and" or current % 100 or not (current or total) or not self._is_number_word(1):
                break
            self.take()
        return total + current

    def _is_number_word(self, ahead: int) -> bool:
        word = self.peek(ahead).text.lower()
        return self.peek(ahead).kind == "word" and (word in NUMBER_WORDS or word in TENS)

    def argument(self) -> Node:
        r"""What follows `\frac`: a group, or a single digit, as in `\frac12`."""
        token = self.peek()
        if token.kind == "number" and len(token.text) > 1 and token.text.isdecimal():
            self.tokens[self.position] = Token("number", token.text[1:], token.upright, True)
            return number(int(token.text[0]))
        return self.group()

    def group(self) -> Node:
        r"""What TeX takes for one argument: a group in braces, or the next digit or letter alone.

        So `2^n(n+1)` is (n+1)2^n and `\frac1x(x+1)` a product: a letter there takes no bracket and no index with it.
        """
        if self.at("{"):
            return self.bracketed("{")
        if self.peek().kind == "number":
            return _number(self.take())
        if self.peek().kind == "name":
            letter = self.take().text
            return Node("constant" if letter in ("e", "i") else "symbol", name=letter)
        if self.peek().kind == "command" and self.peek().text in GREEK:
            return Node("symbol", name=self.take().text)
        return self.atom()

    def _symbol(self, letter: str) -> Node:
        """A symbol with its subscripts, or a function of the problem with its arguments."""
        name = self.suffixes(letter)
        if name in ("e", "i"):
            return Node("constant", name=name)
        if letter == "C" and (binomial := self._combination(name)) is not None:
            return binomial
        if not self.at("(") or not self.peek().tight:
            return Node("symbol", name=name)
        start = self.position
        inner = self.bracketed("(")
        if inner.kind in ("relation", "set"):  # P(X = 2)
            return Node("symbol", name=name + "".join(token.text for token in self.tokens[start : self.position]))
        if inner.kind in ("number", "symbol", "bracket") or name.rstrip("'") in FUNCTION_LETTERS:
            return Node("apply", inner.args if inner.kind == "bracket" else (inner,), name)
        return Node("mul", (Node("symbol", name=name), self._powers(inner)))

    def _combination(self, name: str) -> Node | None:
        """C_{12}^{4}: 12 choose 4."""
        if not (name[:2] == "C_" and name[2:].isdecimal() and self.at("^")):
            return None
        place = self.position
        self.take()
        chosen = self.raw_argument()
        if chosen.isdecimal() and len(chosen) < 9 and len(name) < 11:
            return Node("call", (number(int(name[2:])), number(int(chosen))), "binom")
        self.position = place
        return None

    # Commands

    def _command(self, name: str) -> Node:
        if name == "frac":
            return _fraction(self.argument(), self.argument())
        if name == "sqrt":
            degree = self.bracketed("[") if self.at("[") else number(2)
            return Node("call", (self.group(), degree), "root")
        if name == "binom":
            return Node("call", (self.argument(), self.argument()), "binom")
        if name in FUNCTIONS or name == "log10":
            return self._function(name)
        if name in ("pi", "infty"):
            return Node("constant", name="infinity" if name == "infty" else name)
        if name in ("lfloor", "lceil"):
            inner = self.delimited("r" + name[1:])
            return Node(name[1:], (inner,))
        if name == "langle":
            inner = self.delimited("rangle")
            return Node("bracket", inner.args if inner.kind == "list" else (inner,), "()")
        if name in ("vert", "Vert"):
            self.position -= 1
            return self.absolute(name)
        return self._named(name)

    def _named(self, name: str) -> Node:
        """Symbols that are commands."""
        if name in ("mathbb", "Bbb") or (name == "mathbf" and self.peek(1).text in NUMBER_SETS):
            return self._number_set()
        if name == "emptyset":
            return Node("set")
        if name in GREEK:
            return self._symbol(name)
        if name in FONTS:
            return self._in_font(name)
        if name in ACCENTS:
            return self._symbol(f"{name}:{self.raw_argument()}")
        if name in FIGURES:
            letters = ""
            while self.peek().kind == "name":
                letters += self.suffixes(self.take().text)
            return Node("symbol", name=f"{name} {letters or self.raw_argument()}")
        raise NotUnderstood(f"the command \\{name}")

    def _in_font(self, name: str) -> Node:
        r"""\mathbf{2340} is a number, \mathbf{x} and \vec{x} are x."""
        if self.at("{") and self.peek(1).kind == "name" and self.peek(2).text == "}":
            self.take()
            letter = self.take().text
            self.expect("}")
            self.vectors.add(letter)
            return self._symbol(letter)
        if name not in ("vec", "overrightarrow"):
            return self.group()
        vector = f"vec:{self.raw_argument()}"
        self.vectors.add(vector)
        return self._symbol(vector)

    def _number_set(self) -> Node:
        r"""\mathbb{R}, \mathbb{N}^*, \mathbb{Z}_+."""
        name = self.raw_argument()
        if self.at("^", "_") and self.peek(1).text in ("*", "+", "-", "{"):
            self.take()
            name += self.raw_argument()
        return Node("region", name=name)

    def _function(self, name: str) -> Node:
        r"""`\sin^2 x`, `\log_2 x`, `\sin(x) y` (only x is its argument), `\sin 2x` (both are)."""
        base = self.argument() if self.accept("_") else None
        exponent = self.group_or_signed() if self.accept("^") else None
        inner = self.bracketed(self.peek().text) if self.at("(", "{", "[") else self._open_argument()
        if inner.kind == "list" or (inner.kind == "bracket" and name in SEVERAL_ARGUMENTS):
            arguments = inner.args
        else:
            arguments = (inner,)
        if name == "sqrt":
            return Node("call", (inner, number(2)), "root")
        if name in ("floor", "ceil", "abs"):
            return Node(name, (inner,))
        inverse = (
            exponent is not None and exponent == Node("neg", (number(1),)) and name in ("sin", "cos", "tan", "cot")
        )
        call = Node("call", (*arguments, *([base] if base else ())), f"arc{name}" if inverse else name)
        return Node("pow", (call, exponent)) if exponent is not None and not inverse else call

    def _open_argument(self) -> Node:
        """The factors after a function without parentheses, up to the next function or operator."""
        self.enter()
        negative = self.accept("-")
        factors = [self.factor()]
        while self.starts_factor() and self.peek().text not in FUNCTIONS:
            factors.append(self.factor())
        self.leave()
        product = factors[0] if len(factors) == 1 else Node("mul", tuple(factors))
        return Node("neg", (product,)) if negative else product

    # Brackets

    def bracketed(self, opener: str) -> Node:
        """What stands between a delimiter and the one that closes it."""
        if opener in ("(", "["):
            self.take()
            inner, closer = self._inside(")", "]")
            if inner.kind == "list" and not inner.name:
                return Node("bracket", inner.args, opener + closer)
            if opener + closer not in ("()", "[]"):
                raise NotUnderstood(f"{opener}...{closer} around one value")
            return inner
        if opener == "{":
            self.take()
            return self._braced()
        if opener == r"\{":
            return self._set()
        if opener in ("|", "Vert"):
            return self.absolute(opener)
        if opener in CURRENCIES:
            self.take()
            return Node("quantity", (self.factor(),), opener)
        raise NotUnderstood(f"{opener!r} cannot begin a value")

    def _inside(self, *closers: str) -> tuple[Node, str]:
        self.enter()
        bars, self.bars = self.bars, 0
        inner = self.answer(*closers, "over", "choose")
        if self.at("over", "choose"):
            kind = "div" if self.take().text == "over" else "call"
            inner = Node(kind, (inner, self.answer(*closers)), "binom" if kind == "call" else "")
        self.bars = bars
        self.leave()
        return inner, self.expect(*closers)

    def absolute(self, bar: str) -> Node:
        """|x|."""
        self.take()
        self.enter()
        self.bars += 1
        inner = self.answer(bar)
        self.bars -= 1
        self.leave()
        self.expect(bar)
        return Node("abs", (inner,))

    def delimited(self, closer: str) -> Node:
        """Everything up to a command that closes."""
        self.enter()
        inner = self.answer(closer)
        self.expect(closer)
        self.leave()
        return inner

    def _set(self) -> Node:
        r"""`\{1, 2\}` or `\{x | x < 3\}`; `\{ \begin{array}...` is a system whose other brace is invisible."""
        self.take()
        if self.peek().kind == "begin" and not any(token.text == r"\}" for token in self.tokens[self.position :]):
            return self._system(self.peek().text)
        self.enter()
        if self.accept(r"\}"):
            self.leave()
            return Node("set")
        builder = self._builder()
        inner = self.answer(r"\}")
        self.expect(r"\}")
        self.leave()
        if builder is not None:
            return Node("builder", (builder.args[0], inner), builder.name)
        return Node("set", inner.args if inner.kind == "list" else (inner,))

    def _braced(self) -> Node:
        """A group; a set whose braces lost their backslashes if a condition stands in it: {x | x < 3}."""
        builder = self._builder()
        inner = self._inside("}")[0]
        return inner if builder is None else Node("builder", (builder.args[0], inner), builder.name)

    def _builder(self) -> Node | None:
        r"""The x, and the domain, of `\{x | ...\}` and `\{x \in \mathbb{Z} : ...\}`; reading goes on after the bar."""
        place = self.position
        if self.peek().kind == "name" or self.peek().text in GREEK:
            name, start = self.suffixes(self.take().text), self.position
            if self.at("in"):
                while not (self._ends((r"\}", "}", ",")) or self.at("|", "vert", ":")):
                    self.raw_argument() if self.at("{") else self.take()
            domain = _domain_in(self.tokens[start : self.position])
            if self.accept("|", "vert", ":"):
                return Node("builder", (Node("symbol", name=name),), "" if domain == "R" else domain)
        self.position = place
        return None

    # Environments

    def _matrix(self) -> Node:
        environment = self.peek().text
        if environment in SYSTEMS:
            return self._system(environment)
        if environment not in MATRICES:
            raise NotUnderstood(f"the environment {environment}")
        rows = []
        for row in split(_without_columns(self.environment(), environment), r"\\"):
            cells = [cell for cell in split(row, "&") if cell]
            if cells:
                rows.append(Node("row", tuple(_whole(cell, self.notes, self.depth + 1) for cell in cells)))
        if not rows or len({len(row.args) for row in rows}) != 1:
            raise NotUnderstood("the rows of a matrix differ in length")
        return Node("matrix", tuple(rows))

    def _system(self, environment: str) -> Node:
        r"""Rows of `cases` and `aligned`: equations that hold together, or the pieces of a function."""
        inside = _without_columns(self.environment(), environment)
        rows = [split(row, "&") for row in split(inside, r"\\") if row]
        pieces = [_piece(row) for row in rows]
        if all(pieces):
            read = [
                Node("row", tuple(self._piece_side(side) for side in piece)) for piece in pieces if piece is not None
            ]
            return Node("piecewise", tuple(read))
        lines = _joined_lines([[token for cell in row for token in cell] for row in rows])
        whole = [_whole(line, self.notes, self.depth + 1) for line in lines]
        equations = [one for equation in whole for one in (equation.args if equation.kind == "list" else [equation])]
        if not equations or any(equation.kind != "relation" for equation in equations):
            raise NotUnderstood("the rows of a system are no relations")
        return equations[0] if len(equations) == 1 else Node("list", tuple(equations), "and")

    def _piece_side(self, tokens: list[Token]) -> Node:
        if len(tokens) == 1 and tokens[0].text.lower() in ("otherwise", "else"):
            return Node("symbol", name="otherwise")
        return _whole(tokens, self.notes, self.depth + 1)


def _label_places(tokens: list[Token]) -> list[tuple[int, int, str]]:
    """Start, end and text of the labels (a), (b), ... that a list of parts has; empty if it has fewer than two."""
    first = tokens[1].text.lower() if len(tokens) > 2 and tokens[0].text == "(" else ""
    if tokens and first in ("a", "i", "1") and tokens[2].text == ")":
        names = {"a": tuple("abcdefgh"), "i": ROMAN, "1": tuple("12345678")}[first]
        places, start = [], 0
        for name in names:
            found = _find_label(tokens, name, start)
            if found is None:
                break
            places.append((*found, name))
            start = found[1]
        ends = [place[0] for place in places[1:]] + [len(tokens)]
        if len(places) > 1 and all(end > place[1] for place, end in zip(places, ends, strict=True)):
            return places
    return []


def _find_label(tokens: list[Token], name: str, start: int) -> tuple[int, int] | None:
    """Where `(name)` stands next, with no operator before it."""
    for place in range(start, len(tokens) - 1):
        if tokens[place].text != "(" or (place and tokens[place - 1].text in NO_PART_BEFORE):
            continue
        end, text = place + 1, ""
        while end < len(tokens) and tokens[end].kind in ("name", "number", "word") and len(text) < 5:
            text += tokens[end].text.lower()
            end += 1
        if text == name and end < len(tokens) and tokens[end].text == ")":
            return place, end + 1
    return None


def _regrouped(groups: list[list[Node]]) -> list[Node]:
    """`a, b; c, d` holds the two groups (a, b) and (c, d); with one value between semicolons it is a plain list."""
    if len(groups) > 1 and all(len(group) > 1 for group in groups):
        return [Node("list", tuple(group), ";") for group in groups]
    return [node for group in groups for node in group]


def _with_common_modulus(parts: list[Node]) -> list[Node]:
    r"""`1, 4 \pmod 5` are two classes, and so are the parts of `x \equiv 1, 4 \pmod 5`."""
    last = parts[-1] if parts else Node("list")
    if len(parts) < 2 or not last.holds("modulo"):
        return parts
    if last.kind != "modulo" or any(part.holds("modulo") for part in parts[:-1]):
        return parts
    return [part if _is_other_relation(part) else _class(part, last.args[1]) for part in parts[:-1]] + [last]


def _is_other_relation(part: Node) -> bool:
    return part.kind == "relation" and part.name not in ("=", "equiv")


def _class(part: Node, modulus: Node) -> Node:
    return Node("modulo", (part.args[-1] if part.kind == "relation" else part, modulus))


def _domain_in(said: list[Token]) -> str:
    r"""The set that a qualifier names: "Z", "N", "N+", "R"; "" if it names none, or several."""
    text = " ".join(token.text.lower() for token in said)
    found = set()
    for pattern, name in DOMAINS:
        if re.search(pattern, text):
            found.add(name)
            text = re.sub(pattern, " ", text)
    return found.pop() if len(found) == 1 else ""


DOMAINS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"(positive|natural) (integer|number)s?|\bnaturals?\b", "N"),
        (r"non ?- ?negative integers?|nonnegative integers?|whole numbers?", "N"),
        (r"mathb[bf] (\{ )?[zn]( \})? [\^_] (\{ )?(\*|\+|cdot)|mathb[bf] (\{ )?n\b", "N"),
        (r"negative integers?|mathb[bf] (\{ )?[zn]( \})? [\^_] (\{ )?-", "Z-"),
        (r"integers?|mathb[bf] (\{ )?z\b|\bin z\b", "Z"),
        (r"\bin n\b", "N"),
        (r"real( number)?s?|mathb[bf] (\{ )?r\b|\bin r\b", "R"),
        (r"rational( number)?s?|mathb[bf] (\{ )?q\b|\bin q\b", "Q"),
    )
)


def _without_columns(inside: list[Token], environment: str) -> list[Token]:
    r"""The rows of an array, without the letters that lay out its columns: `{cc}`, `{c|c}`."""
    if environment in ("array", "alignedat") and inside and inside[0].text == "{":
        end = next((place for place, token in enumerate(inside) if token.text == "}"), 0)
        return inside[end + 1 :]
    return inside


def _piece(row: list[list[Token]]) -> tuple[list[Token], list[Token]] | None:
    """Value and condition of a row of a piecewise function; None if the row is an equation."""
    if len(row) == 2 and row[1] and row[1][0].text not in RELATIONS:
        value, condition = row
    else:
        tokens = [token for cell in row for token in cell]
        places = [
            place
            for place, token in enumerate(tokens)
            if token.kind == "word" and token.text.lower() in (*CONDITION_WORDS, "otherwise")
        ]
        commas = [place for place, token in enumerate(tokens) if token.text == "," and token.kind == "op"]
        place = places[0] if places else commas[-1] if commas else 0
        value, condition = tokens[:place], tokens[place:]
        if not place or (not places and _is_relation(value)):
            return None
    while value and value[-1].text in (",", ";"):
        value = value[:-1]
    while condition and (condition[0].text in (",", ":") or condition[0].text.lower() in CONDITION_WORDS):
        condition = condition[1:]
    while condition and condition[-1].text in (",", ";"):
        condition = condition[:-1]
    if not value or not condition or _is_relation(value):
        return None
    return value, condition


def _is_relation(tokens: list[Token]) -> bool:
    return any(token.text in RELATIONS and token.kind in ("op", "command") for token in tokens)


def _joined_lines(lines: list[list[Token]]) -> list[list[Token]]:
    """A line that begins with a relation goes on with the line before it: x &= 3 + 4, &= 7."""
    joined: list[list[Token]] = []
    for line in lines:
        line = line[:-1] if line and line[-1].text in (",", ";") else line
        if joined and line and line[0].text in RELATIONS:
            joined[-1] = joined[-1] + line
        elif line:
            joined.append(line)
    return joined


def _refuse_dates(terms: list[Node]) -> None:
    """2020-12-06 is a day."""
    values = [term.args[0] if term.kind == "neg" else term for term in terms]
    if len(terms) == 3 and [term.kind for term in terms] == ["number", "neg", "neg"]:
        lengths = [len(value.name) for value in values if value.kind == "number" and value.name.isdecimal()]
        if lengths in ([4, 2, 2], [4, 1, 2], [4, 2, 1], [2, 2, 4], [1, 2, 4], [2, 1, 4]):
            raise Opaque("a date")


def _refuse_slashes(product: Node, factor: Node) -> None:
    """1/2/2020 is a day, or a ratio, or a fraction."""
    if product.kind == "div" and all(
        node.kind == "number" and node.name.isdecimal() for node in (*product.args, factor)
    ):
        raise Opaque("three numbers between slashes")


def _fraction(top: Node, bottom: Node) -> Node:
    r"""`\frac{dy}{dx}` is the name of a derivative, and \frac{d}{dx} differentiates what follows."""
    below, above = _differential(bottom), _differential(top)
    if below and top == Node("symbol", name="d"):
        raise NotUnderstood("a derivative to be taken")
    if below and above:
        return Node("symbol", name=f"d{above}/d{below}")
    return Node("div", (top, bottom))


def _differential(node: Node) -> str:
    """The y of dy, y^2... of d^2y, x^2 of dx^2."""
    if node.kind != "mul" or len(node.args) != 2 or node.args[1].kind not in ("symbol", "pow"):
        return ""
    first, second = node.args
    order = f"^{first.args[1].name}" if first.kind == "pow" and first.args[1].kind == "number" else ""
    if (first.args[0] if order else first) != Node("symbol", name="d"):
        return ""
    if second.kind == "pow":
        return f"{second.args[0].name}^{second.args[1].name}" if second.args[0].kind == "symbol" else ""
    return order + second.name


def _times(product: Node, factor: Node) -> Node:
    return Node("mul", (*product.args, factor) if product.kind == "mul" else (product, factor))


def _is_proper(fraction: Node) -> bool:
    """Whether a fraction of two integers is smaller than one."""
    if fraction.kind != "div":
        return False
    top, bottom = fraction.args
    return all(node.kind == "number" and node.name.isdecimal() for node in (top, bottom)) and top.value < bottom.value


def _number(token: Token) -> Node:
    repeating = REPEATING.fullmatch(token.text)
    if repeating is None:
        return Node("number", name=token.text, value=value_of(token.text))
    whole, once, period = repeating.groups()
    value = value_of((whole or "0") + "." + once) if once else value_of(whole or "0")
    value += Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(once))
    return Node("number", name=str(value), value=value)


def _in_base(digits: Node, base: str) -> Node:
    base = str(BASES.get(base.lower(), base))
    if digits.name.isdecimal() and len(base) == 1 and base.isalpha():
        return Node("based", (), f"{digits.name.lstrip('0')}_{base}")  # the problem asks for the base b
    if not digits.name.isdecimal() or not base.isdecimal() or not 2 <= int(base[:4]) <= 36:
        raise Opaque(f"{digits.name} with the subscript {base}")
    if int(base) == 10:
        return digits
    if max(map(int, digits.name)) >= int(base):
        raise Opaque(f"the digits {digits.name} in base {base}")
    return Node("based", (), f"{digits.name.lstrip('0')}_{int(base)}")


def _value_words() -> dict[str, Callable[[Node], Node]]:
    """Words that change the value before them: percent, degrees, million, tenths, squared."""
    words: dict[str, Callable[[Node], Node]] = {}
    for word in PERCENT_WORDS:
        words[word] = lambda value: Node("percent", (value,))
    for word in DEGREE_WORDS:
        words[word] = lambda value: Node("degree", (value,))
    for word in ("rad", "radian", "radians"):
        words[word] = lambda value: Node("radian", (value,))
    for word, factor in MULTIPLIERS.items():
        words[word] = lambda value, factor=factor: _times(value, number(factor))  # type: ignore[misc]
    for word, divisor in PARTS.items():
        words[word] = lambda value, divisor=divisor: Node("div", (value, number(divisor)))  # type: ignore[misc]
    for word, exponent in (("squared", 2), ("cubed", 3)):
        words[word] = lambda value, exponent=exponent: Node("pow", (value, number(exponent)))  # type: ignore[misc]
    return words


VALUE_WORDS = _value_words()


def _check_depth(tree: Node) -> None:
    """Raises TooLarge for a tree that would exhaust Python's stack: 1/3/3/3/..., 5!!!!..."""
    level = [tree]
    for _ in range(DEEPEST_TREE):
        level = [arg for node in level for arg in node.args]
        if not level:
            return
    raise TooLarge(f"a tree of more than {DEEPEST_TREE} levels")
