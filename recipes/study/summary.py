"""The table of a study, in the terminal and as table.md, with its pictures."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from recipes.common.files import write_atomically
from recipes.study import figures
from recipes.study.comparison import SETTING, comparisons, read

LEVEL = 0.05


def summarise(files: Sequence[Path], baseline: str) -> str:
    """Compare cells of one study, write table.md and the pictures beside them; returns the table."""
    frame, folder = read(files), files[0].parent
    table = comparisons(frame, baseline)
    text = markdown(table, baseline)
    write_atomically(folder / "table.md", text)
    figures.heat_maps(frame, baseline, folder / "difference.png", "end")
    figures.curves(frame, table, folder / "curves.png")
    return text


def markdown(table: pd.DataFrame, baseline: str) -> str:
    """A table per setting, methods by their reward at the end; a star where Holm's p over all tables is below 0.05."""
    lines = []
    for setting, rows in table.groupby(SETTING):
        updates, group, staleness = setting
        lines += [
            f"N = {updates} updates per batch, {group} responses per prompt, staleness {staleness}:",
            "",
            f"| method | rate | reward at the end | difference to {baseline} | of the area | at equal KL | outside |"
            " KL | entropy | collapsed |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [_line(row) for _, row in rows.sort_values("end", ascending=False).iterrows()] + [""]
    return "\n".join(lines)


def _line(row: pd.Series) -> str:
    cells = [
        row.method,
        f"{row.rate:g}",
        f"{row.end:.3f}",
        _difference(row, "end"),
        _difference(row, "area"),
        _difference(row, "kl"),
        f"{100 * row.outside:.1f} %",
        f"{row.kl:.2g}",
        f"{row.entropy:.2f}",
        f"{100 * row.collapsed:.0f} %",
    ]
    return f"| {' | '.join(cells)} |"


def _difference(row: pd.Series, measure: str) -> str:
    value = row.get(f"{measure}_difference")
    if value is None or pd.isna(value):
        return ""
    star = " *" if row.get(f"{measure}_holm", 1.0) < LEVEL else ""
    return f"{value:+.3f} [{row[f'{measure}_low']:+.3f}, {row[f'{measure}_high']:+.3f}]{star}"
