"""The baselines' pure gradient weights beside their closed forms, and tokens to try them on."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import closed_forms
import numpy as np
import pytest
import torch
from closed_forms import Form, Sample

from losses.baselines import (
    aspo,
    bapo,
    ce_gppo,
    cispo,
    clip_higher,
    dac,
    dppo_kl,
    dppo_tv,
    drpo,
    entropy_adv,
    gmpo,
    gppo,
    grpo,
    gspo,
    m2po,
    respo,
    sapo,
    topr,
    vespo,
)

WIDTHS = {"clip_ratio_low": 0.1, "clip_ratio_high": 0.3}
# With q = 1 these make both bounds of DAC exact in binary: L = 1/2 + 1/2 * 1/2, U = 1/2 + 1/2 * 2.
DAC_WIDTHS = {"clip_ratio_low": 3 / 16, "clip_ratio_high": 3 / 4}


@dataclass(frozen=True)
class Weight:
    """A pure function, what it takes, its form, settings to try, and the ratios at which the last of them jumps."""

    ours: Callable[..., torch.Tensor]
    takes: str
    form: Callable[..., Form]
    settings: list[dict[str, Any]]
    edges: tuple[float, ...] = ()
    sequences: bool = False  # whether the advantage must be the same all over a sequence
    negative: bool = False  # whether a weight may turn an update back

    def of(self, t: Sample, dtype: torch.dtype = torch.float64, **settings: Any) -> torch.Tensor:
        return self.ours(*t.tensors(self.takes, dtype), **settings)


WEIGHTS = {
    "grpo": Weight(grpo.gradient_weight, "log_ratio A", closed_forms.grpo, [{}, WIDTHS], (0.9, 1.3)),
    "clip_higher": Weight(clip_higher.gradient_weight, "log_ratio A", closed_forms.grpo, [WIDTHS], (0.9, 1.3)),
    "bapo": Weight(
        bapo.gradient_weight, "log_ratio A", closed_forms.bapo, [{}, {"c_low": 0.7, "c_high": 1.4}], (0.7, 1.4)
    ),
    "m2po": Weight(
        m2po.gradient_weight,
        "log_ratio A",
        closed_forms.m2po,
        [{}, {"threshold": 0.2}, WIDTHS | {"threshold": 0.2}, WIDTHS],
        (0.9, 1.3),
    ),
    "cispo": Weight(cispo.gradient_weight, "log_ratio A", closed_forms.cispo, [{}, WIDTHS], (0.9, 1.3)),
    "cispo, one-sided": Weight(
        cispo.gradient_weight, "log_ratio A", closed_forms.cispo, [WIDTHS | {"clip_ratio_low": None}], (0.9, 1.3)
    ),
    "cispo, masked": Weight(
        cispo.gradient_weight,
        "log_ratio A",
        closed_forms.cispo,
        [
            WIDTHS | {"cispo_mask_low": 0.5},
            WIDTHS | {"cispo_mask_high": 0.6},
            WIDTHS | {"cispo_mask_low": 0.5, "cispo_mask_high": 0.6},
        ],
        (0.5, 0.9, 1.3, 1.6),
    ),
    "gppo": Weight(gppo.gradient_weight, "log_ratio A", closed_forms.gppo, [{}, WIDTHS], (0.9, 1.3)),
    "ce_gppo": Weight(
        ce_gppo.gradient_weight,
        "log_ratio A",
        closed_forms.ce_gppo,
        [{}, WIDTHS, WIDTHS | {"ce_gppo_beta1": 0.75, "ce_gppo_beta2": 0.25}],
        (0.9, 1.3),
    ),
    "aspo": Weight(
        aspo.gradient_weight,
        "log_ratio A",
        closed_forms.aspo,
        [{}, WIDTHS, WIDTHS | {"clip_ratio_c": 2.5}],
        (0.4, 0.9, 1.3, 2.5),
    ),
    "dac": Weight(
        dac.gradient_weight,
        "log_ratio old A",
        closed_forms.dac,
        [{}, WIDTHS, WIDTHS | {"dac_ratio_max": 2.0}, DAC_WIDTHS | {"dac_ratio_max": 8.0}],
    ),
    "sapo": Weight(
        sapo.gradient_weight, "log_ratio A", closed_forms.sapo, [{}, {"tau_pos": 0.8, "tau_neg": 1.7}], (1.0,)
    ),
    "gspo": Weight(
        gspo.gradient_weight, "log_ratio A mask", closed_forms.gspo, [{}, WIDTHS], (0.9, 1.3), sequences=True
    ),
    "gmpo": Weight(gmpo.gradient_weight, "log_ratio A mask", closed_forms.gmpo, [{}, WIDTHS], sequences=True),
    "topr": Weight(topr.gradient_weight, "log_ratio A mask", closed_forms.topr, [{}], (1.0,), sequences=True),
    "topr, geometric mean": Weight(
        topr.gradient_weight,
        "log_ratio A mask",
        closed_forms.topr,
        [{"topr_ratio": "geometric_mean"}],
        (1.0,),
        sequences=True,
    ),
    "vespo": Weight(
        vespo.gradient_weight,
        "log_ratio A mask",
        closed_forms.vespo,
        [{}, {"vespo_k_pos": 1.5, "vespo_lambda_pos": 0.5, "vespo_k_neg": 0.7, "vespo_lambda_neg": 2.5}],
        sequences=True,
    ),
    "respo": Weight(respo.gradient_weight, "log_ratio A mask", closed_forms.respo, [{}], sequences=True),
    "dppo_tv": Weight(
        dppo_tv.gradient_weight,
        "log_ratio old A",
        closed_forms.dppo_tv,
        [{}, WIDTHS, WIDTHS | {"clip_ratio_c": 2.5}],
    ),
    "dppo_kl": Weight(
        dppo_kl.gradient_weight,
        "log_ratio old A",
        closed_forms.dppo_kl,
        [{}, WIDTHS, WIDTHS | {"clip_ratio_c": 2.5}],
    ),
    "drpo": Weight(
        drpo.gradient_weight,
        "log_ratio old A",
        closed_forms.drpo,
        [{}, {"drpo_delta": 0.02}],
        negative=True,
    ),
    "drpo, never turned back": Weight(
        drpo.gradient_weight, "log_ratio old A", closed_forms.drpo, [{"drpo_corrective": False}]
    ),
    "entropy_adv": Weight(
        entropy_adv.gradient_weight,
        "log_ratio A entropy",
        closed_forms.entropy_adv,
        [{}, WIDTHS, WIDTHS | {"entropy_adv_alpha": 0.7, "entropy_adv_kappa": 1.5}],
        (0.9, 1.3),
    ),
}
# (weight, settings) for pytest: every setting of every weight, and the last one of each.
SETTINGS = [
    pytest.param(weight, settings, id=f"{name} {settings or 'defaults'}")
    for name, weight in WEIGHTS.items()
    for settings in weight.settings
]
LAST = [pytest.param(weight, weight.settings[-1], id=name) for name, weight in WEIGHTS.items()]


def random_sample(sequences: bool, seed: int = 0) -> Sample:
    """Ragged sequences, one of them fully masked; ratios up to e^3.5, old probabilities from 1e-4 to nearly 1."""
    rng = np.random.default_rng(seed)
    shape = (60, 30)
    advantages = rng.choice([-1.7, -0.4, 0.0, 0.6, 2.1], size=(60, 1) if sequences else shape)
    lengths = rng.integers(1, 31, size=60)
    lengths[7] = 0
    return Sample(
        # A common drift of each sequence, so that sequence ratios spread too.
        log_ratio=rng.uniform(-3, 3, size=shape) + rng.uniform(-0.5, 0.5, size=(60, 1)),
        old=rng.uniform(math.log(1e-4), -1e-3, size=shape),
        A=np.broadcast_to(advantages, shape).copy(),
        mask=np.arange(30) < lengths[:, None],
        entropy=rng.uniform(0, 3, size=shape),
    )


def single_tokens(log_ratio, advantages, **columns) -> Sample:
    """Sequences of one token: (N,) columns."""
    column = {"old": np.full(len(log_ratio), -0.5), "entropy": np.ones(len(log_ratio))} | columns
    return Sample(
        log_ratio=np.array(log_ratio, dtype=float)[:, None],
        A=np.array(advantages, dtype=float)[:, None],
        mask=np.ones((len(log_ratio), 1), dtype=bool),
        **{name: np.array(values, dtype=float)[:, None] for name, values in column.items()},
    )


def neighbours(number: float) -> list[float]:
    return [math.nextafter(number, -math.inf), number, math.nextafter(number, math.inf)]


def log_of(number: float, offset: float = 0.0) -> float:
    """A float64 x for which torch's exp(offset + x) is exactly this number."""
    x = start = math.log(number) - offset
    for step in range(64):
        for x in (start + step * math.ulp(start), start - step * math.ulp(start)):
            if torch.exp(torch.tensor([offset + x], dtype=torch.float64)).item() == number:
                return x
    raise AssertionError(f"no float64 logarithm gives {number}")
