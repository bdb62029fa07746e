"""One file of a data set: read, made unique, its golds tried, compared with the benchmarks.

A training set loses what cannot be learned from. A benchmark keeps every row, for a result is a share of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from recipes.common.errors import UserError
from recipes.prepare_data.difficulty import Difficulty
from recipes.prepare_data.dropped import Action, Report
from recipes.prepare_data.gold_check import GoldCheck
from recipes.prepare_data.overlap import Benchmarks, Match
from recipes.prepare_data.problems import Malformed, Problem, read_problems
from recipes.prepare_data.settings import Part, Template
from recipes.prepare_data.stages import Stages
from recipes.prepare_data.unique import Group, group

Measured = tuple[Difficulty, Template]  # and the template in which the problems were put


@dataclass
class Prepared:
    """A part that can be written. counts: rows or problems left after each stage."""

    name: str
    part: Part
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class PartPreparation:
    """Prepares one part.

    Args:
        name: of the part.
        part: how it is read.
        limit: share of malformed rows that a training set may have.
        report: notes what is dropped.
        stages: shows how far it is.
    """

    def __init__(self, name: str, part: Part, limit: float, report: Report, stages: Stages) -> None:
        self._name, self._part, self._limit = name, part, limit
        self._report, self._stages = report, stages
        self._counts = {"rows": 0, "well formed": 0}
        self._malformed: list[Malformed] = []

    def run(
        self,
        file: Path,
        more: Mapping[str, tuple[str, ...]],
        check: GoldCheck,
        benchmarks: Benchmarks | None,
        act: bool,
        measured: Measured | None = None,
    ) -> Prepared:
        """Go through all stages.

        Args:
            file: to read.
            more: further accepted answers by id.
            check: the reward's opinion on golds.
            benchmarks: to compare with; None for none.
            act: whether what they hold too is removed.
            measured: what an evaluation says of the problems of a training set; None for nothing.

        Raises:
            UserError: the file is not what the configuration says.
        """
        rows = self._stages.counted(f"{self._name}: rows read", self._well_formed(file, more))
        if self._part.benchmark:
            problems = list(rows)
            self._check_malformed(file)
            problems = self._with_alternatives(problems, check)
            self._mark_unearnable(problems, check)
        else:
            groups = group(rows)
            self._check_malformed(file)
            problems = self._learnable(groups, check)
            if benchmarks is not None:
                problems = self._without_overlap(problems, benchmarks, act)
            if measured is not None:
                problems = self._of_difficulty(problems, *measured)
        self._counts["written"] = len(problems)
        if not problems:
            raise UserError(f"{file}: nothing is left of {self._counts['rows']} rows: {self._report.summary()}.")
        return Prepared(self._name, self._part, problems, self._counts)

    def _well_formed(self, file: Path, more: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
        for one in read_problems(file, self._part, more):
            self._counts["rows"] += 1
            if isinstance(one, Problem) and self._part.benchmark and not one.text:
                one = Malformed(one.row, "holds an empty problem", "")
            if isinstance(one, Malformed):
                self._malformed.append(one)
                self._report.add(self._name, "dropped", "malformed row", one.row, one.text, 1, {"detail": one.reason})
            else:
                self._counts["well formed"] += 1
                yield one

    def _check_malformed(self, file: Path) -> None:
        rows, bad = self._counts["rows"], self._malformed
        limit = 0.0 if self._part.benchmark else self._limit
        if bad and len(bad) > limit * rows:
            rule = "a benchmark may not lose a row" if self._part.benchmark else f"malformed_limit={self._limit}"
            raise UserError(
                f"{file}: {len(bad)} of {rows} rows are malformed ({rule}); the first is row {bad[0].row}, which "
                f"{bad[0].reason}. Repair the file, or correct parts.{self._name}.columns, .gold or .strip."
            )
        if self._part.rows is not None and rows != self._part.rows:
            raise UserError(
                f"{file}: {rows} rows, but {self._name} has {self._part.rows}; write parts.{self._name}.rows={rows} if "
                "another selection is meant."
            )

    def _with_alternatives(self, problems: list[Problem], check: GoldCheck) -> list[Problem]:
        """Some lists of alternatives hold the answer to another question, even one that the prompt gives away."""
        refused = set()
        if self._part.alternatives and self._part.alternatives.must_equal:
            for problem, other in check.differing(problems):
                refused.add((problem.row, other))
                self._note(problem, "kept", "alternative answer refused", {"alternative": other})
        return [
            replace(one, golds=one.golds + tuple(alt for alt in one.alternatives if (one.row, alt) not in refused))
            for one in problems
        ]

    def _mark_unearnable(self, problems: list[Problem], check: GoldCheck) -> None:
        for one in problems:
            if not one.golds:
                self._note(one, "kept", "states no answer")
        with self._stages.stage(f"{self._name}: golds tried", sum(len(one.golds) for one in problems)) as advance:
            for one, why in check.unearnable(problems, advance):
                self._note(one, "kept", "gold can't be earned", {"detail": why})

    def _learnable(self, groups: list[Group], check: GoldCheck) -> list[Problem]:
        self._counts["distinct"] = len(groups)
        drop: set[int] = set()
        for one in groups:
            if one.copies:
                self._note(one.problem, "dropped", "repetition", times=one.copies)
            if not one.problem.text:
                drop.add(self._drop(one.problem, "empty problem"))
            elif not one.problem.golds:
                drop.add(self._drop(one.problem, "states no answer"))
        for found, why in check.contradictory(groups):
            if found.problem.row not in drop:
                drop.add(self._drop(found.problem, "contradictory answers", {"detail": why}))
        left = [one.problem for one in groups if one.problem.row not in drop]
        with self._stages.stage(f"{self._name}: golds tried", len(left)) as advance:
            for problem, why in check.unearnable(left, advance):
                drop.add(self._drop(problem, "gold can't be earned", {"detail": why}))
        left = [one for one in left if one.row not in drop]
        self._counts["with one earnable answer"] = len(left)
        return left

    def _without_overlap(self, problems: list[Problem], benchmarks: Benchmarks, act: bool) -> list[Problem]:
        left = []
        for one in self._stages.counted(f"{self._name}: compared with the benchmarks", problems, len(problems)):
            matches = benchmarks.matches(one.text)
            counting = [match for match in matches if match.counts]
            if counting:
                reason = f"overlap ({counting[0].kind})"
                self._note(
                    one, "dropped" if act else "kept", reason, {"matches": [_entry(match) for match in counting]}
                )
            elif matches:
                near = [_entry(match) for match in matches[:1]]  # one is enough to see which formula they share
                self._note(one, "kept", "n-gram in common, but another problem", {"matches": near, "of": len(matches)})
            if not (counting and act):
                left.append(one)
        return left

    def _of_difficulty(self, problems: list[Problem], measured: Difficulty, template: Template) -> list[Problem]:
        measured.refuse_others(problems, self._part, template)
        self._counts["before difficulty="] = len(problems)
        left = []
        for one in problems:
            why = measured.why_not(one)
            if why is None:
                left.append(one)
            else:
                self._note(one, "dropped", why, {"share": measured.shares.get(one.id)})
        return left

    def _drop(self, problem: Problem, reason: str, more: dict[str, object] | None = None) -> int:
        self._note(problem, "dropped", reason, more)
        return problem.row

    def _note(
        self, problem: Problem, action: Action, reason: str, more: dict[str, object] | None = None, times: int = 1
    ) -> None:
        known = {"id": problem.id, "golds": list(problem.golds)}
        self._report.add(self._name, action, reason, problem.row, problem.text, times, known | (more or {}))


def _entry(match: Match) -> dict[str, object]:
    return {
        "benchmark": match.benchmark,
        "id": match.id,
        "kind": match.kind,
        "similarity": match.similarity,
        "text": match.text[:200],
    }
