"""What the dataclasses of the baselines refuse, and how they say it."""

import math
from types import SimpleNamespace

import pytest
from baseline_cases import CONFIGS

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
from losses.extras import NONE
from losses.method import MethodConfig
from losses.tokens import Tokens
from recipes.plugin.methods import METHODS

BAPO_NUMBERS = [name for name in BAPOConfig.__dataclass_fields__ if name.startswith("bapo_") and "stat" not in name]
VESPO_NUMBERS = [name for name in VESPOConfig.__dataclass_fields__ if name.startswith("vespo_")]
OF_EVERY_METHOD = {"dual_clip", "fused", "opsm_delta", "top_entropy_share"}
BAD = [
    *[
        (config_class, name, value)
        for config_class in METHODS.values()
        for name in ("dual_clip", "fused")
        for value in (1, "true", None)
    ],
    *[
        (config_class, "opsm_delta", value)
        for config_class in METHODS.values()
        for value in (-0.1, "0.5", math.nan, True)
    ],
    *[
        (config_class, "top_entropy_share", value)
        for config_class in METHODS.values()
        for value in (0, 1.5, "0.2", math.nan)
    ],
    *[(ASPOConfig, "aspo_entropy_split", value) for value in (1, "yes", None)],
    *[(ASPOConfig, "aspo_entropy_quantile", value) for value in (0, 1, -0.1, 1.5, "0.8", math.nan, True)],
    *[(ASPOConfig, "aspo_split_clip_ratio", value) for value in (0, 1, -0.4, "0.4", math.nan)],
    *[(BAPOConfig, name, value) for name in BAPO_NUMBERS for value in (0, -0.1, "0.4", math.nan, math.inf, None)],
    *[(BAPOConfig, "bapo_positive_share", value) for value in (1, 1.5)],
    (BAPOConfig, "bapo_low_end", 0.59),
    (BAPOConfig, "bapo_low_end", 1.01),
    (BAPOConfig, "bapo_high_start", 0.99),
    (BAPOConfig, "bapo_high_end", 1.19),
    *[(BAPOConfig, "bapo_statistic", value) for value in ("paper", "", None)],
    *[(CEGPPOConfig, name, value) for name in ("ce_gppo_beta1", "ce_gppo_beta2") for value in (-0.1, "1", math.nan)],
    *[
        (config_class, "likelihood_coefficient", value)
        for config_class in (GPPOConfig, CEGPPOConfig)
        for value in (-0.1, "0.1", math.inf, True, None)
    ],
    *[(CISPOConfig, "cispo_two_sided", value) for value in (0, "false", None)],
    *[
        (CISPOConfig, name, value)
        for name in ("cispo_mask_low", "cispo_mask_high")
        for value in (0, -1, "0.2", math.nan)
    ],
    *[(DACConfig, "dac_ratio_max", value) for value in (1, 0.5, "10", math.inf)],
    *[(EntropyAdvConfig, "entropy_adv_alpha", value) for value in (-0.1, "0.4", math.nan)],
    *[(EntropyAdvConfig, "entropy_adv_kappa", value) for value in (1, 0.5, -2, "2", math.inf)],
    *[(M2POConfig, "m2po_budget", value) for value in (0, -0.1, "0.04", math.nan, math.inf, True, None)],
    *[(TOPRConfig, "topr_ratio", value) for value in ("token", "", None)],
    *[
        (config_class, "dppo_quadratic", value)
        for config_class in (DPPOTVConfig, DPPOKLConfig)
        for value in (-0.1, "0.001", math.inf, True, None)
    ],
    *[(DRPOConfig, "drpo_delta", value) for value in (0, -0.1, "0.15", math.nan, math.inf, None)],
    *[(DRPOConfig, "drpo_corrective", value) for value in (1, "yes", None)],
    *[(VESPOConfig, name, value) for name in VESPO_NUMBERS for value in (0, -1, "2", math.nan, math.inf, True, None)],
]


@pytest.mark.parametrize(("config_class", "name", "value"), BAD)
def test_a_bad_value_is_refused_with_the_key_to_write(config_class, name, value):
    with pytest.raises(
        ValueError, match=rf"^actor_rollout_ref\.actor\.policy_loss\.{name}={value!r}: {name} "
    ) as caught:
        config_class(**{name: value})
    cure = str(caught.value).split("Write ")[1]
    assert cure.startswith(f"actor_rollout_ref.actor.policy_loss.{name}=")


@pytest.mark.parametrize("config_class", METHODS.values(), ids=METHODS)
def test_every_hyper_parameter_of_a_method_is_refused_somewhere_here_or_with_the_papers_own(config_class):
    """A field added without a range check shows up here."""
    if config_class.__module__.startswith("losses.baselines."):
        own = set(config_class.__dataclass_fields__) - set(MethodConfig.__dataclass_fields__)
        assert own == {name for checked, name, _ in BAD if checked is config_class} - OF_EVERY_METHOD


@pytest.mark.parametrize("config_class", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("other", ["vanilla", "grpo", "gspo", "dgpo", "geo_mean", "gspo_weighted", "", None])
def test_the_loss_mode_of_another_method_is_refused(config_class, other):
    """verl would train that one without a word."""
    allowed = (config_class.own_loss, config_class.verl_loss)
    if other is not None and other in allowed:
        assert config_class(loss_mode=other).loss_mode in allowed
        return
    with pytest.raises(ValueError, match=rf"loss_mode={other!r}: .*policy_loss={config_class.method}"):
        config_class(loss_mode=other)


@pytest.mark.parametrize("config_class", METHODS.values(), ids=METHODS)
def test_a_misspelt_field_is_refused(config_class):
    with pytest.raises(TypeError, match="dual_clop"):
        config_class(dual_clop=True)


@pytest.mark.parametrize(
    ("config", "dual_clip"),
    [
        (GRPOConfig(), True),
        (ClipHigherConfig(), True),
        (GPPOConfig(), True),
        (CEGPPOConfig(), True),
        (DACConfig(), True),
        (EntropyAdvConfig(), True),
        (CISPOConfig(), False),
        (ASPOConfig(), False),
        (BAPOConfig(), False),
        (M2POConfig(), False),
        (SAPOConfig(), False),
        (GSPOConfig(), False),
        (GMPOConfig(), False),
        (DPPOTVConfig(), False),
        (DPPOKLConfig(), False),
        (DRPOConfig(), False),
        (TOPRConfig(), False),
        (VESPOConfig(), False),
        (ReSPOConfig(), False),
    ],
    ids=lambda value: getattr(value, "method", value),
)
def test_dual_clip_is_on_where_the_papers_or_their_codes_have_it(config, dual_clip):
    assert config.dual_clip is dual_clip
    assert config.fused is False


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ASPOConfig(), {"aspo_entropy_split": False, "aspo_entropy_quantile": 0.8, "aspo_split_clip_ratio": 0.4}),
        (CEGPPOConfig(), {"ce_gppo_beta1": 0.5, "ce_gppo_beta2": 1.0, "likelihood_coefficient": 0.0}),
        (GPPOConfig(), {"likelihood_coefficient": 0.0}),
        (CISPOConfig(), {"cispo_two_sided": True, "cispo_mask_low": None, "cispo_mask_high": None}),
        (DACConfig(), {"dac_ratio_max": 10.0}),
        (EntropyAdvConfig(), {"entropy_adv_alpha": 0.4, "entropy_adv_kappa": 2.0}),
        (TOPRConfig(), {"topr_ratio": "product"}),
        (DPPOTVConfig(), {"dppo_quadratic": 0}),
        (DPPOKLConfig(), {"dppo_quadratic": 0}),
        (DRPOConfig(), {"drpo_delta": 0.15, "drpo_corrective": True}),
        (VESPOConfig(), {"vespo_k_pos": 2, "vespo_lambda_pos": 3, "vespo_k_neg": 3, "vespo_lambda_neg": 2}),
        (M2POConfig(), {"m2po_budget": 0.04}),
        (BAPOConfig(), {"bapo_positive_share": 0.4, "bapo_statistic": "literal"}),
        (BAPOConfig(), {"bapo_low_start": 0.6, "bapo_low_end": 0.9, "bapo_low_step": 0.02}),
        (BAPOConfig(), {"bapo_high_start": 1.2, "bapo_high_end": 3.0, "bapo_high_step": 0.05}),
    ],
    ids=lambda value: getattr(value, "method", None),
)
def test_defaults_are_the_papers(config, expected):
    assert {name: getattr(config, name) for name in expected} == expected


@pytest.mark.parametrize(
    "config",
    [
        ASPOConfig(aspo_entropy_quantile=1e-6, aspo_split_clip_ratio=0.999),
        BAPOConfig(bapo_low_start=0.9, bapo_low_end=0.9, bapo_high_start=1.0, bapo_high_end=1.0),
        BAPOConfig(bapo_low_end=1.0),
        CEGPPOConfig(ce_gppo_beta1=0, ce_gppo_beta2=0, likelihood_coefficient=0),
        CISPOConfig(cispo_mask_low=0.5, cispo_mask_high=3),
        DACConfig(dac_ratio_max=1.001),
        EntropyAdvConfig(entropy_adv_alpha=0, entropy_adv_kappa=1.001),
    ],
    ids=lambda config: config.method,
)
def test_the_edges_of_the_allowed_ranges_are_allowed(config):
    assert config.loss_mode in (config.own_loss, config.verl_loss)


# What must stand elsewhere on the actor


def actor(**changes):
    return SimpleNamespace(**({"loss_agg_mode": "token-mean", "calculate_entropy": False} | changes))


@pytest.mark.parametrize("config", [GSPOConfig(), GSPOConfig(dual_clip=True), GMPOConfig(), SAPOConfig()])
@pytest.mark.parametrize("mode", ["token-mean", "seq-mean-token-sum"])
def test_methods_over_sequences_refuse_other_aggregations(config, mode):
    with pytest.raises(ValueError, match=rf"actor\.loss_agg_mode='{mode}'.*Write .*loss_agg_mode=seq-mean-token-mean"):
        config.check_actor(actor(loss_agg_mode=mode))
    config.check_actor(actor(loss_agg_mode="seq-mean-token-mean"))


def test_our_own_sapo_allows_any_aggregation():
    SAPOConfig(dual_clip=True).check_actor(actor())


@pytest.mark.parametrize("config", [EntropyAdvConfig(), ASPOConfig(aspo_entropy_split=True)])
def test_methods_on_entropy_want_it_measured(config):
    with pytest.raises(ValueError, match=r"actor\.calculate_entropy=False.*Write .*calculate_entropy=true"):
        config.check_actor(actor())
    config.check_actor(actor(calculate_entropy=True))


CONTENT = [
    pytest.param(config, id=name)
    for name, config in CONFIGS.items()
    if config.method not in ("gspo", "gmpo") and config.loss_mode != "sapo" and "entropy" not in config.needs
]


@pytest.mark.parametrize("config", CONTENT)
def test_the_others_are_content_with_verls_defaults(config):
    config.check_actor(actor())


@pytest.mark.parametrize(
    ("config", "needs"),
    [
        (EntropyAdvConfig(), {"entropy"}),
        (ASPOConfig(), set()),
        (ASPOConfig(aspo_entropy_split=True), {"entropy"}),
        (BAPOConfig(), {"statistics"}),
        (M2POConfig(), {"statistics"}),
        (GPPOConfig(), set()),
        (GPPOConfig(likelihood_coefficient=0.1), {"correct"}),
        (CEGPPOConfig(likelihood_coefficient=0.1), {"correct"}),
        (GRPOConfig(), set()),
    ],
    ids=lambda value: getattr(value, "method", None),
)
def test_what_a_method_needs_beyond_what_verl_hands_over(config, needs):
    assert config.needs == needs


def test_which_ratios_are_against_the_rollout_policy():
    assert {name for name in METHODS if METHODS[name].rollout_anchor} == {
        "bapo",
        "dppo_kl",
        "dppo_tv",
        "drpo",
        "m2po",
        "topr",
        "vespo",
    }


def test_a_method_without_a_weight_or_statistics_says_so():
    """The base class of all methods."""

    class Nothing(MethodConfig):
        own_loss = "vanilla"

    nothing = Nothing()
    assert nothing.needs == frozenset()
    for unwritten in (nothing.gradient_weight, nothing.batch_statistics):
        with pytest.raises(NotImplementedError):
            unwritten(Tokens(None, None, None, None, NONE), None)
