"""What counts as the same answer."""

import pytest

import reward.antlr
from reward import score, score_many


def boxed(answer: str) -> str:
    return rf"The answer is $\boxed{{{answer}}}$."


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        (r"28\%", r"28\%"),
        (r"28\%", "0.28"),
        (r"\frac12", "0.5"),
        ("0.5", r"\frac12"),
        (r"\dfrac{1}{2}", "$\\frac{1}{2}$"),
        ("1,000", "1000"),
        ("27", "27.0"),
        ("25", "025"),
        ("x = 7", "7"),
        ("(1, 2)", "(1,2)"),
        (r"\{2, 1\}", r"\{1, 2\}"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"\left(3,\frac{\pi}{2}\right)"),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
        (r"(x+1)^2", "x^2+2x+1"),
        (r"\text{Monday}", "Monday"),
        (r"\Gamma", r"\Gamma"),
        ("−3", "-3"),
        ("7.", "7"),
    ],
)
def test_equal_answers_score_one(answer: str, gold: str) -> None:
    verdict = score(boxed(answer), gold)
    assert (verdict.score, verdict.acc, verdict.pred, verdict.status) == (1.0, 1.0, answer, "ok")


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        (r"29\%", r"28\%"),
        ("1 2", "12"),
        ("-7", "7"),
        ("(2, 1)", "(1, 2)"),
        ("7, 8", "7"),
        ("0.3333", r"\frac13"),
        ("x^2+2x", "x^2+2x+1"),
        ("I think 7", "7"),
        (r"\text{Tuesday}", r"\text{Monday}"),
    ],
)
def test_different_answers_score_zero(answer: str, gold: str) -> None:
    verdict = score(boxed(answer), gold)
    assert (verdict.score, verdict.acc, verdict.pred, verdict.status) == (0.0, 0.0, answer, "wrong")


def test_a_number_inside_something_unreadable_is_not_picked_out() -> None:
    verdict = score(boxed(r"\frac{7}{1} @@ or so"), "7")
    assert (verdict.score, verdict.status) == (0.0, "unparsable")


def test_any_of_several_accepted_answers_is_right() -> None:
    golds = [r"\frac{1}{2}", "3", r"28\%"]
    verdicts = score_many([(boxed("0.5"), golds), (boxed("3"), golds), (boxed(r"28\%"), golds), (boxed("4"), golds)])
    assert [verdict.score for verdict in verdicts] == [1.0, 1.0, 1.0, 0.0]


def test_an_unreadable_gold_does_not_hide_a_readable_one() -> None:
    assert score(boxed("7"), ["@@", "7.0"]).status == "ok"
    assert score(boxed("8"), ["@@", "7.0"]).status == "wrong"
    assert score(boxed("8"), ["@@"]).status == "unparsable"


def test_a_scorer_that_cannot_read_percentages_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reward.antlr, "parse", lambda *_, **__: [])
    with pytest.raises(RuntimeError, match="Install the versions"):
        reward.antlr.cure_antlr()
