"""Only the last box after the thinking is an answer; everything else earns nothing."""

import pytest

from reward import score


@pytest.mark.parametrize(
    "response",
    [
        r"<think>So it is \boxed{8}.</think> The answer is 8.",
        r"So it is \boxed{8}.</think> The answer is 8.",  # chat templates that put <think> into the prompt
        r"<think>\boxed{7}</think> Done. </think> The answer is 8.",
    ],
)
def test_a_box_inside_the_thinking_earns_nothing(response: str) -> None:
    verdict = score(response, "8")
    assert (verdict.score, verdict.acc, verdict.pred, verdict.status) == (0.0, 0.0, "", "no_answer")


@pytest.mark.parametrize(
    "response",
    [
        r"<think>So it is \boxed{8}, but let me check",
        r"<think>a</think> wait <think>it is \boxed{8}",
        r"The answer is \boxed{8",
        r"First \boxed{8}, then finally \boxed{\frac{8}{1}",
        r"First \boxed{8}, then finally \boxed{",
        r"First \boxed{8}, then finally \boxed",
        "\\boxed{" * 20_000,
    ],
)
def test_a_response_that_was_cut_off_earns_nothing(response: str) -> None:
    verdict = score(response, "8")
    assert (verdict.score, verdict.pred, verdict.status) == (0.0, "", "truncated")


@pytest.mark.parametrize("response", ["", "The answer is 8.", "$8$", r"Put it into \boxed please: 8", r"8 \boxed{ }"])
def test_prose_without_a_box_is_no_answer(response: str) -> None:
    verdict = score(response, "8")
    assert (verdict.score, verdict.status) == (0.0, "no_answer")


def test_of_two_boxes_the_last_one_counts() -> None:
    response = r"So \boxed{7}. Wait, no. So \boxed{8}"
    assert score(response, "8").status == "ok"
    assert score(response, "7").status == "wrong"
    assert score(response, "7, 8").status == "wrong"


@pytest.mark.parametrize(
    ("response", "pred"),
    [
        (r"<think>\boxed{7}</think> So $\boxed{8}$.", "8"),
        (r"\fbox{8}", "8"),
        (r"\boxed {8}", "8"),
        (r"\boxed 8.", "8"),
        (r"\boxed{ \dfrac{16}{2} }", r"\dfrac{16}{2}"),
        ("\\boxed{\n8\n}", "8"),
        (r"It is \boxed{8}, as the \boxed command shows.", "8"),
    ],
)
def test_the_common_ways_to_write_a_box_are_read(response: str, pred: str) -> None:
    verdict = score(response, "8")
    assert (verdict.status, verdict.pred) == ("ok", pred)


def test_escaped_braces_are_text() -> None:
    verdict = score(r"\boxed{\{1, 2\}} is the set } of both", r"\{2, 1\}")
    assert (verdict.status, verdict.pred) == ("ok", r"\{1, 2\}")
