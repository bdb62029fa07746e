"""What a baseline refuses to train without, and how a worker collects it."""

import pytest
import torch
from baseline_cases import CASES, called, full_batch
from loss_cases import actor_config, call, forward

from losses.baselines.entropy_adv import EntropyAdvConfig
from losses.extras import Extras, provided


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("entropy_adv", "entropy"),
        ("aspo, split", "entropy"),
        ("bapo", "mini-batch"),
        ("m2po", "mini-batch"),
        ("gppo, likelihood", "correct"),
        ("ce_gppo, likelihood", "correct"),
    ],
)
def test_refuses_to_train_without_what_it_needs(name, what):
    """The message names the method, what is missing and the cure."""
    case, batch = CASES[name], full_batch()
    config = actor_config(case.config, batch["response_mask"])
    bare = {key: batch[key] for key in ("log_prob", "old_log_prob", "advantages", "response_mask")}
    method = case.config.method
    with provided(Extras()), pytest.raises(RuntimeError, match=rf"policy_loss={method} needs .*{what}.*recipes\.train"):
        call(config, bare)


def test_the_fused_pass_does_not_blame_the_compiler_for_it(recwarn: pytest.WarningsRecorder) -> None:
    batch = full_batch()
    config = actor_config(EntropyAdvConfig(fused=True), batch["response_mask"])
    bare = {key: batch[key] for key in ("log_prob", "old_log_prob", "advantages", "response_mask")}
    with pytest.raises(RuntimeError, match="policy_loss=entropy_adv needs"):
        call(config, bare)
    assert not [warning for warning in recwarn if "does not compile" in str(warning.message)]


BARE = ("grpo, ours", "cispo, masked", "gppo", "aspo", "dac", "gmpo", "topr", "vespo", "respo", "drpo", "sapo, ours")


@pytest.mark.parametrize("name", BARE)
def test_the_others_need_nothing_beyond_what_verl_hands_over(name):
    case, batch = CASES[name], full_batch()
    bare = {key: batch[key] for key in ("log_prob", "old_log_prob", "advantages", "response_mask")}
    assert case.config.needs == frozenset()
    _, grad, _ = call(actor_config(case.config, batch["response_mask"]), bare)
    assert torch.equal(grad, called(case, batch)[1])


def test_collecting_statistics_computes_no_loss():
    case, batch = CASES["bapo"], full_batch()
    config = actor_config(case.config, batch["response_mask"])
    collected = []
    loss, metrics = forward(config, batch, batch["log_prob"], collected=collected)
    assert (loss.item(), metrics, len(collected)) == (0.0, {}, 1)
    assert collected[0].dtype == torch.float64
