"""What the bench asks of a world."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from recipes.common.rules import whole

LARGEST = 10_000  # of a size of a world: typing errors, not memory, are meant
STREAMS = TASK, SAMPLES, NETWORK = 0, 1, 2  # of random numbers that a seed has


def generator(seed: int, stream: int = TASK) -> torch.Generator:
    """Random numbers of one seed, whatever runs beside it."""
    return torch.Generator().manual_seed(1_000_003 * seed + stream)


def check_sizes(**sizes: Any) -> None:
    """Each is an integer from 1 on.

    Raises:
        UserError: names the key.
    """
    for name, value in sizes.items():
        whole(f"world.{name}", 1, 8, LARGEST).check_value(value)


@dataclass(frozen=True)
class Rollout:
    """What one policy sampled for the updates of a batch.

    Attributes:
        content: the responses, as the world that made them reads them.
        rewards: 0 or 1, (updates, rows, prompts, group).
        old_log_prob: log π_old, (updates, rows, prompts · group, T).
        mask: 1 for response tokens, of the same shape.
    """

    content: Any
    rewards: torch.Tensor
    old_log_prob: torch.Tensor
    mask: torch.Tensor


class World(Protocol):
    """A task and its policies, one per row; rows are (rate, seed), rates outermost.

    Attributes:
        length: tokens of a response, at most.
        parameters: of the policies that learn: per rate the tensors, each with the seeds as its first dimension.
    """

    length: int
    parameters: list[list[torch.Tensor]]

    def begin(self, rates: int, seeds: tuple[int, ...]) -> None:
        """New policies, the same for a seed at every rate."""

    def sample(self, behaviour: list[list[torch.Tensor]], first: int, updates: int, group: int) -> Rollout:
        """Responses by policies with the parameters `behaviour`, to the prompts of updates first, first + 1, …"""

    def log_probs(self, rollout: Rollout, update: int) -> tuple[torch.Tensor, torch.Tensor]:
        """log π_θ of the tokens of one update's responses, with gradient; the entropy there, without: (rows, B, T)."""

    def expected_reward(self) -> torch.Tensor:
        """Of the policies as they are, (rows,)."""
