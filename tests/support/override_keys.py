"""Keys that overrides of the tests begin with, and sizes that they hold for."""

POLICY = "actor_rollout_ref.actor.policy_loss"
REWARD = "reward.custom_reward_function.reward_kwargs"
ACTOR, ROLLOUT, MODEL = (f"actor_rollout_ref.{name}" for name in ("actor", "rollout", "model"))
OPTIM, ENGINE, VALIDATION = f"{ACTOR}.optim", f"{ACTOR}.fsdp_config", f"{ROLLOUT}.val_kwargs"
REFERENCE, CORRECTION = "actor_rollout_ref.ref", "algorithm.rollout_correction"
PAPER = "experiment=dgpo/7b_dgpo"

# The cases must not depend on how the quickstart is tuned.
SIZES = (
    "data.train_batch_size=64",
    f"{ACTOR}.ppo_mini_batch_size=16",
    f"{ACTOR}.ppo_micro_batch_size_per_gpu=64",
    "actor_rollout_ref.rollout.n=8",
    "actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=128",
)
