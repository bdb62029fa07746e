"""What `reward.custom_reward_function.reward_kwargs` may hold: shape of the reward, extraction, limits."""

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from reward.processes.pool import PoolSettings
from reward.verdict import Verdict

KEY = "reward.custom_reward_function.reward_kwargs."
SCALES = {"zero_one": (0.0, 1.0), "plus_minus_one": (-1.0, 1.0)}


@dataclass(frozen=True)
class RewardOptions:
    """Options of the reward; the defaults are the DGPO and MASPO papers' binary reward.

    DAPO's overlong shaping (section 3.4) is verl's reward manager `dapo`: configs/reward_shaping/overlong.yaml.

    Attributes:
        scale: "zero_one", or "plus_minus_one" (DAPO, arXiv 2503.14476, section 2.4): what wrong and right earn.
        format_reward: added for a complete box after the thinking, right or wrong (DeepSeek-R1, arXiv 2501.12948,
            section 2.2.2, rewards format beside accuracy); 0 by default.
        require_box: an answer must stand in \\boxed{}; false for evaluating models that do not box.
        thinking_open: the prompt ends with `<think>`, as the chat template of DeepSeek-R1-Distill does, so that a
            response without `</think>` never left its thoughts.
        workers, deadline, memory_gib, jobs_per_process: see reward.processes.pool.PoolSettings.
    """

    scale: str = "zero_one"
    format_reward: float = 0.0
    require_box: bool = True
    thinking_open: bool = False
    workers: int = PoolSettings.workers
    deadline: float = PoolSettings.deadline
    memory_gib: float = PoolSettings.memory_gib
    jobs_per_process: int = PoolSettings.jobs_per_process

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ValueError(f"{KEY}scale={self.scale!r}: write one of {', '.join(SCALES)}.")
        value = self.format_reward
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ValueError(f"{KEY}format_reward={value!r}: must be a number >= 0. Write {KEY}format_reward=0.1.")
        for name in ("require_box", "thinking_open"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{KEY}{name}={getattr(self, name)!r}: must be true or false.")
        try:
            _ = self.pool_settings
        except ValueError as error:
            raise ValueError(f"{KEY}{error}") from error

    @property
    def pool_settings(self) -> PoolSettings:
        """Limits of the scoring processes."""
        return PoolSettings(**{field.name: getattr(self, field.name) for field in fields(PoolSettings)})

    @classmethod
    def of(cls, given: dict[str, Any]) -> "RewardOptions":
        """From keyword arguments, refusing what is no option.

        Raises:
            ValueError: names the key and what may stand there.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise ValueError(f"{KEY}{name} is unknown. Known: {', '.join(known)}.")
        return cls(**given)

    def reward(self, verdict: Verdict) -> float:
        """What a response earns."""
        least, most = SCALES[self.scale]
        boxed = bool(verdict.pred) and self.require_box
        return (most if verdict.acc else least) + self.format_reward * boxed


@lru_cache(maxsize=64)
def cached_options(given: tuple[tuple[str, Any], ...]) -> RewardOptions:
    """`RewardOptions.of`, once per set of options."""
    return RewardOptions.of(dict(given))
