"""How checks are run, and what becomes of their findings: order, exit codes, table, JSON."""

import io
import json

import pytest
from rich.console import Console

from recipes.checks import preflight
from recipes.common.errors import UserError
from recipes.doctor import __main__ as doctor
from recipes.doctor import examination, show
from recipes.doctor.check import Check, run
from recipes.doctor.finding import Finding, Status, failure, of_message, ok, warning, worst


def test_an_exception_in_a_check_is_a_failure_and_the_next_check_runs() -> None:
    def broken(subject: object) -> list[Finding]:
        raise ZeroDivisionError("by nought")

    found = run([Check("one", broken), Check("two", lambda subject: [ok("two", str(subject))])], 7)
    assert [(one.check, one.status) for one in found] == [("one", Status.FAILURE), ("two", Status.OK)]
    assert found[0].what == "ZeroDivisionError: by nought" and found[1].what == "7"


def test_an_interrupt_is_not_a_finding() -> None:
    def interrupted(subject: object) -> list[Finding]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([Check("one", interrupted)], None)


def test_what_builds_on_a_failure_is_not_checked_and_says_so() -> None:
    def refused(subject: object) -> list[Finding]:
        raise UserError("seed=x: no number. Write seed=1.")

    def unreachable(subject: object) -> list[Finding]:
        raise AssertionError

    found = run([Check("a", refused), Check("b", unreachable, ("a",)), Check("c", unreachable, ("b",))], None)
    assert [one.status for one in found] == [Status.FAILURE, Status.WARNING, Status.WARNING]
    assert (found[0].what, found[0].cure) == ("seed=x: no number.", "Write seed=1.")
    assert "a" in found[1].what and "b" in found[2].what


def test_a_message_without_a_cure_still_has_one() -> None:
    assert of_message("x", "everything is wrong").cure


def test_a_finding_that_is_not_well_needs_a_cure() -> None:
    with pytest.raises(ValueError, match="cure"):
        Finding("x", Status.WARNING, "odd")


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], Status.OK),
        ([ok("a", "")], Status.OK),
        ([warning("a", "x", "y"), ok("a", "")], Status.WARNING),
        ([ok("a", ""), failure("a", "x", "y"), warning("a", "x", "y")], Status.FAILURE),
    ],
)
def test_the_worst_counts(findings: list[Finding], expected: Status) -> None:
    assert worst(findings) is expected


def test_the_doctor_goes_through_every_step_of_the_training() -> None:
    names = [check.name for check in examination.DRIVER_CHECKS]
    assert names[-len(preflight.CHECKS) :] == [name for name, _ in preflight.CHECKS]
    assert {need for check in examination.DRIVER_CHECKS for need in check.needs} <= set(names)


def shown_as_text(findings: list[Finding]) -> str:
    file = io.StringIO()
    show.report(findings, Console(file=file))
    return file.getvalue()


def test_a_piped_report_truncates_no_cure() -> None:
    cure = "Write output_root=" + "/a/very/long/path" * 20 + "/end"
    text = shown_as_text([failure("disk", "full", cure, "gpu7"), ok("clock", "well")])
    assert cure in text and "failures: 1, warnings: 0, ok: 1" in text


def test_equal_good_news_of_many_nodes_takes_one_row_and_bad_news_one_each() -> None:
    good = [ok("clock", "well", f"gpu{index}") for index in range(3)]
    bad = [failure("disk", "full", "Clean up.", f"gpu{index}") for index in range(2)]
    assert [where for _, where in show.merged(good + bad)] == ["3 nodes", "gpu0", "gpu1"]


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
    finding = failure("model", "401 for hf_very_secret", "Set HF_TOKEN=hf_very_secret")
    assert "very_secret" not in shown_as_text([finding]) + json.dumps(finding.as_json())


@pytest.mark.parametrize(
    ("finding", "code"), [(ok("a", "b"), 0), (warning("a", "b", "c"), 0), (failure("a", "b", "c"), 1)]
)
def test_exit_codes_and_json(monkeypatch, capsys, finding: Finding, code: int) -> None:
    monkeypatch.setattr(examination, "of_driver", lambda config: [ok("first", "well")])
    monkeypatch.setattr(examination, "of_cluster", lambda config: [finding])
    assert doctor.main(["--json", "experiment=quickstart"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == finding.status.value
    assert [one["check"] for one in answer["findings"]] == ["first", "a"]
    assert answer["findings"][1]["cure"] == finding.cure


def test_bad_input_is_2_and_names_the_override(capsys) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        doctor.main(["experiment=no_such"])
    assert "no_such" in capsys.readouterr().err


def test_an_interrupt_is_130(monkeypatch) -> None:
    def interrupted(config: object) -> list[Finding]:
        raise KeyboardInterrupt

    monkeypatch.setattr(examination, "of_driver", interrupted)
    with pytest.raises(SystemExit, match=r"^130$"):
        doctor.main(["experiment=quickstart"])


@pytest.mark.parametrize(
    ("error", "address", "cure"),
    [
        (ConnectionError("nobody there"), "10.0.0.1:20000", "RAY_ADDRESS"),
        (ValueError("Malformed host: here"), "here", "RAY_ADDRESS"),
        (Exception("timed out"), "", "overloaded"),
        (UserError("/x: Not a directory. Set RLVR_RAY_TMP to a local folder"), "", "Set RLVR_RAY_TMP"),
    ],
)
def test_no_cluster_is_a_failure_not_a_crash(monkeypatch, config, error: Exception, address: str, cure: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)

    def nobody(config: object) -> None:
        raise error

    monkeypatch.setattr(examination.cluster, "connected", nobody)
    (found,) = examination.of_cluster(config)
    assert found.status is Status.FAILURE and str(error).partition(". ")[0] in found.what and cure in found.cure
