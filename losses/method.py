"""What every method offers the shared loss: a config of verl's `policy_loss` that knows its own gradient weight."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from losses.extras import ENTROPY, STATISTICS
from losses.tokens import Tokens
from losses.validation import is_number, require, require_on_actor
from losses.verl_options import VerlOptions

Weighted = tuple[torch.Tensor, dict[str, torch.Tensor]]


@dataclass
class MethodConfig(VerlOptions):
    """Base of the dataclass of every method; subclasses are named in a YAML's `_target_`.

    Attributes:
        dual_clip: also drop the gradient of tokens with Â < 0 and r > actor.clip_ratio_c, as PPO's dual clip does
            (arXiv 1912.09729; verl's `vanilla` always does).
        skip_above_kl: skip an update in which |mean log r| of a micro-batch (`actor/ppo_kl`) is above this, in nats
            per token; healthy updates stay below 0.1.
        opsm_delta: drop the gradient of responses with Â < 0 whose mean log(π_old/π_θ) is above this, in nats per token
            (losses/sequence_mask.py; DeepSeek-V3.2, arXiv 2512.02556); None: of none.
        top_entropy_share: keep the gradient of this share of the mini-batch's tokens only, those with the highest
            entropy of the current policy (losses/entropy_mask.py; arXiv 2506.01939: 0.2); 1: of all.
        fused: compute loss and gradient in one compiled pass (losses/fused.py) instead of op by op.
    """

    dual_clip: bool = False
    fused: bool = False
    skip_above_kl: float = 2.0
    opsm_delta: float | None = None
    top_entropy_share: float = 1.0

    # Whether the paper's ratio is against the rollout policy itself: verl's bypass mode then needs no anchor=rollout.
    rollout_anchor: ClassVar[bool] = False
    # Filled in by losses.registry.register.
    method: ClassVar[str] = ""
    own_loss: ClassVar[str] = ""  # the name under which losses.surrogate is registered for this method
    verl_loss: ClassVar[str | None] = None  # verl's own loss, where it is the same function

    def __post_init__(self) -> None:
        """Validate; a `loss_mode` of another method would drop ours without a word."""
        accepted = [name for name in (self.verl_loss, self.own_loss) if name]
        require(
            self.loss_mode in accepted,
            "loss_mode",
            self.loss_mode,
            f"must be '{accepted[0]}' for policy_loss={self.method}",
            accepted[0],
        )
        for name in ("dual_clip", "fused"):
            require(isinstance(getattr(self, name), bool), name, getattr(self, name), "must be true or false", "false")
        limit = self.skip_above_kl
        require(is_number(limit) and limit > 0, "skip_above_kl", limit, "must be a positive number", "2.0")
        delta, rule = self.opsm_delta, "must be a number >= 0, or null"
        require(delta is None or (is_number(delta) and delta >= 0), "opsm_delta", delta, rule, "0.5")
        share = self.top_entropy_share
        require(is_number(share) and 0 < share <= 1, "top_entropy_share", share, "must be in (0, 1]", "0.2")
        self.validate()
        if self.loss_mode == self.verl_loss and not self.verl_is_exact():
            # An option that verl's loss does not know: take ours, which is the same function otherwise.
            self.loss_mode = self.own_loss

    def validate(self) -> None:
        """Check the hyper-parameters.

        Raises:
            ValueError: names the key and what to write.
        """

    def verl_is_exact(self) -> bool:
        """Whether `verl_loss` computes this method with the options chosen."""
        return not self.fused and self.opsm_delta is None and not self.masks_entropy

    def check_actor(self, actor: Any) -> None:
        """Check what stands outside `policy_loss`; `actor` is the config `actor_rollout_ref.actor`.

        Raises:
            ValueError: names both keys and the cure.
        """

    @property
    def needs(self) -> frozenset[str]:
        """Names of the losses.extras this method can't do without."""
        return frozenset()

    @property
    def masks_entropy(self) -> bool:
        """Whether tokens of low entropy are left out."""
        return self.top_entropy_share < 1

    @property
    def all_needs(self) -> frozenset[str]:
        """`needs`, and those of the options that every method has."""
        return self.needs | (frozenset({ENTROPY, STATISTICS}) if self.masks_entropy else frozenset())

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """Return w, detached, (B, T), and per-token diagnostics (B, T) to be averaged into metrics.

        w is below 0 only where a method turns an update back.

        `actor` is verl's ActorConfig: clip widths live there (clip_ratio_low, clip_ratio_high, clip_ratio_c). A row
        depends on no other row (losses/chunks.py); what does, comes from `batch_statistics`.
        """
        raise NotImplementedError

    def likelihood_weight(self, tokens: Tokens) -> torch.Tensor | None:
        """Coefficient of log π_θ itself, added to w·Â, whatever Â is, (B, T); None for none."""
        return None

    def batch_statistics(self, tokens: Tokens, actor: Any) -> torch.Tensor:
        """Sums over tokens whose total over the mini-batch the weight depends on, (K,) float64."""
        raise NotImplementedError


class SequenceMeanConfig(MethodConfig):
    """Base of methods whose objective is a mean over sequences of means over tokens."""

    def check_actor(self, actor: Any) -> None:
        """See losses.method.MethodConfig."""
        mode = actor.loss_agg_mode
        rule = f"the objective of {self.method} is a mean over sequences"
        require_on_actor(mode == "seq-mean-token-mean", "loss_agg_mode", mode, rule, "seq-mean-token-mean")
