"""Checks as data, and how a list of them is run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from recipes.common.errors import UserError
from recipes.doctor.finding import Finding, Status, failure, of_message, warning, worst


@dataclass(frozen=True)
class Check:
    """One entry of a list of checks.

    Attributes:
        name: first column of the table.
        run: looks at the subject (a config, a cluster) and says what it found.
        needs: checks that must not have failed: what this one finds would only repeat them.
    """

    name: str
    run: Callable[[Any], list[Finding]]
    needs: tuple[str, ...] = ()


def run(checks: Sequence[Check], subject: Any, say: Callable[[str], None] = lambda name: None) -> list[Finding]:
    """Run all checks, in order; one that raises has failed, and the others still run.

    Args:
        checks: in an order that puts a check behind those it needs.
        subject: what they look at.
        say: told the name of each check that begins.
    """
    findings: list[Finding] = []
    failed: set[str] = set()
    for check in checks:
        say(check.name)
        missing = sorted(failed & set(check.needs))
        found = [_skipped(check, missing)] if missing else _run(check, subject)
        if missing or worst(found) is Status.FAILURE:
            failed.add(check.name)
        findings += found
    return findings


def _skipped(check: Check, missing: list[str]) -> Finding:
    return warning(check.name, f"not checked, since it builds on: {', '.join(missing)}", "Cure that first.")


def _run(check: Check, subject: Any) -> list[Finding]:
    try:
        return check.run(subject)
    except UserError as error:
        return [of_message(check.name, str(error))]
    except Exception as error:  # a check must not hide those that follow; its own failure is a finding
        return [failure(check.name, described(error), "The check itself broke: read the message as it stands.")]


def described(error: BaseException) -> str:
    """An exception in one line; of Ray's remote tracebacks the end, which says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    name = type(error).__name__
    return f"{name}: {lines[-1][:400]}" if lines else name
