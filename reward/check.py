"""Scoring a file of responses offline, and saying why each verdict is what it is."""

import gzip
import json
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reward.equivalence.compare import Comparison
from reward.extraction import extract_answer
from reward.options import RewardOptions
from reward.processes.pool import ScoringPool
from reward.scoring import Explanation, Scorer, accepted_answers
from reward.task import Task
from reward.verdict import STATUSES

# Names under which files hold them: ours and verl's dumped generations.
RESPONSE_KEYS = ("response", "output", "solution_str")
GOLD_KEYS = ("gold", "gts", "ground_truth")
TASK_KEYS = ("unit", "tolerance", "multiple")
SLOWEST = 5
SHOWN = 300  # characters of an answer in a table
WHY = {
    "timeout": "no verdict within {0.deadline} s",
    "crashed": "the comparison raised an error or ended its process, twice: the first of each kind is logged above",
}


class BadFile(ValueError):
    """The file can't be scored; the message names the line and the cure."""


@dataclass(frozen=True)
class Row:
    """One response of the file."""

    line: int
    response: str
    gold: Any
    task: Task
    recorded: float | None = None  # the accuracy that the file holds


@dataclass(frozen=True)
class Checked:
    """A scored row, with the seconds it took."""

    row: Row
    explanation: Explanation
    seconds: float


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSON-lines file, plain or compressed (.gz).

    A response stands under one of RESPONSE_KEYS, its gold or golds under one of GOLD_KEYS.
    "unit", "tolerance" and "multiple" may say more about the answer; "acc" is compared with the new verdict.

    Raises:
        BadFile: names the line and what it lacks.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            lines = file.read().decode().split("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: {error}. Give a UTF-8 file with one JSON object per line.") from error
    rows = [_read_row(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise BadFile(f"{path}: no rows. Give a file with one JSON object per line.")
    return rows


def _read_row(path: Path, number: int, line: str) -> Row:
    where = f"{path}, line {number}"
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{where}: no JSON ({error}). Give a file with one JSON object per line.") from error
    if not isinstance(found, dict):
        raise BadFile(f"{where}: {type(found).__name__} where a JSON object is expected.")
    response = _first(found, RESPONSE_KEYS, where)
    if not isinstance(response, str):
        raise BadFile(f"{where}: the response is no text but {type(response).__name__}.")
    gold = _first(found, GOLD_KEYS, where)
    try:
        accepted_answers(gold)
        task = Task(**{key: found[key] for key in TASK_KEYS if found.get(key) is not None})
    except (ValueError, TypeError) as error:
        raise BadFile(f"{where}: {error}") from error
    recorded = found.get("acc")
    return Row(number, response, gold, task, float(recorded) if isinstance(recorded, int | float) else None)


def _first(found: dict[str, Any], keys: tuple[str, ...], where: str) -> Any:
    for key in keys:
        if found.get(key) is not None:
            return found[key]
    raise BadFile(f"{where}: none of the keys {', '.join(keys)}; it has {', '.join(found) or 'none'}.")


def check_rows(rows: list[Row], options: RewardOptions, progress: Callable[[], None] = lambda: None) -> list[Checked]:
    """Score all rows; no more of them at a time than there are processes, so that the seconds are their own."""
    pool = ScoringPool(options.pool_settings)
    scorer = Scorer(pool, require_box=options.require_box, thinking_open=options.thinking_open)
    try:
        pool.submit(len, "").result()  # starting the processes is not the first row's time
        checked = []
        for done in _in_flight(rows, scorer, options.workers):
            checked.append(done)
            progress()
        return checked
    finally:
        pool.close()


def _in_flight(rows: list[Row], scorer: Scorer, width: int) -> Iterator[Checked]:
    waiting: deque[tuple[Row, float, Any, list[float]]] = deque()
    for row in rows:
        if len(waiting) == width:
            yield _finish(*waiting.popleft())
        ended: list[float] = []
        started = time.perf_counter()
        future = scorer.submit(row.response, row.gold, row.task)
        future.add_done_callback(partial(_stamp, ended))
        waiting.append((row, started, future, ended))
    while waiting:
        yield _finish(*waiting.popleft())


def _stamp(ended: list[float], _: Any) -> None:
    ended.append(time.perf_counter())


def _finish(row: Row, started: float, future: Any, ended: list[float]) -> Checked:
    explanation = future.result()
    return Checked(row, explanation, (ended[0] if ended else time.perf_counter()) - started)


def status_table(checked: list[Checked]) -> Table:
    """How many rows have which status."""
    counts = Counter(one.explanation.verdict.status for one in checked)
    table = Table(title=f"{len(checked):,} responses")
    for name in ("status", "responses", "share"):
        table.add_column(name, justify="left" if name == "status" else "right")
    for status in STATUSES:
        table.add_row(status, f"{counts[status]:,}", f"{counts[status] / len(checked):.1%}")
    return table


def slowest_table(checked: list[Checked]) -> Table:
    """The rows that took longest."""
    table = Table(title="slowest")
    for name in ("line", "seconds", "status", "tier", "answer", "gold"):
        table.add_column(name, justify="right" if name in ("line", "seconds") else "left", overflow="fold")
    for one in sorted(checked, key=lambda one: -one.seconds)[:SLOWEST]:
        found = one.explanation
        tier = found.comparison.tier if found.comparison else ""
        answer, gold = _shown(found.verdict.pred), _shown(found.gold)
        table.add_row(str(one.row.line), f"{one.seconds:.3f}", found.verdict.status, tier, Text(answer), Text(gold))
    return table


def changed(checked: list[Checked]) -> list[Checked]:
    """The rows whose recorded accuracy is not the new one."""
    return [one for one in checked if one.row.recorded is not None and one.row.recorded != one.explanation.verdict.acc]


def explain(chosen: list[Checked], options: RewardOptions) -> Iterator[RenderableType]:
    """Per row: status, extracted answer, the gold it was held against, the tier that decided, both normal forms."""
    pool = ScoringPool(options.pool_settings)
    try:
        for one in chosen:
            yield _explained(one, _with_forms(one, pool), options)
    finally:
        pool.close()


def _with_forms(one: Checked, pool: ScoringPool) -> Comparison | None:
    from reward.equivalence.compare import compare

    found = one.explanation
    if found.comparison is None:
        return None
    _, full = pool.submit(compare, found.verdict.pred, found.gold, one.row.task).result()
    return full or found.comparison


def _explained(one: Checked, comparison: Comparison | None, options: RewardOptions) -> RenderableType:
    verdict = one.explanation.verdict
    facts: dict[str, str] = {"status": verdict.status}
    if verdict.pred:
        facts["answer"] = verdict.pred
    else:
        found = extract_answer(one.row.response, options.require_box, options.thinking_open)
        facts["extraction"] = f"{found.status}; the response ends with {one.row.response[-120:]!r}"
    facts["gold"] = one.explanation.gold or " | ".join(accepted_answers(one.row.gold))
    if comparison is not None:
        facts |= {"tier": comparison.tier, "answer means": comparison.answer_form, "gold means": comparison.gold_form}
        if comparison.outcome == "wrong" and comparison.answer_form == comparison.gold_form:
            facts["note"] = "they differ in what normal forms leave out: units, or names of variables"
    if verdict.status in WHY:
        facts["why"] = WHY[verdict.status].format(options)
    if one.row.task != Task():
        facts["the data set says"] = ", ".join(f"{key}={value}" for key, value in asdict(one.row.task).items() if value)
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        grid.add_row(Text(name, style="bold"), Text(_shown(value)))
    return Group(Text(f"line {one.row.line}", style="bold underline"), grid, Text(""))


def _shown(text: str) -> str:
    """Readable in a terminal: no control characters, not too long."""
    plain = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:SHOWN])
    return plain + (f" … ({len(text):,} characters)" if len(text) > SHOWN else "")


def as_json(one: Checked) -> str:
    """One line for `--output`."""
    comparison = one.explanation.comparison
    found = {"line": one.row.line, **asdict(one.explanation.verdict), "gold": one.explanation.gold}
    return json.dumps({**found, "tier": comparison.tier if comparison else None, "seconds": round(one.seconds, 4)})
