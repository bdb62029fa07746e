"""Every baseline as verl trains it, with and without its options, and the gradient ascent it stands for.

An ascent is the coefficient of grad log pi in the objective: w * A, plus that of log pi itself where there is one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bapo_by_hand
import closed_forms
import m2po_by_hand
import numpy as np
import pytest
import torch
from closed_forms import Form, Sample, value
from loss_cases import (
    DUAL,
    HIGH,
    LOW,
    MODES,
    SEQUENCES,
    TAU_NEG,
    TAU_POS,
    Batch,
    actor_config,
    call,
    make_batch,
    over_mini_batch,
    tokens_of,
)

from dgpo.config import DGPOConfig
from losses.baselines.aspo import ASPOConfig
from losses.baselines.bapo import BAPOConfig
from losses.baselines.ce_gppo import CEGPPOConfig
from losses.baselines.cispo import CISPOConfig
from losses.baselines.clip_higher import ClipHigherConfig
from losses.baselines.dac import DACConfig
from losses.baselines.dppo_kl import DPPOKLConfig
from losses.baselines.dppo_tv import DPPOTVConfig
from losses.baselines.drpo import DRPOConfig
from losses.baselines.entropy_adv import EntropyAdvConfig
from losses.baselines.gmpo import GMPOConfig
from losses.baselines.gppo import GPPOConfig
from losses.baselines.grpo import GRPOConfig
from losses.baselines.gspo import GSPOConfig
from losses.baselines.m2po import M2POConfig
from losses.baselines.respo import ReSPOConfig
from losses.baselines.sapo import SAPOConfig
from losses.baselines.topr import TOPRConfig
from losses.baselines.vespo import VESPOConfig
from losses.method import MethodConfig
from maspo.config import MASPOConfig

WIDTHS = {"clip_ratio_low": LOW, "clip_ratio_high": HIGH}

Ascent = Callable[[Batch], np.ndarray]


def full_batch(dtype: torch.dtype = torch.float64, seed: int = 0) -> Batch:
    """A batch with entropies and with marks on correct responses, whatever their advantage."""
    rng = np.random.default_rng(1000 + seed)
    batch = make_batch(dtype, seed)
    entropy = torch.from_numpy(rng.uniform(0, 3, size=batch["log_prob"].shape)).to(dtype)
    correct = torch.tensor([True, False, True, True, False, True, False, False])[:, None]
    return batch | {"entropy": entropy, "correct": correct}


def sample_of(batch: Batch) -> Sample:
    log_ratio, old, advantages = tokens_of(batch)
    return Sample(log_ratio, old, advantages, batch["response_mask"].numpy(), batch["entropy"].double().numpy())


def ascent(
    form: Callable[..., Form], dual: bool = False, likelihood: float = 0.0, quadratic: float = 0.0, **settings: Any
) -> Ascent:
    """w * A, without tokens that the dual clip drops, plus `likelihood` times the mean over correct responses' tokens.

    That mean is over the tokens of the whole mini-batch, in token-mean. `quadratic` times (log r)^2 is taken off.
    """

    def of(batch: Batch) -> np.ndarray:
        t = sample_of(batch)
        found = value(form(t, **settings)) * t.A
        if dual:
            found[t.minus & (t.r > DUAL)] = 0
        correct = np.broadcast_to(batch["correct"].numpy(), t.mask.shape) & t.mask
        return found + likelihood * correct * t.mask.sum() / correct.sum() - 2 * quadratic * t.x

    return of


def shaped_ascent(alpha: float, kappa: float) -> Ascent:
    """Clip-Higher on A' = A + min(alpha * H, |A| / kappa)."""

    def of(batch: Batch) -> np.ndarray:
        t = sample_of(batch)
        shaped = closed_forms.shaped(t.A, t.entropy, alpha, kappa)
        plain = Sample(t.log_ratio, t.old, shaped, t.mask, t.entropy)
        found = value(closed_forms.grpo(plain, **WIDTHS)) * shaped
        return np.where((shaped < 0) & (t.r > DUAL), 0, found)

    return of


def searched_ascent(dual: bool = False, **settings: Any) -> Ascent:
    """BAPO: the hard clip at the bounds that the search by hand finds on the whole batch."""

    def of(batch: Batch) -> np.ndarray:
        c_low, c_high, _ = bapo_by_hand.search(ratios_and_advantages(batch), **settings)
        return ascent(closed_forms.bapo, dual, c_low=c_low, c_high=c_high)(batch)

    return of


def budgeted_ascent(budget: float, dual: bool = False) -> Ascent:
    """M2PO: the hard clip at the bound that is found by hand on the whole batch."""

    def of(batch: Batch) -> np.ndarray:
        return ascent(
            closed_forms.m2po, dual, threshold=m2po_by_hand.threshold(logs_and_advantages(batch), budget), **WIDTHS
        )(batch)

    return of


def logs_and_advantages(batch: Batch) -> list[m2po_by_hand.Token]:
    """Log-ratio and advantage of every response token."""
    t = sample_of(batch)
    return list(zip(t.x[t.mask].tolist(), t.A[t.mask].tolist(), strict=True))


def ratios_and_advantages(batch: Batch) -> list[bapo_by_hand.Token]:
    """Ratio and advantage of every response token."""
    t = sample_of(batch)
    return list(zip(t.r[t.mask].tolist(), t.A[t.mask].tolist(), strict=True))


@dataclass(frozen=True)
class Case:
    """A config, what it must do, and the aggregation modes in which it does."""

    config: MethodConfig
    ascent: Ascent
    modes: tuple[str, ...] = tuple(MODES)

    @property
    def is_verls(self) -> bool:
        """Whether verl's own function is called."""
        return self.config.loss_mode == self.config.verl_loss


HARD, DUAL_HARD = ascent(closed_forms.grpo, **WIDTHS), ascent(closed_forms.grpo, dual=True, **WIDTHS)
CISPO, DPPO = ascent(closed_forms.cispo, **WIDTHS), ascent(closed_forms.dppo_tv, clip_ratio_c=DUAL, **WIDTHS)
DPPO_KL = ascent(closed_forms.dppo_kl, clip_ratio_c=DUAL, **WIDTHS)
SAPO, GSPO = ascent(closed_forms.sapo, tau_pos=TAU_POS, tau_neg=TAU_NEG), ascent(closed_forms.gspo, **WIDTHS)
GAMMA = {"vespo_k_pos": 1.5, "vespo_lambda_pos": 0.5, "vespo_k_neg": 0.7, "vespo_lambda_neg": 2.5}
BETAS = {"ce_gppo_beta1": 0.75, "ce_gppo_beta2": 0.25}
CHANGED_BAPO = {
    "bapo_low_start": 0.7,
    "bapo_low_end": 0.8,
    "bapo_low_step": 0.05,
    "bapo_high_start": 1.1,
    "bapo_high_end": 1.9,
    "bapo_high_step": 0.2,
}

CASES = {
    "grpo": Case(GRPOConfig(), DUAL_HARD),
    "grpo, ours": Case(GRPOConfig(loss_mode="grpo"), DUAL_HARD),
    "grpo, no dual clip": Case(GRPOConfig(dual_clip=False), HARD),
    "clip_higher": Case(ClipHigherConfig(), DUAL_HARD),
    "clip_higher, ours": Case(ClipHigherConfig(loss_mode="clip_higher"), DUAL_HARD),
    "clip_higher, no dual clip": Case(ClipHigherConfig(dual_clip=False), HARD),
    "cispo": Case(CISPOConfig(), CISPO),
    "cispo, ours": Case(CISPOConfig(loss_mode="cispo_weighted"), CISPO),
    "cispo, one-sided": Case(
        CISPOConfig(cispo_two_sided=False), ascent(closed_forms.cispo, clip_ratio_low=None, clip_ratio_high=HIGH)
    ),
    "cispo, masked": Case(
        CISPOConfig(cispo_mask_low=0.5, cispo_mask_high=0.6),
        ascent(closed_forms.cispo, cispo_mask_low=0.5, cispo_mask_high=0.6, **WIDTHS),
    ),
    "cispo, dual clip": Case(CISPOConfig(dual_clip=True), ascent(closed_forms.cispo, dual=True, **WIDTHS)),
    "gppo": Case(GPPOConfig(), ascent(closed_forms.gppo, dual=True, **WIDTHS)),
    "gppo, no dual clip": Case(GPPOConfig(dual_clip=False), ascent(closed_forms.gppo, **WIDTHS)),
    "gppo, likelihood": Case(
        GPPOConfig(likelihood_coefficient=0.1), ascent(closed_forms.gppo, dual=True, likelihood=0.1, **WIDTHS)
    ),
    "ce_gppo": Case(CEGPPOConfig(), ascent(closed_forms.ce_gppo, dual=True, **WIDTHS)),
    "ce_gppo, changed": Case(CEGPPOConfig(dual_clip=False, **BETAS), ascent(closed_forms.ce_gppo, **BETAS, **WIDTHS)),
    "ce_gppo, likelihood": Case(
        CEGPPOConfig(likelihood_coefficient=0.3), ascent(closed_forms.ce_gppo, dual=True, likelihood=0.3, **WIDTHS)
    ),
    "aspo": Case(ASPOConfig(), ascent(closed_forms.aspo, clip_ratio_c=DUAL, **WIDTHS)),
    "aspo, dual clip": Case(
        ASPOConfig(dual_clip=True), ascent(closed_forms.aspo, dual=True, clip_ratio_c=DUAL, **WIDTHS)
    ),
    "aspo, split": Case(
        ASPOConfig(aspo_entropy_split=True), ascent(closed_forms.aspo_split, clip_ratio_c=DUAL, **WIDTHS)
    ),
    "aspo, split changed": Case(
        ASPOConfig(aspo_entropy_split=True, aspo_entropy_quantile=0.4, aspo_split_clip_ratio=0.7),
        ascent(closed_forms.aspo_split, quantile=0.4, wide=0.7, clip_ratio_c=DUAL, **WIDTHS),
    ),
    "dac": Case(DACConfig(), ascent(closed_forms.dac, dual=True, **WIDTHS)),
    "dac, changed": Case(
        DACConfig(dual_clip=False, dac_ratio_max=2.0), ascent(closed_forms.dac, dac_ratio_max=2.0, **WIDTHS)
    ),
    "bapo": Case(BAPOConfig(bapo_positive_share=0.7), searched_ascent(target=0.7)),
    "bapo, active": Case(
        BAPOConfig(bapo_statistic="active", bapo_positive_share=0.6, dual_clip=True),
        searched_ascent(dual=True, statistic="active", target=0.6),
    ),
    "bapo, changed": Case(
        BAPOConfig(bapo_positive_share=0.9, **CHANGED_BAPO),
        searched_ascent(target=0.9, low=("0.7", "0.8", "0.05"), high=("1.1", "1.9", "0.2")),
    ),
    "m2po": Case(M2POConfig(), budgeted_ascent(0.04)),
    "m2po, changed": Case(M2POConfig(m2po_budget=0.4, dual_clip=True), budgeted_ascent(0.4, dual=True)),
    "sapo": Case(SAPOConfig(), SAPO, (SEQUENCES,)),
    "sapo, ours": Case(SAPOConfig(loss_mode="sapo_weighted"), SAPO),
    "sapo, dual clip": Case(
        SAPOConfig(dual_clip=True), ascent(closed_forms.sapo, dual=True, tau_pos=TAU_POS, tau_neg=TAU_NEG)
    ),
    "gspo": Case(GSPOConfig(), GSPO),
    "gspo, ours": Case(GSPOConfig(loss_mode="gspo_weighted"), GSPO),
    "gspo, dual clip": Case(GSPOConfig(dual_clip=True), ascent(closed_forms.gspo, dual=True, **WIDTHS)),
    "gmpo": Case(GMPOConfig(), ascent(closed_forms.gmpo, **WIDTHS)),
    "topr": Case(TOPRConfig(), ascent(closed_forms.topr)),
    "topr, geometric mean": Case(
        TOPRConfig(topr_ratio="geometric_mean"), ascent(closed_forms.topr, topr_ratio="geometric_mean")
    ),
    "vespo": Case(VESPOConfig(), ascent(closed_forms.vespo)),
    "vespo, changed": Case(VESPOConfig(**GAMMA), ascent(closed_forms.vespo, **GAMMA)),
    "respo": Case(ReSPOConfig(), ascent(closed_forms.respo)),
    "dppo_tv": Case(DPPOTVConfig(), DPPO),
    "dppo_tv, ours": Case(DPPOTVConfig(loss_mode="dppo_tv_weighted"), DPPO),
    "dppo_tv, dual clip": Case(
        DPPOTVConfig(dual_clip=True), ascent(closed_forms.dppo_tv, dual=True, clip_ratio_c=DUAL, **WIDTHS)
    ),
    "dppo_tv, quadratic": Case(
        DPPOTVConfig(dppo_quadratic=0.3), ascent(closed_forms.dppo_tv, quadratic=0.3, clip_ratio_c=DUAL, **WIDTHS)
    ),
    "dppo_kl": Case(DPPOKLConfig(), DPPO_KL),
    "dppo_kl, ours": Case(DPPOKLConfig(loss_mode="dppo_kl_weighted"), DPPO_KL),
    "dppo_kl, dual clip": Case(
        DPPOKLConfig(dual_clip=True), ascent(closed_forms.dppo_kl, dual=True, clip_ratio_c=DUAL, **WIDTHS)
    ),
    "dppo_kl, quadratic": Case(
        DPPOKLConfig(dppo_quadratic=0.3), ascent(closed_forms.dppo_kl, quadratic=0.3, clip_ratio_c=DUAL, **WIDTHS)
    ),
    "drpo": Case(DRPOConfig(), ascent(closed_forms.drpo)),
    "drpo, changed": Case(
        DRPOConfig(drpo_delta=0.05, drpo_corrective=False),
        ascent(closed_forms.drpo, drpo_delta=0.05, drpo_corrective=False),
    ),
    "entropy_adv": Case(EntropyAdvConfig(), shaped_ascent(0.4, 2.0)),
    "entropy_adv, changed": Case(
        EntropyAdvConfig(entropy_adv_alpha=0.9, entropy_adv_kappa=1.5), shaped_ascent(0.9, 1.5)
    ),
}


def masked(inner: Ascent, delta: float) -> Ascent:
    """Without the responses that are bad and whose mean log-ratio is below -delta."""

    def of(batch: Batch) -> np.ndarray:
        t = sample_of(batch)
        drifted = -t.over_sequence(t.x) / t.length > delta
        return np.where(t.minus & drifted, 0, inner(batch))

    return of


def of_high_entropy(inner: Ascent, share: float) -> Ascent:
    """On tokens above the smallest number of 1e-4 * 2e5^(i / 2048) that at most this share of the batch is above."""
    grid = 1e-4 * 2e5 ** (np.arange(2049) / 2048)

    def of(batch: Batch) -> np.ndarray:
        t = sample_of(batch)
        known = t.entropy[t.mask]
        threshold = next(edge for edge in grid if (known > edge).mean() <= share)
        return np.where(t.entropy > threshold, inner(batch), 0)

    return of


# Off-policy sequence masking on top: of a loss of verl's, of one of ours over tokens, and of one over sequences.
CASES |= {
    "grpo, opsm": Case(GRPOConfig(opsm_delta=0.05), masked(DUAL_HARD, 0.05)),
    "gppo, opsm": Case(GPPOConfig(opsm_delta=0.05), masked(CASES["gppo"].ascent, 0.05)),
    "cispo, top entropy": Case(CISPOConfig(top_entropy_share=0.8), of_high_entropy(CISPO, 0.8)),
    "bapo, top entropy": Case(
        BAPOConfig(bapo_positive_share=0.7, top_entropy_share=0.9), of_high_entropy(searched_ascent(target=0.7), 0.9)
    ),
    "topr, opsm": Case(TOPRConfig(opsm_delta=0.0), masked(CASES["topr"].ascent, 0.0)),
}
OURS = [name for name, case in CASES.items() if not case.is_verls]
VERLS = [name for name, case in CASES.items() if case.is_verls]
CONFIGS = {name: case.config for name, case in CASES.items()} | {
    "dgpo": DGPOConfig(),
    "maspo": MASPOConfig(),
    "maspo, bilateral": MASPOConfig(maspo_gate="bilateral"),
}

EVERY = [pytest.param(case, id=name) for name, case in CASES.items()]
EVERY_OF_OURS = [pytest.param(CASES[name], id=name) for name in OURS]
IN_EVERY_MODE = [pytest.param(case, mode, id=f"{name}, {mode}") for name, case in CASES.items() for mode in case.modes]


def called(case: Case, batch: Batch, mode: str | None = None, rollout_is_weights=None, **changes: Any):
    """Loss, gradient and metrics of `call`, with all that the method needs; `changes` are of the actor's config."""
    config = actor_config(case.config, batch["response_mask"], mode or case.modes[0], **changes)
    return call(config, batch, rollout_is_weights, **over_mini_batch(config, [batch]))
