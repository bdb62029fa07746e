"""The scales at which an experiment at 1.5B trains a tiny model on a CPU, and is compared with GRPO seed by seed."""

from collections.abc import Sequence
from dataclasses import dataclass

from recipes.report.cells import published


@dataclass(frozen=True)
class Toy:
    """One of configs/scale.

    Attributes:
        note: what a table says of it.
        methods: that its table compares.
        seeds: of each.
        time: of a training, as measured.
    """

    note: str
    methods: Sequence[str]
    seeds: Sequence[int]
    time: str


TOYS = {
    "tiny": Toy(
        note="NOT the papers' set-up: a toy model on a toy task (configs/scale/tiny.yaml)",
        methods=tuple(published()["methods"].values()),
        seeds=(0, 1, 2),
        time="A training of 40 steps took 8.1 minutes on two cores, most of them two at a time (docs/results/tiny.md).",
    ),
    "bridge": Toy(
        note="NOT the papers' set-up: the toy model where methods can differ (configs/scale/bridge.yaml)",
        methods=("grpo", "cispo", "dgpo", "maspo", "sapo"),
        seeds=tuple(range(8)),
        time="A training of 8 steps took 3.7 to 4.0 minutes on two cores, two at a time; its evaluation one more.",
    ),
}
