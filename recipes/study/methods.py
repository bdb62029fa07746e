"""A choice of `policy_loss=` as the study runs it: verl's actor config, advantages by verl's registered estimator."""

import recipes.plugin.register  # noqa: F401 (first: it chooses verl's platform, which the imports below ask for)

# isort: split
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from verl.trainer.ppo.core_algos import get_adv_estimator_fn
from verl.utils.config import omega_conf_to_dataclass

from losses import extras
from losses.method import MethodConfig, Weighted
from losses.surrogate import policy_loss
from losses.tokens import Tokens
from recipes.common.errors import UserError, as_user_error
from recipes.config import compose


@dataclass
class SeedBySeed(MethodConfig):
    """A method whose weight depends on sums over its mini-batch (BAPO): each row of seeds is a mini-batch of its own.

    Attributes:
        inner: the method.
        rows: how many mini-batches lie one after another in the batch.
    """

    inner: Any = None
    rows: int = 1

    def __post_init__(self) -> None:
        """The inner method has validated itself."""

    def gradient_weight(self, tokens: Tokens, actor: Any) -> Weighted:
        """See losses.method.MethodConfig."""

        def of_one(log_ratio: Any, old_log_prob: Any, advantages: Any, mask: Any) -> Any:
            own = Tokens(log_ratio, old_log_prob, advantages, mask, extras.NONE)
            sums = self.inner.batch_statistics(own, actor)
            return self.inner.gradient_weight(replace(own, extras=extras.Extras(statistics=sums)), actor)[0]

        given = (tokens.log_ratio, tokens.old_log_prob, tokens.advantages, tokens.mask)
        split = [value.unflatten(0, (self.rows, -1)) for value in given]
        return torch.vmap(of_one)(*split).flatten(0, 1), {}


class Method:
    """One choice of `policy_loss=`.

    Attributes:
        name: the choice.
        actor: verl's ActorConfig with the method's dataclass inside.
    """

    def __init__(self, name: str, response_length: int, added: tuple[str, ...] = ()) -> None:
        """Compose the shipped config.

        Args:
            name: a file of configs/policy_loss, or of that folder in one of `added`.
            response_length: tokens of a response, for losses that divide by it.
            added: where Hydra looks besides, see recipes.config.compose.Primary.

        Raises:
            UserError: no such choice, or one that the study can't run.
        """
        words = [f"policy_loss={name}", f"data.max_response_length={response_length}"]
        config = compose.resolved(compose.compose(words, replace(compose.TRAIN, added=added)))
        self.name = name
        with as_user_error(ValueError):
            self.actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
        method = self.actor.policy_loss
        if not isinstance(method, MethodConfig):
            raise UserError(
                f"study.methods holds {name}, which is no losses.method.MethodConfig. Write one of ours, as dgpo."
            )
        if extras.CORRECT in method.needs:
            raise UserError(
                f"study.methods holds {name}, which needs to know correct responses. Leave that option out."
            )
        self._algorithm = config.algorithm
        self.needs_entropy = extras.ENTROPY in method.needs

    def settings(self) -> dict[str, Any]:
        """What identifies it beside its name: hyper-parameters, clip widths, aggregation, estimator."""
        actor = self.actor
        names = ("clip_ratio_low", "clip_ratio_high", "clip_ratio_c", "loss_agg_mode", "loss_scale_factor")
        own = {key: value for key, value in vars(actor.policy_loss).items() if not key.startswith("_")}
        plain = {key: value for key, value in own.items() if isinstance(value, int | float | str | bool | None)}
        outside = {key: getattr(actor, key) for key in (*names, "tau_pos", "tau_neg")}
        return {"policy_loss": plain, **outside, "adv_estimator": str(self._algorithm.adv_estimator)}

    def advantages(self, group: int) -> torch.Tensor:
        """Â by whether a response is right and how many of its group are: rewards are 0 or 1, so nothing else enters.

        Returns:
            (group + 1, 2): row k for k right responses, column 1 for the right ones.
        """
        rewards = (torch.arange(group)[None] < torch.arange(group + 1)[:, None]).float()  # row k: k ones, then zeros
        mask = torch.ones(rewards.numel(), 1)
        index = np.repeat(np.arange(group + 1), group)
        estimator = get_adv_estimator_fn(self._algorithm.adv_estimator)
        found, _ = estimator(rewards.view(-1, 1), mask, index=index, config=self._algorithm)
        found = found.view(group + 1, group)
        return torch.stack([found[:, -1], found[:, 0]], dim=1)

    def loss(
        self,
        log_prob: torch.Tensor,
        old_log_prob: torch.Tensor,
        advantages: torch.Tensor,
        mask: torch.Tensor,
        entropy: torch.Tensor | None,
    ) -> torch.Tensor:
        """The sum of every row's own loss, by losses.surrogate.policy_loss; all arguments (rows, B, T).

        Rows share no parameter, so the gradient of the sum is each row's own.
        """
        rows, size, _ = log_prob.shape
        # Normalised as if each row were alone: every row has as many responses; tokens differ only where rows is 1.
        tokens = int(mask.sum()) / rows
        actor = self._actor_of(rows)
        actor.global_batch_info.update(
            dp_size=1,
            batch_num_tokens=tokens,
            global_batch_size=size,
            loss_scale_factor=actor.loss_scale_factor,
        )
        old, new, estimate, counts = (value.flatten(0, 1) for value in (old_log_prob, log_prob, advantages, mask))
        available = extras.Extras(entropy=None if entropy is None else entropy.flatten(0, 1))
        with extras.provided(available):
            return policy_loss(old, new, estimate, counts, actor.loss_agg_mode, actor)[0]

    @cache  # noqa: B019 (lives as long as its study)
    def _actor_of(self, rows: int) -> Any:
        method = self.actor.policy_loss
        if extras.STATISTICS not in method.needs:
            return self.actor
        return replace(self.actor, policy_loss=SeedBySeed(dual_clip=method.dual_clip, inner=method, rows=rows))
