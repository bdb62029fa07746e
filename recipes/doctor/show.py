"""Findings for people: a table, and below it what to do."""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recipes.common.secrets import redacted_text
from recipes.doctor.finding import Finding, Status

_COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILURE: "red"}
_PIPED = 120  # columns, where there is no terminal to fit into


def merged(findings: Sequence[Finding]) -> list[tuple[Finding, str]]:
    """Findings and where they hold; one row for what is equally well on several nodes."""
    rows: dict[tuple[str, ...], list[Finding]] = {}
    for index, found in enumerate(findings):
        # What is not well keeps a row per node: it is the node that has to be looked at.
        key = (found.check, found.what) if found.status is Status.OK else (str(index),)
        rows.setdefault(key, []).append(found)
    return [(same[0], same[0].where if len(same) == 1 else f"{len(same)} nodes") for same in rows.values()]


def report(findings: Sequence[Finding], shown: Console) -> None:
    """Print the table, the cures and one line that counts."""
    if not shown.is_terminal:
        shown = Console(file=shown.file, width=_PIPED, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("where", overflow="fold")
    table.add_column("found", overflow="fold")
    for found, where in merged(findings):
        words = (escape(redacted_text(word)) for word in (found.check, where, found.what))
        colour = _COLOURS[found.status]
        table.add_row(f"[{colour}]{found.status.value}[/]", *words)
    shown.print(table, soft_wrap=False)
    for found in findings:
        if found.cure:
            line = redacted_text(f"{found.check} ({found.where}): {found.cure}")
            shown.print(f"[{_COLOURS[found.status]}]{found.status.value}[/] {escape(line)}", soft_wrap=True)
    counts = Counter(found.status for found in findings)
    failures, warnings = counts[Status.FAILURE], counts[Status.WARNING]
    shown.print(f"failures: {failures}, warnings: {warnings}, ok: {counts[Status.OK]}")
