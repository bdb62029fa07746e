"""How rows state their answers."""

import pytest

from recipes.prepare_data.golds import Missing, read_golds, whole_number
from recipes.prepare_data.settings import Gold


@pytest.mark.parametrize(
    ("written", "number"),
    [("025", "25"), ("27.0", "27"), (r"336^\circ", "336"), (r"336^{\circ}", "336"), ("$90°$", "90"), ("0", "0")],
)
def test_a_whole_number_has_one_form(written: str, number: str) -> None:
    assert whole_number(written) == number


@pytest.mark.parametrize("written", ["27.5", "1/2", "", "5 apples", "1e3"])
def test_what_is_no_whole_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        whole_number(written)


@pytest.mark.parametrize(
    ("gold", "value", "golds"),
    [
        (Gold("column", "a"), 27.0, ("27",)),
        (Gold("column", "a"), 0.5, ("0.5",)),
        (Gold("column", "a"), " x^2 \n", ("x^2",)),
        (Gold("column", "a", whole=True), "025", ("25",)),
        (Gold("every", "a"), ["0.01\n", "0.01", "0.02\n"], ("0.01", "0.02")),
        (Gold("only", "a"), ["$69$,$84$"], ("$69$,$84$",)),
        (Gold("after_marker", "a", marker="####"), "so #### 3\n#### 72", ("72",)),
        (Gold("last_box", "a"), r"first \boxed{1}, then \boxed{\frac{1}{2}}.", (r"\frac{1}{2}",)),
    ],
)
def test_every_reader(gold: Gold, value: object, golds: tuple[str, ...]) -> None:
    assert read_golds(value, gold) == golds


@pytest.mark.parametrize(
    ("gold", "value"),
    [
        (Gold("column", "a"), None),
        (Gold("column", "a"), "  "),
        (Gold("every", "a"), []),
        (Gold("after_marker", "a", marker="####"), "no marker, 72"),
        (Gold("last_box", "a"), "72, without a box"),
    ],
)
def test_a_row_without_an_answer_says_so(gold: Gold, value: object) -> None:
    """None must not become the text "None", which a model could then be paid for."""
    with pytest.raises(Missing):
        read_golds(value, gold)


@pytest.mark.parametrize(
    ("gold", "value", "words"),
    [
        (Gold("column", "a"), ["1"], "list"),
        (Gold("column", "a"), True, "bool"),
        (Gold("every", "a"), "1", "str"),
        (Gold("only", "a"), ["1", "2"], "2 answers"),
        (Gold("column", "a"), float("inf"), "holds inf"),
        (Gold("every", "a"), [1.0, float("nan")], "holds nan"),
    ],
)
def test_another_shape_is_refused(gold: Gold, value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_golds(value, gold)
