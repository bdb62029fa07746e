"""Three real training steps of every method, through verl, vLLM and FSDP (scripts/test.sh --all)."""

import pytest

from recipes.common.paths import config_dir

SIZES = ("-1.5b", "-7b")  # presets that change numbers only
POLICY_LOSSES = [
    name
    for name in sorted(path.stem for path in (config_dir() / "policy_loss").glob("*.yaml"))
    if not name.endswith(SIZES)
]
ELSEWHERE = ("dgpo", "maspo")  # test_training.py
OWN_METRICS = {
    "bapo": ("actor/bapo_c_low", "actor/bapo_c_high", "actor/bapo_positive_share"),
    "m2po": ("actor/m2po_threshold", "actor/m2po_second_moment"),
    "drpo": ("actor/drpo_turned_back",),
    "entropy_adv": ("actor/entropy_adv_factor",),
}
OUTSIDE = [f"actor/token_share/{side}_{sign}" for side in ("left", "right") for sign in ("negative", "positive")]
SHORT = ("trainer.save_freq=-1", "trainer.test_freq=-1", "trainer.val_before_train=false")

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]


def assert_trained(launcher) -> list[dict]:
    """Three steps, with off-policy tokens and a gradient; returns their metrics."""
    assert launcher.steps() == [1, 2, 3]
    updates = [row["data"] for row in launcher.metrics()]
    # A step may lack a group with both right and wrong answers; not all three.
    assert any(update["actor/grad_norm"] > 0 for update in updates)
    assert any(update[case] > 0 for update in updates for case in OUTSIDE), "every token is on-policy"
    return updates


@pytest.mark.slow
@pytest.mark.parametrize("policy_loss", [name for name in POLICY_LOSSES if name not in ELSEWHERE])
def test_three_steps(launcher, policy_loss: str) -> None:
    result = launcher.train(f"policy_loss={policy_loss}", *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    updates = assert_trained(launcher)
    assert all(name in update for name in OWN_METRICS.get(policy_loss, ()) for update in updates)


@pytest.mark.slow
def test_the_likelihood_term_of_klear_reasoner(launcher) -> None:
    """Which responses are correct reaches the loss."""
    loss = "actor_rollout_ref.actor.policy_loss.likelihood_coefficient=0.1"
    result = launcher.train("policy_loss=gppo", loss, *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert_trained(launcher)


@pytest.mark.slow
def test_the_policy_that_sampled_as_anchor(launcher) -> None:
    """No pass for old log-probs; the ratios are against vLLM's own numbers."""
    result = launcher.train("policy_loss=dgpo", "anchor=rollout", *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    updates = assert_trained(launcher)
    assert not any("actor/entropy" in update or "training/rollout_probs_diff_mean" in update for update in updates)
    assert all(update["actor/ppo_kl"] != 0 for update in updates)


@pytest.mark.slow
def test_fused(launcher) -> None:
    result = launcher.train("policy_loss=maspo", "actor_rollout_ref.actor.policy_loss.fused=true", *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert_trained(launcher)
    (log,) = launcher.output.rglob("*.log")
    assert "does not compile" not in log.read_text()


@pytest.mark.slow
def test_entropy_split_of_aspo(launcher) -> None:
    actor = "actor_rollout_ref.actor"
    split = (f"{actor}.policy_loss.aspo_entropy_split=true", f"{actor}.calculate_entropy=true")
    result = launcher.train("policy_loss=aspo", *split, *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert_trained(launcher)


@pytest.mark.slow
def test_two_ranks_search_the_same_bounds(launcher) -> None:
    """BAPO's sums cross the process group."""
    result = launcher.train("policy_loss=bapo", "trainer.n_gpus_per_node=2", *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert_trained(launcher)


@pytest.mark.slow  # on one rank and without Ray: tests/unit/plugin/test_second_pass.py
def test_current_entropy_and_sums_over_the_mini_batch(launcher) -> None:
    """All that our actor worker hands a loss: entropy, for a mask, and sums by a second pass, for BAPO's bounds."""
    actor = "actor_rollout_ref.actor"
    mask = (f"{actor}.policy_loss.top_entropy_share=0.2", f"{actor}.calculate_entropy=true")
    result = launcher.train("policy_loss=bapo", *mask, *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    updates = assert_trained(launcher)
    assert all(name in update for name in OWN_METRICS["bapo"] for update in updates)
