"""What holds for every answer, on answers that hypothesis builds from a grammar (support/reward_answers.py).

The comparison is exact for numbers, formulas, tuples, sets, intervals and matrices, and there it is an equivalence. By
design it is not symmetric, or not transitive, where a rounded gold, a percent sign, a unit or an equation leaves
something open: see that section.
"""

from fractions import Fraction
from typing import Any

import reward_answers as answers
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reward_checks import MOST_SECONDS, problems, timed

from reward.equivalence.tiers import compare_cheaply
from reward.extraction import extract_answer

SUPPRESSED = (HealthCheck.too_slow, HealthCheck.filter_too_much)


def cases(count: int) -> Any:
    """So many examples, the same ones each time."""
    return settings(
        derandomize=True, max_examples=count, deadline=None, database=None, suppress_health_check=SUPPRESSED
    )


def outcome(answer: str, gold: str) -> str:
    found = compare_cheaply(answer, gold)
    return found.outcome if found else "left to math-verify"


def both_ways(one: str, other: str) -> set[str]:
    return {outcome(one, other), outcome(other, one)}


# Equal


@cases(150)
@given(st.data())
def test_all_spellings_of_one_value_are_equal(data: Any) -> None:
    """Whichever of them is the gold; so equality is transitive over them."""
    value = data.draw(answers.values)
    one, other = data.draw(answers.spelled(value)), data.draw(answers.spelled(value))
    assert both_ways(one, other) == {"ok"}


@cases(150)
@given(st.data())
def test_typesetting_does_not_count(data: Any) -> None:
    r"""Spaces, \left, \dfrac, \,, ~, dollar signs, a full stop, \times for \cdot: of numbers and of structures."""
    _, texts = data.draw(answers.several())
    shapes = (
        "{0}",
        "({1})",
        r"\{{{1}\}}",
        "[{0}, {2})",
        r"({0}, {2}] \cup [{0}, \infty)",
        "x = {0}",
        "{1}",
        r"{0} \pm {2}",
    )
    text = data.draw(st.sampled_from(shapes)).format(texts[0], ", ".join(texts), texts[1])
    assert both_ways(data.draw(answers.respelled(text)), text) == {"ok"}


@cases(40)
@given(st.data())
def test_names_of_a_value_do_not_count(data: Any) -> None:
    value = data.draw(answers.values)
    one, other = data.draw(answers.spelled(value)), data.draw(answers.spelled(value))
    name = data.draw(st.sampled_from(("x", "n", "AB", r"\theta", "f(2)", "P(X = 3)", "a_1", "S_{ABC}")))
    assert both_ways(f"{name} = {one}", other) == {"ok"}
    assert both_ways(f"{name}={one}", f"{name} = {other}") == {"ok"}


@cases(40)
@given(st.sampled_from(answers.WORDS), st.data())
def test_words_are_the_same_in_any_case_and_font(word: str, data: Any) -> None:
    forms = (
        word,
        word.lower(),
        word.upper(),
        rf"\text{{{word}}}",
        rf"\textbf{{{word}}}.",
        rf"\mathrm{{{word}}}",
        f"{word}.",
    )
    one, other = data.draw(st.sampled_from(forms)), data.draw(st.sampled_from(forms))
    assert both_ways(one, other) == {"ok"}
    different = data.draw(st.sampled_from([other for other in answers.WORDS if other != word]))
    assert both_ways(one, different) == {"wrong"}


@cases(60)
@given(answers.several(), st.randoms(use_true_random=False))
def test_a_set_is_the_same_in_any_order_and_with_repetitions(chosen: Any, rng: Any) -> None:
    _, texts = chosen
    shuffled = rng.sample(texts, len(texts))
    as_set = rf"\{{{', '.join(texts)}\}}"
    assert both_ways(rf"\{{{', '.join(shuffled)}\}}", as_set) == {"ok"}
    assert both_ways(rf"\{{{', '.join([*shuffled, texts[0]])}\}}", as_set) == {"ok"}


@cases(40)
@given(answers.ordered(4), st.sampled_from(("()", "(]", "[)", "[]")), st.sampled_from(("()", "(]", "[)", "[]")))
def test_a_union_is_the_same_in_any_order_and_as_a_condition(ends: list[Fraction], first: str, second: str) -> None:
    a, b, c, d = (rf"\frac{{{end.numerator}}}{{{end.denominator}}}" for end in ends)
    low, high = f"{first[0]}{a}, {b}{first[1]}", f"{second[0]}{c}, {d}{second[1]}"
    signs = {"(": "<", ")": "<", "[": r"\le", "]": r"\le"}
    condition = (
        rf"{a} {signs[first[0]]} x {signs[first[1]]} {b} \text{{ or }} {c} {signs[second[0]]} x {signs[second[1]]} {d}"
    )
    assert both_ways(rf"{low} \cup {high}", rf"{high} \cup {low}") == {"ok"}
    assert both_ways(rf"{low} \cup {high}", condition) == {"ok"}
    turned = {"(": "[", ")": "]", "[": "(", "]": ")"}
    assert both_ways(rf"{low} \cup {high[:-1]}{turned[high[-1]]}", condition) == {"wrong"}
    assert both_ways(rf"{turned[low[0]]}{low[1:]} \cup {high}", rf"{high} \cup {low}") == {"wrong"}


@cases(40)
@given(st.integers(-30, 30), st.integers(-30, 30), st.integers(1, 9))
def test_a_polynomial_is_the_same_as_a_product_and_as_a_sum(a: int, b: int, scale: int) -> None:
    factored = f"{scale}(x + {a})(x + {b})"
    expanded = f"{scale}x^2 + {scale * (a + b)}x + {scale * a * b}"
    assert both_ways(factored, expanded) == {"ok"}
    assert both_ways(factored, f"{expanded} + 1") == {"wrong"}
    assert both_ways(f"{factored} = 0", f"{expanded} = 0") == {"ok"}


@cases(20)
@given(st.integers(1, 30), st.integers(1, 9))
def test_formulas_that_agree_on_half_of_the_line_are_different(a: int, scale: int) -> None:
    assert both_ways(f"{scale}|x - {a}|", f"{scale}({a} - x)") == {"wrong"}
    assert both_ways(f"{scale}|x - {a}|", f"{scale}(x - {a})") == {"wrong"}
    assert both_ways(f"{scale}|x - {a}|", f"|{scale * a} - {scale}x|") == {"ok"}
    assert both_ways(rf"\sqrt{{(x - {a})^2}}", f"{a} - x") == {"wrong"}


@cases(40)
@given(st.tuples(*[st.integers(1, 50)] * 3), st.integers(2, 9))
def test_an_equation_is_the_same_times_a_constant(coefficients: tuple[int, int, int], factor: int) -> None:
    a, b, c = coefficients
    for x, y in (("x", "y"), ("x^2", "y^2")):
        equation = f"{a}{x} + {b}{y} = {c}"
        assert both_ways(f"{factor * a}{x} + {factor * b}{y} - {factor * c} = 0", equation) == {"ok"}
        assert both_ways(f"{a}{x} + {b}{y} = {c + 1}", equation) == {"wrong"}
        assert both_ways(f"{a}{x} - {b}{y} = {c}", equation) == {"wrong"}


# Different


@cases(300)
@given(st.data())
def test_different_values_are_never_equal(data: Any) -> None:
    value = data.draw(answers.values)
    near = (value[0] + data.draw(st.sampled_from((1, -1, Fraction(1, 10**6)))), value[1])
    other = data.draw(st.one_of(answers.values, st.just(near), st.just((-value[0], value[1]))))
    assume(other != value and (other[0] or value[0]))
    other = other if other[0] else (other[0], "")
    one, text = data.draw(answers.spelled(value, decimals=False)), data.draw(answers.spelled(other, decimals=False))
    assert both_ways(one, text) == {"wrong"}


@cases(80)
@given(answers.several(), st.data())
def test_a_tuple_with_one_other_entry_or_order_is_another_one(chosen: Any, data: Any) -> None:
    values, texts = chosen
    place = data.draw(st.integers(0, len(values) - 1))
    changed = (values[place][0] + 1, values[place][1])
    changed = changed if changed[0] else (changed[0], "")
    other = [*texts[:place], data.draw(answers.spelled(changed, decimals=False)), *texts[place + 1 :]]
    point = f"({', '.join(texts)})"
    assert both_ways(f"({', '.join(other)})", point) == {"wrong"}
    assert both_ways(f"({', '.join([*texts[1:], texts[0]])})", point) == {"wrong"}
    assert both_ways(f"({', '.join([*texts, texts[0]])})", point) == {"wrong"}
    assert both_ways(texts[0], point) == {"wrong"}


@cases(60)
@given(answers.several(least=3))
def test_a_set_or_list_with_an_element_more_is_another_one(chosen: Any) -> None:
    _, texts = chosen
    for shape in (r"\{{{}\}}", "{}", r"x = {}"):
        assert both_ways(shape.format(", ".join(texts[1:])), shape.format(", ".join(texts))) == {"wrong"}
    assert both_ways(", ".join([*texts, texts[0]]), ", ".join([texts[1], *texts])) == {"wrong"}  # a double root


@cases(60)
@given(answers.ordered(2), st.sampled_from(("()", "(]", "[)", "[]")), st.sampled_from(("()", "(]", "[)", "[]")))
def test_an_open_end_is_no_closed_one(ends: list[Fraction], one: str, other: str) -> None:
    low, high = (f"{end.numerator}/{end.denominator}" for end in ends)
    expected = {"ok"} if one == other else {"wrong"}
    assert both_ways(f"{one[0]}{low}, {high}{one[1]}", f"{other[0]}{low}, {high}{other[1]}") == expected


@cases(60)
@given(answers.several(least=4, most=4), st.integers(0, 3), st.sampled_from(("pmatrix", "bmatrix")))
def test_a_matrix_with_one_other_entry_is_another_one(chosen: Any, place: int, environment: str) -> None:
    _, texts = chosen

    def matrix(a: str, b: str, c: str, d: str, name: str = "pmatrix") -> str:
        return rf"\begin{{{name}}} {a} & {b} \\ {c} & {d} \end{{{name}}}"

    other = [*texts[:place], f"{texts[place]} + 1", *texts[place + 1 :]]
    assert both_ways(matrix(*texts, name=environment), matrix(*texts)) == {"ok"}
    assert both_ways(matrix(*other, name=environment), matrix(*texts)) == {"wrong"}
    assert both_ways(matrix(texts[0], texts[2], texts[1], texts[3]), matrix(*texts)) == {"wrong"}


# Where it is not symmetric, or not transitive, by design


@cases(80)
@given(st.builds(Fraction, st.integers(1, 10**4), st.sampled_from((3, 7, 9, 11, 13, 17, 19))), st.integers(3, 5))
def test_only_a_gold_may_be_rounded_to_few_digits(value: Fraction, digits: int) -> None:
    """A gold of three significant digits is a measurement, an answer of less than six is an approximation."""
    assume(not answers.is_terminating(value))
    rounded = f"{float(value):.{digits}g}"
    assume("." in rounded and "e" not in rounded and len(rounded.replace(".", "").lstrip("0")) == digits)
    exact = f"{value.numerator}/{value.denominator}"
    unit = Fraction(1, 10 ** len(rounded.partition(".")[2]))
    assert outcome(exact, rounded) == "ok"
    assert outcome(f"{exact} + {unit}", rounded) == "wrong"
    assert outcome(rounded, exact) == "wrong"


@cases(60)
@given(st.builds(Fraction, st.integers(1, 10**4), st.sampled_from((3, 7, 9, 11, 13))), st.integers(6, 9))
def test_an_answer_of_six_digits_is_right_if_the_gold_rounds_to_it(value: Fraction, digits: int) -> None:
    assume(not answers.is_terminating(value))
    rounded = f"{float(value):.{digits}g}"
    assume("." in rounded and "e" not in rounded and len(rounded.replace(".", "").lstrip("0")) == digits)
    assert outcome(rounded, f"{value.numerator}/{value.denominator}") == "ok"
    off = f"{rounded[:-1]}{(int(rounded[-1]) + 2) % 10}"
    assert outcome(off, f"{value.numerator}/{value.denominator}") == "wrong"


@cases(40)
@given(st.integers(2, 999))
def test_a_percent_sign_says_a_hundredth_or_nothing(number: int) -> None:
    """So 28 and 0.28 both equal 28%, and not each other."""
    fraction = f"{number}/100"
    assert both_ways(rf"{number}\%", fraction) == {"ok"}
    assert both_ways(rf"{number}\%", f"{number}") == {"ok"}
    assert both_ways(f"{number}", fraction) == {"wrong"}
    assert both_ways(rf"{number + 1}\%", rf"{number}\%") == {"wrong"}


@cases(40)
@given(st.integers(1, 999), st.sampled_from((("cm", "m", 100), ("minutes", "hours", 60), ("g", "kg", 1000))))
def test_a_unit_counts_if_both_sides_state_one(number: int, units: tuple[str, str, int]) -> None:
    small, large, ratio = units
    assert both_ways(rf"{number} \text{{ {small}}}", f"{number}{small}") == {"ok"}
    assert both_ways(rf"{number} \text{{ {small}}}", f"{number}") == {"ok"}
    assert both_ways(f"{number * ratio} {small}", rf"{number}\ \mathrm{{{large}}}") == {"ok"}
    for other in (large, f"{small}^2", "newtons"):
        assert both_ways(f"{number} {small}", f"{number} {other}") == {"wrong"}


@cases(30)
@given(st.integers(-50, 50), st.integers(-50, 50))
def test_an_equation_states_its_value_but_a_value_is_no_equation(a: int, b: int) -> None:
    assert outcome(f"{a} + {b} = {a + b}", f"{a + b}") == "ok"
    assert outcome(f"{a} + {b} = {a + b + 1}", f"{a + b + 1}") == "wrong"
    assert outcome(f"a + b = {a}", f"{a}") == "ok"
    assert outcome(f"{a}", f"a + b = {a}") != "ok"


# Any text


@cases(300)
@given(st.one_of(answers.latex_like, st.text(max_size=60)), st.one_of(answers.latex_like, st.text(max_size=60)))
def test_any_text_is_compared_without_an_error_and_in_time(answer: str, gold: str) -> None:
    assert problems(answer, gold) == []


@cases(30)
@given(st.sampled_from(answers.TOKENS), answers.latex_like, st.integers(1, 3000))
def test_repetition_costs_no_more_time(token: str, gold: str, times: int) -> None:
    for answer in (token * times, (token + "1") * times, "1" + token * times):
        _, seconds = timed(compare_cheaply, answer, gold)
        assert seconds < MOST_SECONDS


# Extraction

prose = st.text(st.characters(exclude_characters="\\{}<", exclude_categories=("Cs",)), max_size=40)
balanced = st.recursive(
    st.sampled_from(("7", " ", "x", r"\{", r"\}", r"\frac", r"\\", "$", ", ", "é", "\n")),
    lambda inner: st.one_of(st.lists(inner, max_size=4).map("".join), inner.map(lambda text: "{" + text + "}")),
    max_leaves=12,
)


@cases(150)
@given(prose, st.lists(balanced, max_size=3), balanced, prose)
def test_the_last_box_wins_and_braces_balance(before: str, earlier: list[str], answer: str, after: str) -> None:
    response = before + "".join(rf"so \boxed{{{text}}}, " for text in earlier) + rf"\boxed{{{answer}}}" + after
    found = extract_answer(response)
    assert (found.status, found.answer) == (("found", answer.strip()) if answer.strip() else ("no_answer", ""))


@cases(60)
@given(prose, balanced, balanced, prose)
def test_of_nested_boxes_the_outermost_is_the_answer(before: str, answer: str, inner: str, after: str) -> None:
    outer = rf"{answer} = \boxed{{{inner}}} = \fbox{{7}}"
    assert extract_answer(rf"{before}\boxed{{{outer}}}{after}").answer == outer.strip()


@cases(80)
@given(prose, balanced, balanced, prose)
def test_thinking_is_never_an_answer(before: str, thought: str, answer: str, after: str) -> None:
    thinking = rf"{before}\boxed{{{thought}}}{after}"
    assume(answer.strip())
    assert extract_answer(rf"<think>{thinking}</think>{before}\boxed{{{answer}}}").answer == answer.strip()
    assert extract_answer(f"<think>{thinking}</think>{after}").status == "no_answer"
    assert extract_answer(f"<think>{thinking}").status == "truncated"
    assert extract_answer(thinking, thinking_open=True).status == "truncated"


@cases(80)
@given(prose, balanced, st.integers(0, 200))
def test_a_box_that_is_cut_off_is_no_answer(before: str, answer: str, cut: int) -> None:
    response = rf"{before}\boxed{{7}} \boxed{{{answer}}}"
    shorter = response[: len(response) - 1 - cut % (len(answer) + 1)]
    assert extract_answer(shorter).status == "truncated"
