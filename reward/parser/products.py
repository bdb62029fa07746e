r"""Sums, products, powers and units."""

from reward.parser.atoms import Atoms
from reward.parser.cursor import END
from reward.parser.nodes import Node, NotUnderstood, number
from reward.parser.units import DEGREE_WORDS, MULTIPLIERS, PERCENT_WORDS, known, read_unit
from reward.parser.vocabulary import ATOM_COMMANDS, ATOM_OPENERS, CURRENCIES, NO_NOUNS, NO_UNITS, NUMBER_WORDS


class Products(Atoms):
    """Reads one side of a relation."""

    def sum(self) -> Node:
        terms: list[Node] = []
        while True:
            sign = self.take().text if self.at("+", "-", "pm", "mp") else "+"
            while self.at("+", "-") and sign in "+-":  # 3 - -2
                sign = "-" if (self.take().text == "-") != (sign == "-") else "+"
            term = self._ratio()
            if sign in ("pm", "mp"):
                term = Node("sign", (term,), "+-" if sign == "pm" else "-+")
            terms.append(Node("neg", (term,)) if sign == "-" else term)
            if not self.at("+", "-", "pm", "mp"):
                break
        total = terms[0] if len(terms) == 1 else Node("add", tuple(terms))
        return self._with_unit(total)

    def _ratio(self) -> Node:
        parts = [self._product()]
        while self.at(":") and self.peek(1) is not END:
            self.take()
            parts.append(self._product())
        return parts[0] if len(parts) == 1 else Node("ratio", tuple(parts))

    def _product(self) -> Node:
        product = self.factor()
        while True:
            if self.accept("*", "cdot", "times"):
                product = _times(product, self.factor())
            elif self.at("/", "div") and not self._is_unit(1):
                self.take()
                product = Node("div", (product, self.factor()))
            elif self.peek().kind == "number" and product.kind == "number":
                product = self._spaced_number(product)
            elif self.starts_factor():
                factor = self.factor()
                product = Node("add", (product, factor)) if _is_mixed(product, factor) else _times(product, factor)
            else:
                return product

    def _spaced_number(self, before: Node) -> Node:
        """1 000 is a thousand and 1 4/5 nine fifths; two other numbers side by side are no number."""
        token = self.take()
        if token.text.isdecimal() and len(token.text) == 3 and before.name.isdecimal() and not token.tight:
            return number(int(before.name + token.text))
        if self.at("/") and self.peek(1).kind == "number" and token.text.isdecimal() and self.peek(1).text.isdecimal():
            self.take()
            fraction = Node("div", (number(int(token.text)), number(int(self.take().text))))
            if _is_mixed(before, fraction):
                return Node("add", (before, fraction))
        raise NotUnderstood(f"two numbers side by side: {before.name} {token.text}")

    def factor(self) -> Node:
        """An atom with its exponents; a sign may come first, as in 3 · -2."""
        if self.accept("-"):
            return Node("neg", (self.factor(),))
        return self._powers(self.atom())

    def _powers(self, base: Node) -> Node:
        while True:
            if self.accept("!"):
                base = Node("factorial", (base,))
            elif self.accept("%"):
                base = Node("percent", (base,))
            elif self._takes_circle():
                base = self._degrees(base)
            elif self.at("_") and base.kind == "number":
                self.take()
                base = _in_base(base, self.raw_argument())
            elif self.at("_") and self.peek(2).kind in ("word", "name", "command"):  # |PC|_{\\text{max}}
                self.take()
                self.raw_argument()
            elif self.at("^"):
                self.take()
                base = self._degrees(base) if self._takes_circle() else self._power(base)
            else:
                return base

    def _power(self, base: Node) -> Node:
        self.enter()
        exponent = self.group_or_signed()
        self.leave()
        return Node("pow", (base, exponent))

    def _degrees(self, base: Node) -> Node:
        """An angle, or a temperature: 8^\\circ C."""
        if self.peek().kind == "name" and self.peek().text in ("C", "F"):
            return Node("quantity", (base,), "celsius" if self.take().text == "C" else "fahrenheit")
        if base.kind == "degree":  # forty circles make a number so small that it takes thousands of digits
            raise NotUnderstood("degrees of degrees")
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
            return (token.text in ATOM_OPENERS and not declares) or (token.text in ("|", "Vert") and not self.bars)
        return token.kind == "begin" or (token.kind == "command" and token.text in ATOM_COMMANDS)

    def _is_unit(self, ahead: int) -> bool:
        """Whether a unit or a noun begins here."""
        token = self.peek(ahead)
        if token.kind == "word":
            return token.text.lower() not in NO_NOUNS
        return token.kind == "name" and token.upright and known(token.text) is not None and token.text not in NO_UNITS

    def _with_unit(self, value: Node) -> Node:
        """`value` with the unit or noun that follows: percent, million, cm^2, km / h, dogs."""
        words: list[str] = []
        while self._is_unit(0) or self.at(*CURRENCIES) or (self.at("/") and self._is_unit(1)):
            word = self.take().text
            if word.lower() in NUMBER_WORDS:
                raise NotUnderstood(f"the number {word} after a value")
            if word.lower() in PERCENT_WORDS:
                value = Node("percent", (value,))
            elif word.lower() in DEGREE_WORDS:
                value = Node("degree", (value,))
            elif word.lower() in MULTIPLIERS:
                value = _times(value, number(MULTIPLIERS[word.lower()]))
            else:
                words += [word, *self._unit_exponent()]
        if words and value.symbols and read_unit(" ".join(words)) is None:
            raise NotUnderstood(f"a symbol and the words {' '.join(words)}")  # "a right prism" is no quantity
        return Node("quantity", (value,), " ".join(words)) if words else value

    def _unit_exponent(self) -> list[str]:
        if self.at("^") and any(self.peek(ahead).kind == "number" for ahead in (1, 2, 3)):
            self.take()
            return ["^", self.raw_argument()]
        return []


def _times(product: Node, factor: Node) -> Node:
    return Node("mul", (*product.args, factor) if product.kind == "mul" else (product, factor))


def _is_mixed(whole: Node, fraction: Node) -> bool:
    r"""1\frac{4}{5} is 1 + 4/5, but 3\frac{x}{2} and 20\frac{20}{3} are products."""
    if whole.kind != "number" or not whole.name.isdecimal() or fraction.kind != "div":
        return False
    top, bottom = fraction.args
    return all(node.kind == "number" and node.name.isdecimal() for node in (top, bottom)) and top.value < bottom.value


def _in_base(digits: Node, base: str) -> Node:
    if not digits.name.isdecimal() or not base.isdecimal() or not 2 <= int(base[:4]) <= 36:
        raise NotUnderstood(f"{digits.name} with the subscript {base}")
    if int(base) == 10:
        return digits
    return Node("based", (), f"{digits.name.lstrip('0')}_{int(base)}")
