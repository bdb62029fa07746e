"""Which curves the page shows. The page's script draws what has data and leaves out the rest."""

import re
from dataclasses import asdict, dataclass
from typing import Any

ACCURACY = r"^val-core/(.+)/acc/mean@(\d+)$"
QUANTILES = ("q001", "q01", "q10", "q50", "q90", "q99", "q999")
# Reading order of a boundary case: above where the advantage is positive, left where the ratio has shrunk.
CASES = (
    ("left_positive", "Â > 0, r < 1 − ε"),
    ("right_positive", "Â > 0, r > 1 + ε"),
    ("left_negative", "Â < 0, r < 1 − ε"),
    ("right_negative", "Â < 0, r > 1 + ε"),
)


@dataclass(frozen=True)
class Chart:
    """One card of curves.

    Attributes:
        id: of the element.
        section: heading it stands under.
        title: what it shows.
        unit: of the y axis.
        series: (metric or pattern, label) pairs. A pattern begins with ^; its first group is the label.
        form: lines (all runs in one plot), accuracy (the same with intervals), band, area or bars (one plot per run).
        split: whether each series has a plot of its own.
        percent: whether values are shares.
        log: whether the y axis is logarithmic.
        quiet: leave out where all values are 0.
        wide: whether the card takes a whole row.
        note: what a reader needs to know.
    """

    id: str
    section: str
    title: str
    unit: str
    series: tuple[tuple[str, str], ...]
    form: str = "lines"
    split: bool = False
    percent: bool = False
    log: bool = False
    quiet: bool = False
    wide: bool = False
    note: str = ""


def _cases(kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"actor/{kind}/{case}", label) for case, label in CASES)


CHARTS = (
    Chart(
        "accuracy", "Learning", "Accuracy on held-out problems", "share of right answers", ((ACCURACY, ""),),
        form="accuracy", split=True, percent=True, note="Bars are 95 % intervals over the problems, where measured.",
    ),
    Chart("reward", "Learning", "Reward", "mean reward per response", (("critic/score/mean", "reward"),)),
    Chart(
        "groups", "Learning", "Prompts that teach nothing", "share of prompts",
        (("reward/groups/all_right_share", "all right"), ("reward/groups/all_wrong_share", "all wrong")), percent=True,
        note="All responses earn the same, so the advantages of the group are 0.",
    ),
    Chart("length", "Learning", "Response length", "tokens, mean", (("response_length/mean", "length"),)),
    Chart(
        "truncated", "Learning", "Cut off at the length limit", "share of responses",
        (("response/truncated_share", "truncated"),), percent=True,
    ),
    Chart("entropy", "Policy", "Entropy", "nats per token", (("actor/entropy", "entropy"),)),
    Chart(
        "kl", "Policy", "KL divergence of an update", "nats per token", (("actor/ppo_kl", "KL"),),
        note="Estimate k1 of KL(π_old‖π_θ), mean over response tokens.",
    ),
    Chart(
        "gradient", "Policy", "Gradient norm", "L2 norm before clipping, logarithmic", (("actor/grad_norm", "norm"),),
        log=True,
    ),
    Chart(
        "skipped", "Policy", "Skipped updates", "updates per step", (("actor/skipped_updates", "skipped"),), quiet=True
    ),
    Chart(
        "quantiles", "Policy", "Ratio r = π_θ / π_old", "ratio, logarithmic",
        tuple((f"actor/ratio_quantile/{name}", name) for name in QUANTILES), form="band", log=True,
        note="Line: median. Bands: 10 to 90 %, 1 to 99 %. Dotted: 0.1 and 99.9 %.",
    ),
    Chart(
        "cases", "Policy", "Tokens outside the trust region", "share of response tokens", _cases("token_share"),
        split=True, percent=True, quiet=True,
    ),
    Chart(
        "weights", "Policy", "Their mean gradient weight", "gradient weight w", _cases("weight_mean"), split=True,
        quiet=True, note="1 is the weight at r = 1; 0 means clipped.",
    ),
    Chart("gate", "Policy", "MASPO's gate", "mean gate, 0 to 1", (("actor/maspo_gate", "gate"),)),
    Chart("sigma", "Policy", "MASPO's σ", "mean width", (("actor/maspo_sigma", "σ"),)),
    Chart(
        "sampler", "Policy", "Trainer against sampler", "|π_trainer − π_sampler|, mean over tokens",
        (("training/rollout_probs_diff_mean", "difference"),),
        note="The same weights, two engines: what their numerics differ by.",
    ),
    Chart(
        "sampler_log", "Policy", "Trainer against sampler, log-probability", "nats per token",
        (("rollout_corr/log_ppl_abs_diff", "difference"),),
        note="|mean log π_trainer − mean log π_sampler| per response.",
    ),
    Chart(
        "status", "Running", "What the scorer said", "share of responses", ((r"^reward/status/(.+)$", ""),),
        form="area", percent=True,
    ),
    Chart(
        "phases", "Running", "Where the time goes", "seconds per step", ((r"^timing_s/([^/]+)$", ""),), form="bars",
        note="Mean over neighbouring steps where there are many.",
    ),
    Chart("throughput", "Running", "Throughput", "tokens per second and GPU", (("perf/throughput", "throughput"),)),
)  # fmt: skip
_HISTOGRAM = r"^actor/ratio_share/bin_\d+$"
_INTERVALS = r"^val-aux/.+/acc/stderr@\d+$"


def _pattern() -> re.Pattern[str]:
    found = [name if name.startswith("^") else f"^{re.escape(name)}$" for chart in CHARTS for name, _ in chart.series]
    return re.compile("|".join([*found, _HISTOGRAM, _INTERVALS]))


_DRAWN = _pattern()


def drawn(metric: str) -> bool:
    """Whether any chart shows this metric."""
    return bool(_DRAWN.match(metric))


def is_accuracy(metric: str) -> bool:
    """Whether this metric is the accuracy on a benchmark."""
    return bool(re.match(ACCURACY, metric))


def as_data() -> list[dict[str, Any]]:
    """All charts for the page's script."""
    return [asdict(chart) for chart in CHARTS]
