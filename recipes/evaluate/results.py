"""From verdict rows to results: one record per benchmark, one for their unweighted mean, and a table to read."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from recipes.evaluate.row_file import Key
from recipes.runs import statistics as st
from recipes.runs.statistics import AVERAGE, percent
from reward.verdict import STATUSES


@dataclass
class Sheet:
    """The verdicts on one benchmark.

    Attributes:
        problems: ids, in the order of the file.
        correct: (P, n), NaN for a missing sample.
        answers: extracted answers, P × n.
        statuses: how often each verdict's status.
        tokens: lengths of the responses.
        truncated: number of responses that ended at the length limit.
    """

    problems: list[str]
    correct: st.Array
    answers: list[list[str]]
    statuses: Counter[str] = field(default_factory=Counter)
    tokens: list[int] = field(default_factory=list)
    truncated: int = 0

    @property
    def shares(self) -> st.Array:
        """Share of right samples per problem that has any."""
        p = st.shares(self.correct)
        return p[~np.isnan(p)]


def sheets(wanted: Iterable[Key], rows: Iterable[dict[str, Any]]) -> dict[str, Sheet]:
    """Verdict rows as one sheet per benchmark; rows that are not wanted (more samples, other problems) are left out.

    Args:
        wanted: keys of all samples the evaluation consists of.
        rows: verdicts, see recipes.evaluate.
    """
    places: dict[str, dict[str, dict[int, None]]] = {}
    for benchmark, problem, sample in wanted:
        places.setdefault(benchmark, {}).setdefault(problem, {})[sample] = None
    found = {}
    for benchmark, problems in places.items():
        samples = max(len(each) for each in problems.values())
        found[benchmark] = Sheet(
            list(problems), np.full((len(problems), samples), np.nan), [[""] * samples for _ in problems]
        )
    index = {name: {problem: place for place, problem in enumerate(sheet.problems)} for name, sheet in found.items()}
    for row in rows:
        sheet, place = found.get(row["benchmark"]), index.get(row["benchmark"], {}).get(row["problem"])
        if sheet is None or place is None or row["sample"] >= sheet.correct.shape[1]:
            continue
        sheet.correct[place, row["sample"]] = row["acc"]
        sheet.answers[place][row["sample"]] = row["pred"]
        sheet.statuses[row["status"]] += 1
        sheet.truncated += bool(row.get("truncated"))
        if row.get("tokens") is not None:
            sheet.tokens.append(row["tokens"])
    return found


def record_of(sheet: Sheet, pass_at: Iterable[int]) -> dict[str, Any]:
    """Everything about one benchmark; accuracies are shares in 0…1, None stands for what can't be known.

    `missing` samples are counted and left out. Pass@k is there for the k that every problem has samples for.
    """
    scored = int((~np.isnan(sheet.correct)).sum())
    problems, samples = sheet.correct.shape
    least = int((~np.isnan(sheet.correct)).sum(-1).min())
    complete = scored == problems * samples
    record: dict[str, Any] = {
        "problems": problems,
        "samples": samples,
        "missing": problems * samples - scored,
        "avg": float(sheet.shares.mean()) if len(sheet.shares) else None,
        "pass": {str(k): st.mean_pass_at_k(sheet.correct, k) for k in pass_at if k <= least},
        "verl_best": st.verl_best_at_n(sheet.correct) if complete else None,
        "majority": st.majority_at_n(sheet.answers, sheet.correct) if complete else None,
        "per_problem": {
            name: None if math.isnan(share) else float(share)
            for name, share in zip(sheet.problems, st.shares(sheet.correct), strict=True)
        },
    }
    if len(sheet.shares) == problems:
        errors = st.standard_errors(sheet.correct)
        record["standard_error"] = {name: _known(value) for name, value in vars(errors).items()}
        record["interval"] = list(st.interval([sheet.shares]))
    record["statuses"] = {status: sheet.statuses[status] / scored if scored else None for status in STATUSES}
    record["truncated"] = sheet.truncated / scored if scored else None
    record["tokens"] = _lengths(sheet.tokens)
    return record


def average_of(sheets: dict[str, Sheet], records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The unweighted mean over benchmarks, the papers' "Avg."; None where one of them lacks the number."""
    average: dict[str, Any] = {"missing": sum(record["missing"] for record in records.values())}
    for name in ("avg", "verl_best", "majority", "truncated"):
        values = [record[name] for record in records.values()]
        average[name] = None if None in values else float(np.mean(values))
    common = set.intersection(*(set(record["pass"]) for record in records.values()))
    average["pass"] = {
        k: float(np.mean([record["pass"][k] for record in records.values()])) for k in sorted(common, key=int)
    }
    if all(record.get("standard_error") for record in records.values()):
        average["standard_error"] = {
            name: _combined([record["standard_error"][name] for record in records.values()])
            for name in ("sampling", "problems", "total")
        }
        average["interval"] = list(st.interval([sheet.shares for sheet in sheets.values()]))
    return average


def all_records(sheets: dict[str, Sheet], pass_at: Iterable[int]) -> dict[str, dict[str, Any]]:
    """Records by benchmark, and under `average` their mean."""
    ks = list(pass_at)
    records = {name: record_of(sheet, ks) for name, sheet in sheets.items()}
    return {**records, AVERAGE: average_of(sheets, records)}


def table(records: dict[str, dict[str, Any]], title: str, samples: int) -> Table:
    """The main numbers, in percent; ± are the standard errors from sampling and from the choice of problems."""
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0))
    largest = str(max((int(k) for record in records.values() for k in record["pass"]), default=samples))
    names = ["benchmark", f"Avg@{samples}", "95 %", "±", f"Pass@{largest}", f"best@{samples}*", "maj", "trunc"]
    for place, name in enumerate([*names, "miss"] if records[AVERAGE]["missing"] else names):
        shown.add_column(name, justify="right" if place else "left", no_wrap=True)
    for name, record in records.items():
        if name == AVERAGE:
            shown.add_section()
        shown.add_row(*_cells(name, record, largest)[: len(shown.columns)])
    shown.caption, shown.caption_justify = (
        "in percent; ±: from sampling, from the problems; * verl's best@n/mean, the papers' Pass@32",
        "left",
    )
    return shown


def _cells(name: str, record: dict[str, Any], largest: str) -> list[str]:
    errors, ends = record.get("standard_error") or {}, record.get("interval") or []
    return [
        name,
        percent(record["avg"]),
        "–".join(map(percent, ends)),
        " ".join(percent(errors[source]) or "?" for source in ("sampling", "problems") if errors),
        percent(record["pass"].get(largest)),
        percent(record["verl_best"]),
        percent(record["majority"]),
        percent(record["truncated"]),
        f"{record['missing']:,}",
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _combined(errors: list[float | None]) -> float | None:
    known = [error for error in errors if error is not None]
    return st.error_of_mean(known) if len(known) == len(errors) else None


def _lengths(tokens: list[int]) -> dict[str, float] | None:
    if not tokens:
        return None
    middle, long = np.quantile(tokens, [0.5, 0.95])
    return {"mean": float(np.mean(tokens)), "median": float(middle), "p95": float(long), "max": float(max(tokens))}
