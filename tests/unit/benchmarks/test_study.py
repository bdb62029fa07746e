"""The table of a study: what has not run is a dash, in its own column."""

import pandas as pd

from benchmarks import study


def test_a_cell_that_has_not_run_is_a_dash():
    cells = [("grpo", 16, 0.0, 1.0), ("grpo", 64, 0.0, 1.0), ("dgpo", 64, 0.02, 0.01)]
    table = pd.DataFrame(
        [
            {"method": method, "updates": updates, "end": 0.4 + difference, "end_difference": difference,
             "end_low": difference - 0.01, "end_high": difference + 0.01, "end_holm": p_value}
            for method, updates, difference, p_value in cells
        ]
    )  # fmt: skip
    rows = study.headline(table).splitlines()
    assert rows[0] == "| method | N = 16 | N = 64 |"
    assert rows[2:] == ["| grpo | 40.0 | 40.0 |", "| dgpo | – | **+2.0 [+1.0, +3.0]** |"]
