"""Where verl 0.9.1 computes a method itself: we then use its function, and it agrees with our gradient weight.

If an update of verl changes one of them, these tests say so.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from baseline_cases import CASES, VERLS, full_batch, sample_of
from loss_cases import (
    SEQUENCES,
    actor_config,
    call,
    forward,
    gradient_of,
    make_batch,
    over_mini_batch,
    pieces_of,
    tolerance,
)
from verl.trainer.ppo import core_algos
from verl.trainer.ppo.core_algos import POLICY_LOSS_REGISTRY, get_policy_loss_fn
from verl.workers.config import PolicyLossConfig

from losses import registry, surrogate
from losses.baselines.cispo import CISPOConfig
from losses.baselines.clip_higher import ClipHigherConfig
from losses.baselines.dppo_kl import DPPOKLConfig
from losses.baselines.dppo_tv import DPPOTVConfig
from losses.baselines.gmpo import GMPOConfig
from losses.baselines.grpo import GRPOConfig
from losses.baselines.gspo import GSPOConfig
from losses.baselines.sapo import SAPOConfig

VERLS_OWN = {
    GRPOConfig: ("vanilla", core_algos.compute_policy_loss_vanilla, "grpo"),
    ClipHigherConfig: ("vanilla", core_algos.compute_policy_loss_vanilla, "clip_higher"),
    CISPOConfig: ("cispo", core_algos.compute_policy_loss_cispo, "cispo_weighted"),
    SAPOConfig: ("sapo", core_algos.compute_policy_loss_sapo, "sapo_weighted"),
    GSPOConfig: ("gspo", core_algos.compute_policy_loss_gspo, "gspo_weighted"),
    DPPOTVConfig: ("dppo_tv", core_algos.compute_policy_loss_dppo_tv, "dppo_tv_weighted"),
    DPPOKLConfig: ("dppo_kl", core_algos.compute_policy_loss_dppo_kl, "dppo_kl_weighted"),
}


@pytest.mark.parametrize("config_class", VERLS_OWN)
def test_default_options_run_verls_own_function(config_class):
    name, function, _ = VERLS_OWN[config_class]
    assert config_class().loss_mode == name
    assert get_policy_loss_fn(name) is function


def test_these_are_all_methods_that_verl_computes():
    verls = {config for config in registry.METHODS.values() if config.verl_loss}
    assert verls == set(VERLS_OWN)
    assert set(VERLS) == {config.method for config in verls}


@pytest.mark.parametrize(
    "config",
    [
        GRPOConfig(dual_clip=False),
        GRPOConfig(fused=True),
        GRPOConfig(opsm_delta=0.5),
        GRPOConfig(top_entropy_share=0.2),
        GSPOConfig(opsm_delta=0.5),
        GRPOConfig(loss_mode="grpo"),
        ClipHigherConfig(dual_clip=False),
        ClipHigherConfig(fused=True),
        CISPOConfig(cispo_two_sided=False),
        CISPOConfig(cispo_mask_low=0.2),
        CISPOConfig(cispo_mask_high=0.2),
        CISPOConfig(dual_clip=True),
        CISPOConfig(fused=True),
        SAPOConfig(dual_clip=True),
        SAPOConfig(fused=True),
        GSPOConfig(dual_clip=True),
        GSPOConfig(fused=True),
        DPPOTVConfig(dual_clip=True),
        DPPOTVConfig(fused=True),
        DPPOTVConfig(dppo_quadratic=0.001),
        DPPOKLConfig(dual_clip=True),
        DPPOKLConfig(fused=True),
        DPPOKLConfig(dppo_quadratic=0.001),
        replace(GRPOConfig(), fused=True),
    ],
    ids=lambda config: f"{config.method} dual_clip={config.dual_clip} fused={config.fused}",
)
def test_an_option_verl_does_not_know_switches_to_our_function(config):
    own = VERLS_OWN[type(config)][2]
    assert config.loss_mode == own
    assert get_policy_loss_fn(own) is surrogate.policy_loss


def test_our_registrations_leave_verls_functions_alone():
    names = [config.verl_loss for config in VERLS_OWN] + ["geo_mean", "clip_cov", "kl_cov", "gpg"]
    assert all(POLICY_LOSS_REGISTRY[name].__module__ == "verl.trainer.ppo.core_algos" for name in names)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("name", "mode"), [(name, mode) for name in VERLS for mode in CASES[name].modes], ids=lambda value: value
)
def test_verls_gradient_is_ours(name, mode, seed):
    """Away from exact ties, where verl's clamp and maximum split the gradient."""
    case, batch = CASES[name], full_batch(seed=seed)
    own = replace(case.config, loss_mode=case.config.own_loss)
    mask = batch["response_mask"]
    _, verls, verls_metrics = call(actor_config(case.config, mask, mode), batch)
    _, ours, our_metrics = call(actor_config(own, mask, mode), batch)
    torch.testing.assert_close(verls, ours, rtol=tolerance(mode), atol=0)
    # Both are the closed form, not only each other.
    np.testing.assert_allclose(ours.numpy(), gradient_of(batch, case.ascent(batch), mode), rtol=tolerance(mode), atol=0)
    assert our_metrics["actor/ppo_kl"] == pytest.approx(verls_metrics["actor/ppo_kl"], rel=1e-9)


def test_the_batches_reach_every_branch_of_verls_clips():
    """Otherwise the test above would compare r with r."""
    for name in VERLS:
        for sign in (-1, 1):
            changed = 0
            for batch in (full_batch(seed=seed) for seed in range(5)):
                t = sample_of(batch)
                changed += (CASES[name].ascent(batch) != t.r * t.A)[t.mask & (np.sign(t.A) == sign)].sum()
            assert changed >= 5, f"{name}, sign {sign}"


def test_sapo_ignores_the_aggregation_of_the_config_in_verl_but_not_in_ours():
    """Why SAPOConfig.check_actor refuses any other aggregation for verl's function."""
    batch = full_batch()
    mask = batch["response_mask"]
    sequences = call(actor_config(SAPOConfig(), mask, SEQUENCES), batch)[1]
    assert torch.equal(call(actor_config(SAPOConfig(), mask, "token-mean"), batch)[1], sequences)
    ours = call(actor_config(SAPOConfig(loss_mode="sapo_weighted"), mask, "token-mean"), batch)[1]
    assert not torch.allclose(ours, sequences)


# verl's geo_mean and our GMPO


def geo_mean(parts):
    """The summed gradient of verl's geo_mean over micro-batches."""
    found = []
    for part in parts:
        leaf = part["log_prob"].clone().requires_grad_()
        config = actor_config(PolicyLossConfig(loss_mode="geo_mean"), part["response_mask"], SEQUENCES)
        loss, _ = forward_of_verl(config, part, leaf)
        loss.backward()
        found.append(leaf.grad)
    return torch.cat(found)


def forward_of_verl(config, batch, log_prob):
    assert get_policy_loss_fn("geo_mean") is core_algos.compute_policy_loss_geo_mean
    return forward(config, batch, log_prob)


@pytest.mark.parametrize("seed", range(4))
def test_gmpo_is_verls_geo_mean_on_one_whole_batch(seed):
    batch = make_batch(seed=seed)
    config = actor_config(GMPOConfig(), batch["response_mask"], SEQUENCES)
    _, grad, _ = call(config, batch)
    assert ((grad == 0) & batch["response_mask"]).any(), "no token was clipped"
    # verl adds 1e-8 to the token counts, of the advantage too.
    torch.testing.assert_close(grad, geo_mean([batch]), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("pieces", [2, 4])
def test_verls_geo_mean_grows_with_the_number_of_micro_batches_and_ours_does_not(pieces):
    batch = make_batch()
    parts = pieces_of(batch, pieces)
    whole = geo_mean([batch])
    assert whole.abs().sum() > 0
    torch.testing.assert_close(geo_mean(parts), pieces * whole, rtol=1e-9, atol=0)
    config = actor_config(GMPOConfig(), batch["response_mask"], SEQUENCES)
    ours = torch.cat([call(config, part, **over_mini_batch(config, parts))[1] for part in parts])
    torch.testing.assert_close(ours, whole, rtol=1e-7, atol=1e-12)
