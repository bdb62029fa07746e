"""The rules: when a metric says that a run is in trouble, and the sentence that says so.

Each threshold has its reason beside it. They are meant to be silent on a healthy run rather than to see everything:
an alarm is worth a person's time.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recipes.common.numbers import is_number
from recipes.runs.metrics import ALL_RIGHT, ALL_WRONG, ENTROPY, KL, MISMATCH, QUANTILE, SKIPPED, TRUNCATED

BEST_SCORE = "critic/score/max"
FAILURES = "reward/failure_share"
LOW_RATIO, HIGH_RATIO = f"{QUANTILE}q001", f"{QUANTILE}q999"

# Healthy runs sharpen: those of docs/results/tiny.md end at 0.59 to 0.74 of their first entropy. A fifth is far below.
COLLAPSED_SHARE = 0.2
COLLAPSED = 0.01  # nats per token: practically every token is certain, so the responses of a group are all alike
EXPLODED_TIMES = 3.0  # of the first steps' entropy: a run that learns gets more certain, not three times less
EXPLODED = 3.0  # nats per token: as undecided as between e³ = 20 equally likely tokens, which is noise, not text
FAILED_SHARE = 0.02  # of responses; a tenth of what stops a run (recipes.plugin.scorer_watch), so that one is warned
TRUNCATED_SHARE = 0.5  # of responses: most of the step is spent on responses that can't earn
OUTLIER = 10.0  # r of one token in a thousand, or 1/r: PPO's dual clip cuts at 3, so these are pushed far beyond it
FAR_KL = 0.1  # nats per token; healthy updates stay below it, and 2.0 skips them (policy_loss.skip_above_kl)
MISMATCHED = 0.02  # difference of probabilities: float32 on a CPU gives 1e-6, bfloat16 some thousandths
MISMATCH_TIMES, MISMATCH_FLOOR = 5.0, 0.005  # growth since the first steps, and what is too small to matter
DEAD_SHARE = 0.8  # of groups: four fifths of the generation are for nothing
A_WHILE = 3  # steps in a row, where a single batch may be unlucky


@dataclass(frozen=True)
class Moment:
    """One step.

    Attributes:
        step: its number.
        data: its metrics as they were logged.
        usual: metric → median of its first FIRST_STEPS values, for those asked for, once there are as many.
    """

    step: int
    data: Mapping[str, Any]
    usual: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        """A metric that is known to be there."""
        return float(self.data[name])

    def has(self, names: Iterable[str]) -> bool:
        """Whether all these metrics are there, as finite numbers."""
        return all(finite(self.data.get(name)) is not None for name in names)


def moments(rows: Iterable[Any], names: Iterable[str]) -> Iterator[Moment]:
    """The steps of metrics.jsonl in their order; lines of another form are passed over.

    Args:
        rows: dicts with `step` and `data`.
        names: metrics whose usual value is wanted.
    """
    names = tuple(names)
    first: dict[str, list[float]] = defaultdict(list)
    usual: dict[str, float] = {}
    for row in rows:
        step, data = (row.get("step"), row.get("data")) if isinstance(row, dict) else (None, None)
        if not isinstance(step, int) or not isinstance(data, dict):
            continue
        yield Moment(step, data, dict(usual))
        for name in names:
            value = finite(data.get(name))
            if value is not None and name not in usual:
                first[name].append(value)
                if len(first[name]) == FIRST_STEPS:
                    usual[name] = statistics.median(first[name])


@dataclass(frozen=True)
class Rule:
    """One condition.

    Attributes:
        name: of the alarm.
        anchor: heading of docs/metrics.md that says what to do.
        metrics: what it looks at; a step that lacks one neither begins nor ends an alarm.
        sentence: of a step at which it holds; None where it does not.
        lasting: for how many steps in a row it must hold.
    """

    name: str
    anchor: str
    metrics: tuple[str, ...]
    sentence: Callable[[Moment], str | None]
    lasting: int = 1


def entropy_collapse(now: Moment) -> str | None:
    """Hardly anything is left to explore."""
    usual = now.usual.get(ENTROPY, 0.0)
    if now[ENTROPY] < COLLAPSED or now[ENTROPY] < COLLAPSED_SHARE * usual:
        return f"Entropy has collapsed to {now[ENTROPY]:.3g} nats per token{_since(usual)}: look at {ENTROPY}."
    return None


def entropy_explosion(now: Moment) -> str | None:
    """The policy turns to noise."""
    usual = now.usual.get(ENTROPY, math.inf)
    if now[ENTROPY] > EXPLODED or now[ENTROPY] > EXPLODED_TIMES * usual:
        return f"Entropy has grown to {now[ENTROPY]:.3g} nats per token{_since(usual)}: look at {ENTROPY}."
    return None


def _since(usual: float) -> str:
    return f" (the first steps had {usual:.3g})" if 0 < usual < math.inf else ""


def no_reward(now: Moment) -> str | None:
    """Nothing earns, so nothing is learnt."""
    if now[BEST_SCORE] <= 0:
        return f"No response earns anything: the best reward of a step is {now[BEST_SCORE]:g}; look at reward/status/*."
    return None


def scorer_failures(now: Moment) -> str | None:
    """Verdicts are missing."""
    if now[FAILURES] > FAILED_SHARE:
        return f"{now[FAILURES]:.1%} of the responses could not be scored: look at {FAILURES}."
    return None


def truncation(now: Moment) -> str | None:
    """Responses run into the length limit."""
    if now[TRUNCATED] > TRUNCATED_SHARE:
        return f"{now[TRUNCATED]:.0%} of the responses are cut off at the length limit: look at {TRUNCATED}."
    return None


def ratio_outliers(now: Moment) -> str | None:
    """Single tokens have gone far from the policy that sampled them."""
    if now[HIGH_RATIO] > OUTLIER:
        return f"One response token in a thousand has a ratio above {now[HIGH_RATIO]:.3g}: look at {HIGH_RATIO}."
    if now[LOW_RATIO] < 1 / OUTLIER:
        return f"One response token in a thousand has a ratio below {now[LOW_RATIO]:.3g}: look at {LOW_RATIO}."
    return None


def kl_blow_up(now: Moment) -> str | None:
    """An update goes too far."""
    if abs(now[KL]) > FAR_KL:
        return f"The policy moves {now[KL]:.3g} nats per token within a step: look at {KL}."
    return None


def rollout_mismatch(now: Moment) -> str | None:
    """What samples and what trains are two policies."""
    limit = max(MISMATCH_TIMES * now.usual.get(MISMATCH, math.inf), MISMATCH_FLOOR)
    if now[MISMATCH] > min(MISMATCHED, limit):
        return f"Inference and training differ by {now[MISMATCH]:.3g} in a token's probability: look at {MISMATCH}."
    return None


def dead_groups(now: Moment) -> str | None:
    """Most prompts are too easy or too hard."""
    if now[ALL_RIGHT] + now[ALL_WRONG] > DEAD_SHARE:
        return (
            f"{now[ALL_RIGHT]:.0%} of the groups are all right and {now[ALL_WRONG]:.0%} all wrong, which teaches "
            "nothing: look at reward/groups/*."
        )
    return None


def not_finite(now: Moment) -> str | None:
    """A metric is NaN or infinite."""
    broken = [name for name, value in now.data.items() if isinstance(value, float) and not math.isfinite(value)]
    if broken:
        others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        return f"{broken[0]} is {now.data[broken[0]]}{others}: look at actor/grad_norm and {KL} of the steps before."
    return None


def skipped_updates(now: Moment) -> str | None:
    """Updates without effect."""
    if now[SKIPPED] > 0:
        return f"{now[SKIPPED]:.0%} of the step's updates were skipped: look at {SKIPPED} and actor/grad_norm."
    return None


RULES = (
    Rule("entropy collapse", "entropy", (ENTROPY,), entropy_collapse, A_WHILE),
    Rule("entropy explosion", "entropy", (ENTROPY,), entropy_explosion, A_WHILE),
    Rule("no reward", "reward", (BEST_SCORE,), no_reward, A_WHILE),
    Rule("scorer failures", "verdicts", (FAILURES,), scorer_failures),
    Rule("truncation", "response-lengths", (TRUNCATED,), truncation),
    Rule("ratio outliers", "ratios", (LOW_RATIO, HIGH_RATIO), ratio_outliers),
    Rule("kl blow-up", "kl", (KL,), kl_blow_up),
    Rule("rollout mismatch", "training-and-inference", (MISMATCH,), rollout_mismatch),
    Rule("dead groups", "groups", (ALL_RIGHT, ALL_WRONG), dead_groups, A_WHILE),
    Rule("not finite", "numbers-that-are-none", (), not_finite),
    Rule("skipped updates", "updates", (SKIPPED,), skipped_updates),
)


# Steps whose median is what a run started from: one step's batch is noise, and a run hardly changes in five.
FIRST_STEPS = 5


def finite(value: Any) -> float | None:
    """The value as a number, or None for NaN, infinity and whatever is no number."""
    return float(value) if is_number(value) else None
