"""The losses verl calls as `dgpo` and `maspo`: their gradient, aggregation, masking, metrics and settings.

Per token the loss is -sg(w) * A * exp(log pi - sg(log pi)); its gradient with respect to log pi is -w * A times verl's
aggregation factor. The weights are computed here a second time, in float64 numpy.
"""

import math

import numpy as np
import pytest
import torch
from loss_cases import (
    BOUNDARY_CASES,
    HIGH,
    LOW,
    MODES,
    actor_config,
    call,
    gradient_of,
    make_batch,
    pieces_of,
    rows,
    tokens_of,
    tolerance,
)
from verl.trainer.ppo.core_algos import get_policy_loss_fn

from dgpo.config import DGPOConfig
from losses.ratio_histogram import RATIO_SHARES
from maspo.config import MASPOConfig


def dgpo_weight(log_ratio, old_log_prob, advantages, n=1, m=2):
    r = np.exp(np.clip(log_ratio, -20, 20))
    left, right = (r < 1 - LOW) & (advantages < 0), (r > 1 + HIGH) & (advantages > 0)
    return np.select([left, right], [r * (r / (1 - LOW)) ** n, r * ((1 + HIGH) / r) ** (1 / m)], r)


def maspo_parts(log_ratio, old_log_prob, advantages, base=1.0, alpha=0.3, pos=0.03, neg=0.03, both=False):
    r = np.exp(np.clip(log_ratio, -20, 20))
    mass = np.clip(base / np.exp(old_log_prob) ** alpha, base, 10)
    widening, narrowing = 1 + pos * np.abs(advantages), 1 / (1 + neg * np.abs(advantages))
    sigma = mass * np.clip(np.where(advantages > 0, widening, narrowing), 0.1, 10)
    gated = both | ((advantages > 0) & (r > 1)) | ((advantages < 0) & (r < 1))
    return r, np.where(gated, np.exp(-((r - 1) ** 2) / (2 * sigma**2)), 1.0), sigma


def maspo_weight(*tokens, **settings):
    r, gate, _ = maspo_parts(*tokens, **settings)
    return r * gate


MASPO_CHANGED = {"maspo_sigma_base": 0.5, "maspo_alpha": 0.4, "maspo_beta_pos": 0.3, "maspo_beta_neg": 0.1}
METHODS = {
    "dgpo": (DGPOConfig(), dgpo_weight),
    "dgpo, n=2, m=3": (DGPOConfig(dgpo_n=2, dgpo_m=3), lambda *tokens: dgpo_weight(*tokens, n=2, m=3)),
    "maspo": (MASPOConfig(), maspo_weight),
    "maspo, changed": (
        MASPOConfig(**MASPO_CHANGED),
        lambda *tokens: maspo_weight(*tokens, base=0.5, alpha=0.4, pos=0.3, neg=0.1),
    ),
    "maspo, bilateral": (MASPOConfig(maspo_gate="bilateral"), lambda *tokens: maspo_weight(*tokens, both=True)),
}


@pytest.fixture(params=METHODS)
def method(request):
    """A policy-loss config and its float64 weight."""
    return METHODS[request.param]


@pytest.fixture(params=["dgpo", "maspo"])
def default_method(request):
    return METHODS[request.param]


def expected_gradient(batch, reference, mode="token-mean") -> np.ndarray:
    """-w * A * mask times the factor verl's aggregation gives each token."""
    tokens = tokens_of(batch)
    return gradient_of(batch, reference(*tokens) * tokens[2], mode)


# The gradient


@pytest.mark.parametrize("mode", MODES)
def test_gradient_is_minus_weight_times_advantage(method, mode):
    policy_loss, reference = method
    batch = make_batch()
    loss, grad, _ = call(actor_config(policy_loss, batch["response_mask"], mode), batch)
    target = expected_gradient(batch, reference, mode)
    rtol = tolerance(mode)
    np.testing.assert_allclose(grad.numpy(), target, rtol=rtol, atol=0)
    assert loss.item() == pytest.approx(target.sum(), abs=rtol * np.abs(target).sum())  # terms of both signs


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 2e-5), (torch.bfloat16, 1e-2)])
def test_gradient_in_low_precision(method, dtype, rtol):
    policy_loss, reference = method
    batch = make_batch(dtype)
    loss, grad, _ = call(actor_config(policy_loss, batch["response_mask"]), batch)
    assert grad.dtype == dtype
    assert loss.dtype == torch.float32
    target = expected_gradient(batch, reference)
    np.testing.assert_allclose(grad.double().numpy(), target, rtol=rtol, atol=0)
    assert loss.item() == pytest.approx(target.sum(), rel=1e-3)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_gradient_with_advantages_of_one_sign(method, sign):
    policy_loss, reference = method
    batch = make_batch()
    batch["advantages"] = sign * batch["advantages"].abs()
    _, grad, _ = call(actor_config(policy_loss, batch["response_mask"]), batch)
    np.testing.assert_allclose(grad.numpy(), expected_gradient(batch, reference), rtol=1e-9, atol=0)
    assert (sign * grad[batch["response_mask"]] < 0).all(), "descent must raise tokens with A > 0 and lower the others"


def test_zero_advantages_give_zero_gradient(default_method):
    batch = make_batch()
    batch["advantages"] = torch.zeros_like(batch["advantages"])
    loss, grad, _ = call(actor_config(default_method[0], batch["response_mask"]), batch)
    assert loss.item() == 0
    assert (grad == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("advantage", [-1.0, 1.0])
def test_finite_at_extreme_ratios(default_method, advantage, dtype):
    """Ratios of e^+-60 at old probabilities of 1e-12 and 1; the weight is that of the ratio clamped at e^+-20."""
    policy_loss, reference = default_method
    old = torch.tensor([[math.log(1e-12)] * 2, [0.0] * 2], dtype=dtype)
    batch = {
        "old_log_prob": old,
        "log_prob": old + torch.tensor([-60.0, 60.0], dtype=dtype),
        "advantages": torch.full_like(old, advantage),
        "response_mask": torch.ones(2, 2, dtype=torch.bool),
    }
    loss, grad, metrics = call(actor_config(policy_loss, batch["response_mask"]), batch)
    assert torch.isfinite(loss)
    assert all(map(math.isfinite, metrics.values()))
    rtol = 1e-9 if dtype == torch.float64 else 2e-5
    np.testing.assert_allclose(grad.numpy(), expected_gradient(batch, reference), rtol=rtol, atol=1e-37)


def test_only_the_current_log_prob_carries_gradient(default_method):
    batch = make_batch()
    others = [batch[name].requires_grad_() for name in ("old_log_prob", "advantages")]
    rollout_is_weights = torch.ones_like(batch["log_prob"]).requires_grad_()
    call(actor_config(default_method[0], batch["response_mask"]), batch, rollout_is_weights)
    assert all(tensor.grad is None for tensor in [*others, rollout_is_weights])


def test_rollout_correction_weights_multiply_every_token(method):
    policy_loss, reference = method
    batch = make_batch()
    rollout_is_weights = torch.linspace(0, 2, batch["log_prob"].numel(), dtype=torch.float64).view(8, 12)
    config = actor_config(policy_loss, batch["response_mask"])
    loss, grad, metrics = call(config, batch, rollout_is_weights)
    target = expected_gradient(batch, reference) * rollout_is_weights.numpy()
    np.testing.assert_allclose(grad.numpy(), target, rtol=1e-9, atol=0)
    assert loss.item() == pytest.approx(target.sum(), rel=1e-9)
    assert metrics == call(config, batch)[2], "metrics describe the method's own weight"


# How the batch is cut


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pieces", [1, 2, 4, 8])
def test_micro_batches_sum_to_the_same_gradient(method, mode, pieces):
    policy_loss, _ = method
    batch = make_batch()
    config = actor_config(policy_loss, batch["response_mask"], mode)
    whole_loss, whole_grad, _ = call(config, batch)
    parts = [call(config, part) for part in pieces_of(batch, pieces)]
    torch.testing.assert_close(torch.cat([grad for _, grad, _ in parts]), whole_grad, rtol=1e-12, atol=0)
    torch.testing.assert_close(sum(loss for loss, _, _ in parts), whole_loss, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("mode", MODES)
def test_data_parallel_ranks_average_to_the_same_gradient(default_method, mode):
    batch = make_batch()
    mask = batch["response_mask"]
    _, whole, _ = call(actor_config(default_method[0], mask, mode), batch)
    config = actor_config(default_method[0], mask, mode, dp_size=2)
    ranks = [call(config, rows(batch, part))[1] / 2 for part in (slice(0, 4), slice(4, 8))]
    torch.testing.assert_close(torch.cat(ranks), whole, rtol=1e-12, atol=0)


# Masking


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("garbage", [math.inf, -math.inf, math.nan, -1e9])
def test_garbage_in_padding_changes_nothing(default_method, mode, garbage):
    batch = make_batch()
    mask = batch["response_mask"]
    config = actor_config(default_method[0], mask, mode)
    rollout_is_weights = torch.full_like(batch["log_prob"], 0.5)
    clean_loss, clean_grad, clean_metrics = call(config, batch, rollout_is_weights)
    everything = batch | {"rollout_is_weights": rollout_is_weights}
    for name in ("log_prob", "old_log_prob", "advantages", "rollout_is_weights"):
        dirty = everything | {name: everything[name].masked_fill(~mask, garbage)}
        loss, grad, metrics = call(config, dirty, dirty["rollout_is_weights"])
        assert loss.item() == clean_loss.item(), name
        assert torch.equal(grad, clean_grad), name
        assert metrics == clean_metrics, name
    assert (clean_grad[~mask] == 0).all()


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_any_dtype_of_mask_will_do(default_method, dtype):
    batch = make_batch()
    config = actor_config(default_method[0], batch["response_mask"])
    _, target, _ = call(config, batch)
    batch["response_mask"] = batch["response_mask"].to(dtype)
    torch.testing.assert_close(call(config, batch)[1], target, rtol=1e-12, atol=0)


@pytest.mark.parametrize("mode", MODES)
def test_a_fully_masked_micro_batch_adds_nothing(default_method, mode):
    batch = make_batch()
    config = actor_config(default_method[0], batch["response_mask"], mode)
    batch["response_mask"] = torch.zeros_like(batch["response_mask"])
    batch["log_prob"][0, 0] = math.nan
    loss, grad, metrics = call(config, batch)
    assert loss.item() == 0
    assert (grad == 0).all()
    assert all(map(math.isfinite, metrics.values()))


# Metrics


def test_metrics_are_means_over_the_response_tokens(method):
    policy_loss, reference = method
    batch = make_batch()
    _, _, metrics = call(actor_config(policy_loss, batch["response_mask"]), batch)
    mask = batch["response_mask"].numpy()
    log_ratio, old, advantages = (column[mask] for column in tokens_of(batch))
    r, w = np.exp(log_ratio), reference(log_ratio, old, advantages)
    members = {
        "left_negative": (r < 1 - LOW) & (advantages < 0),
        "left_positive": (r < 1 - LOW) & (advantages > 0),
        "right_negative": (r > 1 + HIGH) & (advantages < 0),
        "right_positive": (r > 1 + HIGH) & (advantages > 0),
    }
    assert all(member.any() for member in members.values())
    expected = {"actor/ppo_kl": -log_ratio.mean()}
    for case, member in members.items():
        expected[f"actor/token_share/{case}"] = member.mean()
        expected[f"actor/weight_mass/{case}"] = (member * w).mean()
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize(
    ("policy_loss", "settings"),
    [
        (MASPOConfig(), {}),
        (MASPOConfig(**MASPO_CHANGED), {"base": 0.5, "alpha": 0.4, "pos": 0.3, "neg": 0.1}),
        (MASPOConfig(maspo_gate="bilateral"), {"both": True}),
    ],
    ids=["default", "changed", "bilateral"],
)
def test_maspo_reports_its_gate_and_width(policy_loss, settings):
    batch = make_batch()
    _, _, metrics = call(actor_config(policy_loss, batch["response_mask"]), batch)
    tokens = (column[batch["response_mask"].numpy()] for column in tokens_of(batch))
    _, gate, sigma = maspo_parts(*tokens, **settings)
    assert metrics["actor/maspo_gate"] == pytest.approx(gate.mean(), rel=1e-9)
    assert metrics["actor/maspo_sigma"] == pytest.approx(sigma.mean(), rel=1e-9)


def test_metric_names_are_known_and_reduce_by_mean(default_method):
    """verl reduces a metric by maximum or minimum when its NAME contains `max` or `min`."""
    policy_loss, _ = default_method
    batch = make_batch()
    _, _, metrics = call(actor_config(policy_loss, batch["response_mask"]), batch)
    kinds = ("token_share", "weight_mass")
    names = {"actor/ppo_kl", *RATIO_SHARES} | {f"actor/{kind}/{case}" for kind in kinds for case in BOUNDARY_CASES}
    if policy_loss.loss_mode == "maspo":
        names |= {"actor/maspo_gate", "actor/maspo_sigma"}
    assert set(metrics) == names
    assert not [name for name in metrics if "max" in name or "min" in name or not name.startswith("actor/")]


def test_every_micro_batch_reports_the_same_plain_floats(default_method):
    """One response at a time: short ones, one without a token, some with nothing outside the trust region."""
    batch = make_batch()
    config = actor_config(default_method[0], batch["response_mask"])
    every = [call(config, rows(batch, slice(i, i + 1)))[2] for i in range(8)]
    assert all(list(metrics) == list(every[0]) for metrics in every)
    values = [value for metrics in every for value in metrics.values()]
    assert all(type(value) is float and math.isfinite(value) for value in values)


def test_tokens_without_advantage_are_in_no_boundary_case(default_method):
    batch = make_batch()
    batch["advantages"] = torch.zeros_like(batch["advantages"])
    _, _, metrics = call(actor_config(default_method[0], batch["response_mask"]), batch)
    assert all(metrics[f"actor/token_share/{case}"] == 0 for case in BOUNDARY_CASES)


# Settings


@pytest.mark.parametrize(("config_class", "name"), [(DGPOConfig, "dgpo"), (MASPOConfig, "maspo")])
def test_a_default_config_selects_its_own_loss(config_class, name):
    assert config_class().loss_mode == name
    assert callable(get_policy_loss_fn(name))


@pytest.mark.parametrize(
    ("config_class", "settings", "named"),
    [
        (DGPOConfig, {"dgpo_n": 0}, "dgpo_n"),
        (DGPOConfig, {"dgpo_n": 1.5}, "dgpo_n"),
        (DGPOConfig, {"dgpo_n": "2"}, "dgpo_n"),
        (DGPOConfig, {"dgpo_m": 0}, "dgpo_m"),
        (DGPOConfig, {"dgpo_m": -1}, "dgpo_m"),
        (MASPOConfig, {"maspo_alpha": -0.1}, "maspo_alpha"),
        (MASPOConfig, {"maspo_sigma_base": 0}, "maspo_sigma_base"),
        (MASPOConfig, {"maspo_sigma_base": math.nan}, "maspo_sigma_base"),
        (MASPOConfig, {"maspo_beta_pos": math.inf}, "maspo_beta_pos"),
        (MASPOConfig, {"maspo_beta_neg": "0.03"}, "maspo_beta_neg"),
        (MASPOConfig, {"maspo_risk_low": 2.0, "maspo_risk_high": 1.0}, "maspo_risk_low"),
        (MASPOConfig, {"maspo_risk_low": 2.0, "maspo_risk_high": 1.0}, "maspo_risk_high"),
        (MASPOConfig, {"maspo_sigma_base": 20.0}, "maspo_sigma_high"),
        (MASPOConfig, {"maspo_gate": "both"}, "maspo_gate"),
    ],
)
def test_a_bad_value_is_refused_by_name(config_class, settings, named):
    with pytest.raises(ValueError, match=named):
        config_class(**settings)


@pytest.mark.parametrize(("config_class", "typo"), [(DGPOConfig, "dgpo_k"), (MASPOConfig, "maspo_alhpa")])
def test_a_misspelt_field_is_refused(config_class, typo):
    with pytest.raises(TypeError, match=typo):
        config_class(**{typo: 1})


@pytest.mark.parametrize(
    "config",
    [DGPOConfig(dgpo_n=1, dgpo_m=1), MASPOConfig(maspo_alpha=0.0, maspo_beta_pos=0.0, maspo_beta_neg=0.0)],
    ids=["dgpo", "maspo"],
)
def test_the_edges_of_the_allowed_ranges_train(config):
    batch = make_batch()
    _, grad, _ = call(actor_config(config, batch["response_mask"]), batch)
    assert torch.isfinite(grad).all()
    assert grad.abs().sum() > 0
