"""Two evaluations on the same problems: difference, interval and p-value per benchmark and of the mean."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from recipes.common.errors import UserError
from recipes.common.files import read_mapping
from recipes.runs import statistics as st
from recipes.runs.evaluation_folder import EvaluationFolder
from recipes.runs.statistics import AVERAGE


def show(first: Path, second: Path) -> None:
    """Print the comparison.

    Args:
        first, second: folders of evaluations, names of some under outputs/, or results files.

    Raises:
        UserError: no results, or results on different problems.
    """
    ours, theirs = _shares(first), _shares(second)
    if {name: list(group) for name, group in ours.items()} != {name: list(group) for name, group in theirs.items()}:
        raise UserError(f"{first} and {second} are on different problems; only the same ones can be paired.")
    groups = [(_values(ours[name]), _values(theirs[name])) for name in ours]
    table = Table(title=f"{second} minus {first}: Avg@n in points")
    for name in ("benchmark", "first", "second", "difference", "95 %", "standard error", "p"):
        table.add_column(name, justify="right" if name != "benchmark" else "left")
    for name, pair in zip(ours, groups, strict=True):
        _add(table, name, [pair])
    if len(groups) > 1:
        _add(table, AVERAGE, groups)
    Console().print(table)
    print("p: two-sided permutation test over problems. It says nothing about other seeds of the training.")


def _add(table: Table, name: str, groups: list[tuple[st.Array, st.Array]]) -> None:
    first, second = [pair[0] for pair in groups], [pair[1] for pair in groups]
    found = st.compare(first, second)
    means = [100 * np.mean([group.mean() for group in side]) for side in (first, second)]
    table.add_row(
        name,
        *(f"{mean:.1f}" for mean in means),
        f"{100 * found.difference:+.1f}",
        f"{100 * found.interval[0]:+.1f}, {100 * found.interval[1]:+.1f}",
        f"{100 * found.standard_error:.1f}",
        f"{found.p_value:.4f}" if found.p_value >= 1e-4 else "< 0.0001",
    )


def _shares(path: Path) -> dict[str, dict[str, float]]:
    """Share of right samples per problem, by benchmark."""
    named = EvaluationFolder.named(Path("outputs"), str(path))
    folder = named if not path.exists() and named.path.is_dir() else EvaluationFolder(path)
    file = folder.results() if folder.path.is_dir() else path
    try:
        records: dict[str, Any] = read_mapping(file)["records"]
        found = {name: _read(record["per_problem"]) for name, record in records.items() if name != AVERAGE}
        if not (found and all(found.values())):
            raise ValueError("no problems")
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{file}: no results of recipes.evaluate ({type(error).__name__}). Write the folder of "
            "an evaluation, or its name under outputs/."
        ) from error
    if any(np.isnan(share) for group in found.values() for share in group.values()):
        raise UserError(f"{file}: some problems have no sample; finish that evaluation first.")
    return found


def _read(per_problem: Any) -> dict[str, float]:
    """Share of right samples of each problem; NaN where it has no sample.

    Raises:
        ValueError, OverflowError, TypeError, AttributeError: something else stands there.
    """
    shares = {problem: np.nan if share is None else float(share) for problem, share in per_problem.items()}
    if any(share < 0 or share > 1 for share in shares.values()):
        raise ValueError("no share")
    return shares


def _values(shares: dict[str, float]) -> st.Array:
    return np.array(list(shares.values()))
