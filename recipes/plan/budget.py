"""What a sum of money buys: experiments of ours, by what they cost in the plan's central case."""

from collections.abc import Iterator
from dataclasses import dataclass

from recipes.config import compose, hardware
from recipes.inputs import architecture
from recipes.plan import sizes, step_time

# From an afternoon on one GPU to the papers' tables. A row's other methods cost the same.
EXPERIMENTS = (
    "experiment=small/1.5b_gsm8k",
    "experiment=small/1.5b_math_sanity",
    "experiment=dgpo/1.5b_dgpo scale=7b-short",
    "experiment=dgpo/7b_dgpo scale=7b-short",
    "experiment=dgpo/14b_dgpo scale=7b-short",
    "experiment=dgpo/1.5b_dgpo",
    "experiment=dgpo/7b_dgpo",
    "experiment=dgpo/14b_dgpo",
)


@dataclass(frozen=True)
class Offer:
    """One experiment.

    Attributes:
        overrides: what to write.
        gpus: how many it runs on.
        gpu: their name.
        hours: GPU-hours on a fast run, in the central case, on a slow run; validation not included.
    """

    overrides: str
    gpus: int
    gpu: str
    hours: tuple[float, float, float]


def offers(gpu: str | None = None) -> list[Offer]:
    """All of EXPERIMENTS, cheapest first.

    Args:
        gpu: name of an entry of recipes/config/gpus.json; None for each preset's own.
    """
    return sorted(_offers(gpu), key=lambda offer: offer.hours[1])


def _offers(gpu: str | None) -> Iterator[Offer]:
    for overrides in EXPERIMENTS:
        config = compose.resolved(compose.compose(overrides.split()))
        model, card, run = architecture.of(config), hardware.find(gpu or config.hardware.gpu), sizes.of(config)
        best, worst = step_time.span(model, card, run)
        steps = (best, step_time.centre(model, card, run), worst)
        fast, central, slow = (step_time.gpu_hours(run, step) for step in steps)
        yield Offer(overrides, run.gpus, card.name, (fast, central, slow))


def largest(found: list[Offer], gpu_hours: float, case: int) -> Offer | None:
    """The dearest of `found` within `gpu_hours`; None where none is.

    Args:
        found: see `offers`.
        gpu_hours: what may be spent.
        case: place in Offer.hours: 0 a fast run, 1 the central case, 2 a slow run.
    """
    return max((offer for offer in found if offer.hours[case] <= gpu_hours), key=lambda one: one.hours[1], default=None)
