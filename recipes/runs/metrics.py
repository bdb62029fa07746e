"""The catalogue of what one looks at first: names, words, healthy ranges and cures, for every picture of a run.

The report's page, TensorBoard's charts, the picture of a run and the live view read it; docs/metrics.md is tested
against it. A new metric that people should see is one more entry here (and its row there).
"""

import re
from dataclasses import dataclass

REWARD = "critic/score/mean"
ACCURACY = r"^val-core/(.+)/acc/mean@(\d+)$"
ACCURACY_ERROR = r"^val-aux/(.+)/acc/stderr@(\d+)$"
ALL_RIGHT, ALL_WRONG = "reward/groups/all_right_share", "reward/groups/all_wrong_share"
LENGTH = "response_length/mean"
LONGEST = "response_length/max"
TRUNCATED = "response/truncated_share"
ENTROPY, KL, GRADIENT_NORM = "actor/entropy", "actor/ppo_kl", "actor/grad_norm"
SKIPPED, RATE = "actor/skipped_updates", "actor/lr"
QUANTILE, TOKEN_SHARE, WEIGHT_MEAN = "actor/ratio_quantile/", "actor/token_share/", "actor/weight_mean/"
GATE, SIGMA = "actor/maspo_gate", "actor/maspo_sigma"
MISMATCH, MISMATCH_LOG = "training/rollout_probs_diff_mean", "rollout_corr/log_ppl_abs_diff"
STATUS = "reward/status/"
SECONDS = "timing_s/step"
TOKENS, THROUGHPUT = "perf/total_num_tokens", "perf/throughput"
# Reading order of a boundary case: above where the advantage is positive, left where the ratio has shrunk.
CASES = {
    "left_positive": "Â > 0, r < 1 − ε",
    "right_positive": "Â > 0, r > 1 + ε",
    "left_negative": "Â < 0, r < 1 − ε",
    "right_negative": "Â < 0, r > 1 + ε",
}
QUANTILES = dict(
    q001="0.1 %", q01="1 %", q10="10 %", q50="50 %", q90="90 %", q99="99 %", q999="99.9 %"
)  # fmt: skip
LINEAR, LOG, SHARE = "linear", "log", "share"


@dataclass(frozen=True)
class Chart:
    """One or several metrics that are drawn together.

    Attributes:
        id: short, unique.
        group: learning, policy or running.
        title: what it shows.
        unit: of the values.
        metrics: metric or pattern → what a legend calls it. A pattern begins with ^; its first group is that name.
        row: name under which docs/metrics.md has the row that says `healthy` and `otherwise` in the same words.
        healthy: how it looks when all is well.
        otherwise: what it means, or what to do, when it does not; empty where nothing is known.
        scale: linear, log (of values above 0) or share (0 to 1, told in percent).
        glance: those of the metrics that stand in the small picture of a run.
        errors: pattern of standard errors that belong to the values.
        form: lines (all runs in one plot), accuracy (the same with intervals), band, area or bars (one plot per run).
        split: whether each metric has a plot of its own.
        quiet: leave out where all values are 0.
        note: what a reader needs to know.
    """

    id: str
    group: str
    title: str
    unit: str
    metrics: dict[str, str]
    row: str
    healthy: str
    otherwise: str = ""
    scale: str = LINEAR
    glance: tuple[str, ...] = ()
    errors: str = ""
    form: str = "lines"
    split: bool = False
    quiet: bool = False
    note: str = ""


CATALOGUE = (
    Chart(
        "accuracy", "learning", "Accuracy on held-out problems", "share of right answers", {ACCURACY: ""},
        "val-core/<source>/acc/mean@<n>", "rises by more than its standard error",
        "reward rises and this does not: the training set is too narrow, or was seen; look at "
        "`generations/validation/`",
        scale=SHARE, errors=ACCURACY_ERROR, form="accuracy", split=True,
        note="Bars are 95 % intervals over the problems, where measured.",
    ),
    Chart(
        "reward", "learning", "Reward", "mean reward per response", {REWARD: "reward"},
        REWARD, "rises, with noise of a batch",
        "flat at 0: [troubleshooting](troubleshooting.md#rewards); flat above 0: see [groups](#groups), "
        "[entropy](#entropy), `actor/grad_norm`",
        glance=(REWARD,),
    ),
    Chart(
        "groups", "learning", "Prompts that teach nothing", "share of prompts",
        {ALL_RIGHT: "all right", ALL_WRONG: "all wrong"},
        ALL_RIGHT, "all right grows as the run learns",
        "above a half: harder problems, `data=` another set, or `sampling=dynamic`",
        scale=SHARE, glance=(ALL_RIGHT, ALL_WRONG),
        note="All responses earn the same, so the advantages of the group are 0.",
    ),
    Chart(
        "length", "learning", "Response length", "tokens, mean", {LENGTH: "length"},
        LENGTH, "a reasoning model gets longer, slowly",
        "a jump with rising entropy is noise; a fall to a few words is a shortcut that earns",
    ),
    Chart(
        "truncated", "learning", "Truncated at the length limit", "share of responses", {TRUNCATED: "truncated"},
        TRUNCATED, "below a tenth, and not growing",
        "a larger `data.max_response_length`, or `reward_shaping=overlong`",
        scale=SHARE, glance=(TRUNCATED,),
    ),
    Chart(
        "entropy", "policy", "Entropy", "nats per token", {ENTROPY: "entropy"},
        ENTROPY, "falls slowly; usual is 0.15 at first and 0.10 after 40 steps",
        "towards 0 in tens of steps, or rising: [troubleshooting](troubleshooting.md#entropy)",
        glance=(ENTROPY,),
    ),
    Chart(
        "kl", "policy", "KL divergence of an update", "nats per token", {KL: "KL"},
        KL, "within ±0.01; usual is a thousandth",
        "above 0.1: a lower learning rate or fewer updates per batch; above `policy_loss.skip_above_kl` the update is "
        "skipped",
        glance=(KL,), note="Estimate k1 of KL(π_old‖π_θ), mean over response tokens.",
    ),
    Chart(
        "gradient", "policy", "Gradient norm", "L2 norm before clipping, logarithmic", {GRADIENT_NORM: "norm"},
        GRADIENT_NORM, "of one size over the run; usual is 0.5 to 1",
        "0: no group differs; jumps: [entropy](#entropy) explodes, or ratios run away",
        scale=LOG, glance=(GRADIENT_NORM,),
    ),
    Chart(
        "rate", "policy", "Learning rate", "after the schedule's step", {RATE: "rate"},
        RATE, "follows the schedule",
        note="Under a cosine it ends at 0: then a well run stands still at its end.",
    ),
    Chart(
        "skipped", "policy", "Skipped updates", "updates per step", {SKIPPED: "skipped"},
        SKIPPED, "0",
        "see `actor/ppo_kl` and `actor/grad_norm` of the steps before; above `trainer.v1.rlvr.skipped_update_limit` in "
        "a row the run stops",
        quiet=True,
    ),
    Chart(
        "quantiles", "policy", "Ratio r = π_θ / π_old", "ratio, logarithmic",
        {f"{QUANTILE}{name}": label for name, label in QUANTILES.items()},
        f"{QUANTILE}q001", "q50 within 1 % of 1; usual are 0.4 to 0.7 for q001 and 1.5 to 1.9 for q999",
        "wide: fewer updates per batch (a larger `actor_rollout_ref.actor.ppo_mini_batch_size`), a lower "
        "`actor_rollout_ref.actor.optim.lr`",
        scale=LOG, glance=tuple(f"{QUANTILE}{name}" for name in ("q001", "q50", "q999")), form="band",
        note="Line: median. Bands: 10 to 90 %, 1 to 99 %. Dotted: 0.1 and 99.9 %.",
    ),
    Chart(
        "cases", "policy", "Tokens outside the trust region", "share of response tokens",
        {f"{TOKEN_SHARE}{case}": label for case, label in CASES.items()},
        f"{TOKEN_SHARE}left_negative", "thousandths", "hundredths: as for quantiles",
        scale=SHARE, glance=tuple(f"{TOKEN_SHARE}{case}" for case in ("left_negative", "right_positive")), split=True,
        quiet=True,
    ),
    Chart(
        "weights", "policy", "Their mean gradient weight", "gradient weight w",
        {f"{WEIGHT_MEAN}{case}": label for case, label in CASES.items()},
        f"{WEIGHT_MEAN}left_negative",
        "what the method promises: 0 for GRPO and below 1 for DGPO at `left_negative` (Â < 0, r < 1 − ε), r where the "
        "update pulls back ([methods.md](methods.md))",
        "another value: the clip widths are not those you mean",
        glance=tuple(f"{WEIGHT_MEAN}{case}" for case in ("left_negative", "right_positive")), split=True, quiet=True,
        note="1 is the weight at r = 1; 0 means clipped.",
    ),
    Chart(
        "gate", "policy", "MASPO's gate", "mean gate, 0 to 1", {GATE: "gate"},
        GATE, "above 0.9; lower means that much of the gradient is gated away",
    ),
    Chart(
        "sigma", "policy", "MASPO's σ", "mean width", {SIGMA: "σ"},
        SIGMA, "above `maspo_sigma_base` (unlikely tokens get more room); far above: `maspo_alpha` is large",
    ),
    Chart(
        "sampler", "policy", "Trainer against sampler", "|π_trainer − π_sampler|, mean over tokens",
        {MISMATCH: "difference"},
        MISMATCH, "constant; usual is 1e-6 in float32 (the CPU preset), some thousandths in bfloat16",
        "grows over the run: correct it, `rollout_correction=token_tis`",
        glance=(MISMATCH,), note="The same weights, two engines: what their numerics differ by.",
    ),
    Chart(
        "sampler_log", "policy", "Trainer against sampler, log-probability", "nats per token",
        {MISMATCH_LOG: "difference"},
        MISMATCH_LOG, "hundredths", "single responses far off",
        note="|mean log π_trainer − mean log π_sampler| per response.",
    ),
    Chart(
        "status", "running", "What the scorer said", "share of responses", {f"^{STATUS}(.+)$": ""},
        f"{STATUS}ok", "`ok` rises", scale=SHARE, form="area",
    ),
    Chart(
        "phases", "running", "Where the time goes", "seconds per step", {r"^timing_s/([^/]+)$": ""},
        "timing_s/gen", "`gen` is the largest part",
        "grows with `response_length/mean`; with `separate_async`, what is waited for",
        form="bars", note="Mean over neighbouring steps where there are many.",
    ),
    Chart(
        "throughput", "running", "Throughput", "tokens per second and GPU", {THROUGHPUT: "throughput"},
        THROUGHPUT, "constant", "falls: look for the phase under [time](#time)",
    ),
)  # fmt: skip


def pattern(metric: str) -> str:
    """A regular expression that matches the metric, or those that a pattern stands for, from begin to end."""
    return metric if metric.startswith("^") else f"^{re.escape(metric)}$"
