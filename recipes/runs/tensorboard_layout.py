"""The charts of TensorBoard's tab "Custom Scalars": what one looks at first, in four groups."""

from pathlib import Path

# Group → chart → tags, as regular expressions. TensorBoard writes _ for @ and other signs in a tag, hence the dots.
LAYOUT: dict[str, dict[str, list[str]]] = {
    "learning": {
        "reward": [r"critic/score/mean$"],
        "validation": [r"val-core/.*/acc/mean.\d+$"],
        "standard error of the validation": [r"val-aux/.*/acc/stderr.\d+$"],
        "prompts that teach nothing": [r"reward/groups/all_(right|wrong)_share$"],
    },
    "policy": {
        "entropy": [r"actor/entropy$"],
        "KL from the policy that generated": [r"actor/ppo_kl$"],
        "quantiles of the ratio": [r"actor/ratio_quantile/q\d+$"],
        "tokens outside the trust region": [r"actor/token_share/(left|right)_(negative|positive)$"],
        "their weight": [r"actor/weight_mean/(left|right)_(negative|positive)$"],
        "MASPO's gate": [r"actor/maspo_(gate|sigma)$"],
        "gradient norm": [r"actor/grad_norm$"],
        "vLLM's probabilities against the trainer's": [r"training/rollout_probs_diff_mean$"],
    },
    "responses": {
        "length": [r"response_length/(mean|max)$"],
        "cut off at the limit": [r"response/truncated_share$"],
        "statuses of the scorer": [r"reward/status/\w+$"],
    },
    "speed": {
        "seconds per step": [r"timing_s/step$"],
        "seconds per phase": [r"timing_s/(gen|old_log_prob|update_actor|update_weights|save_checkpoint|testing)$"],
        "tokens per second and GPU": [r"perf/throughput$"],
    },
}


def write(folder: Path) -> None:
    """Put the layout into a run's new TensorBoard folder.

    Args:
        folder: is made.
    """
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    writer.add_custom_scalars(
        {group: {chart: ["Multiline", tags] for chart, tags in charts.items()} for group, charts in LAYOUT.items()}
    )
    writer.close()
