"""Paired comparisons to the baseline, as docs/study.md fixes them before any run.

Of each method the rate is chosen per setting on the tuning seeds; what is compared are the other seeds. Frames hold one
row per cell, rate and seed (recipes.study.cells.rows).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from recipes.runs.statistics import CONFIDENCE, paired

SETTING = ["updates", "group", "staleness"]
MEASURES = ("end", "area")
POWER = 0.8


def read(files: Sequence[Path]) -> pd.DataFrame:
    """Cells of a study, curves included."""
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def best_rates(frame: pd.DataFrame) -> pd.Series:
    """The rate with the highest mean expected reward at the end over the tuning seeds, by setting and method."""
    means = frame[frame.tuning].groupby([*SETTING, "method", "rate"])["end"].mean()
    best: pd.Series = means.groupby([*SETTING, "method"]).idxmax().map(lambda index: index[-1])
    return best


def at_rates(frame: pd.DataFrame, rates: pd.Series) -> pd.DataFrame:
    """The rows of the results' seeds that were trained with their method's rate."""
    chosen = rates.to_frame("chosen").reset_index()
    merged = frame[~frame.tuning].merge(chosen, on=[*SETTING, "method"])
    found: pd.DataFrame = merged[merged.rate == merged.chosen].drop(columns="chosen")
    return found


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """p-values adjusted for their number by Holm's step-down rule: below α means rejected at family-wise level α.

    Source: Holm, Scand. J. Statist. 6 (1979), 65–70.
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    factors = np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(given[order] * factors))
    return adjusted


def detectable(deviation: float, size: int, tests: int) -> float:
    """The true difference that is found with 80 % power after Bonferroni's correction, Holm's first step.

    Args:
        deviation: of the paired differences.
        size: seeds.
        tests: in the family.
    """
    level = (1 - CONFIDENCE) / tests
    quantiles = stats.t.ppf(1 - level / 2, size - 1) + stats.t.ppf(POWER, size - 1)
    return float(quantiles * deviation / np.sqrt(size))


def at_kl(rows: pd.DataFrame, kl: float, measure: str = "end") -> "pd.Series[float] | None":
    """A method's measure, seed by seed, at the rate at which its mean KL would be `kl`, between two that were run.

    Args:
        rows: of one method in one setting, results' seeds, all rates.
        kl: nats per token.
        measure: a column.

    Returns:
        By seed, linear in log KL; None where no two neighbouring rates lie on either side.
    """
    by_rate = rows.pivot(index="seed", columns="rate", values=measure)
    means = np.log(rows.groupby("rate")["kl"].mean().clip(lower=1e-12))
    for left, right in zip(means.index, means.index[1:], strict=False):
        low, high = means[left], means[right]
        if min(low, high) <= np.log(kl) <= max(low, high) and low != high:
            share = (np.log(kl) - low) / (high - low)
            return (1 - share) * by_rate[left] + share * by_rate[right]
    return None


def comparisons(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Every method in every setting at its rate, and its differences to the baseline.

    Returns:
        A row per setting and method. `rate`; means of the results' seeds of `end`, `area`, `outside`, `kl`,
        `entropy`, `gradient_norm`, `collapsed`; for `end` and `area` `<measure>_difference`, `_low`, `_high`, `_p`,
        `_deviation`, `_holm` over the whole table (one family per measure) and `_detectable`; `kl_difference`, `_low`,
        `_high`: to the baseline at the rate at which its KL would be the method's. NaN in the baseline's own rows.
    """
    rates = best_rates(frame)
    chosen = at_rates(frame, rates)
    results = frame[~frame.tuning]
    found = []
    for setting, rows in chosen.groupby(SETTING):
        standard = rows[rows.method == baseline].set_index("seed")
        everywhere = results[(results[SETTING] == list(setting)).all(axis=1) & (results.method == baseline)]
        for method, own in rows.groupby("method"):
            found.append(
                {
                    **dict(zip(SETTING, setting, strict=True)),
                    "method": method,
                    "rate": own.rate.iloc[0],
                    "seeds": len(own),
                    **own[[*MEASURES, "outside", "kl", "entropy", "gradient_norm", "collapsed"]].mean().to_dict(),
                    **({} if method == baseline else _differences(own.set_index("seed"), standard, everywhere)),
                }
            )
    table = pd.DataFrame(found)
    for measure in MEASURES if f"{MEASURES[0]}_p" in table else ():
        tested = table[f"{measure}_p"].notna()
        table.loc[tested, f"{measure}_holm"] = holm(table.loc[tested, f"{measure}_p"].tolist())
        table.loc[tested, f"{measure}_detectable"] = [
            detectable(row[f"{measure}_deviation"], int(row.seeds), int(tested.sum()))
            for _, row in table[tested].iterrows()
        ]
    return table


def _differences(own: pd.DataFrame, standard: pd.DataFrame, everywhere: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {}
    for measure in MEASURES:
        differences = (own[measure] - standard[measure]).to_numpy(dtype=np.float64)
        found |= {f"{measure}_{name}": value for name, value in paired(differences).items()}
    matched = at_kl(everywhere, float(own.kl.mean()))
    if matched is not None:
        said = paired((own.end - matched).to_numpy(dtype=np.float64))
        found |= {f"kl_{name}": said[name] for name in ("difference", "low", "high")}
    return found
