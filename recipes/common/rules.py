"""What one key of a config may be, and what to write instead: the words in which every command refuses a value."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from recipes.common import folder_names
from recipes.common.errors import UserError
from recipes.common.numbers import is_integer, is_number


@dataclass(frozen=True)
class Rule:
    """What one key may be.

    Attributes:
        key: dotted.
        holds: whether a value is accepted.
        says: the rule in words, after "must be".
        instead: a value that works.
    """

    key: str
    holds: Callable[[Any], bool]
    says: str
    instead: Any

    def check(self, config: DictConfig) -> None:
        """Raise UserError if the config breaks this rule."""
        value = OmegaConf.select(config, self.key)
        self.check_value(OmegaConf.to_container(value) if OmegaConf.is_config(value) else value)

    def check_value(self, value: Any) -> None:
        """Raise UserError if the key may not be `value`."""
        if not self.holds(value):
            shown = "null" if value is None else repr(value)
            raise UserError(f"{self.key}={shown}: must be {self.says}. Write {self.key}={self.instead}.")


def is_text(value: Any) -> bool:
    """Text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def whole(key: str, least: int, instead: int, most: float = math.inf) -> Rule:
    """An integer from `least` on."""
    says = f"an integer >= {least}" + (f" and <= {most}" if most < math.inf else "")
    return Rule(key, lambda value: is_integer(value) and least <= value <= most, says, instead)


def real(key: str, within: str, instead: float) -> Rule:
    """A number in an interval, written as in mathematics: `(0, 1]`, `[0, inf)`."""
    low, high = (float(bound) for bound in within[1:-1].split(","))

    def holds(value: Any) -> bool:
        above = value >= low if within[0] == "[" else value > low
        return bool(above and (value <= high if within[-1] == "]" else value < high))

    return Rule(key, lambda value: is_number(value) and holds(value), f"a number in {within}", instead)


def one_of(key: str, options: Iterable[str], instead: str) -> Rule:
    """One of several words."""
    allowed = tuple(options)
    return Rule(key, lambda value: value in allowed, f"one of {', '.join(allowed)}", instead)


def flag(key: str, instead: str) -> Rule:
    """True or false."""
    return Rule(key, lambda value: isinstance(value, bool), "true or false", instead)


def or_null(rule: Rule) -> Rule:
    """The same, and null."""
    return Rule(rule.key, lambda value: value is None or rule.holds(value), f"null or {rule.says}", rule.instead)


def each(rule: Rule, instead: str) -> Rule:
    """One value for which the rule holds, or a list of them, none twice."""

    def holds(value: Any) -> bool:
        values = value if isinstance(value, list) else [value]
        return bool(values) and all(map(rule.holds, values)) and len(set(values)) == len(values)

    return Rule(rule.key, holds, f"a list, each of it once and {rule.says}", instead)


def name(key: str, instead: str) -> Rule:
    """The name of a folder inside output_root."""
    return Rule(key, folder_names.is_name, f"the name of a folder inside output_root: {folder_names.SAYS}", instead)
