"""A contextual softmax bandit whose expected reward is known exactly.

    logits(c) = scale · x_c·Θ + prior        prior_a = −log(1 + a)      (Zipf: arm a has probability ∝ 1/(1+a) at Θ = 0)

Contexts share the features x_c, so an update on one moves all others; one arm per context is right. As in language, a
few arms are likely at first and most are rare. Contexts take turns, one per update.
"""

import torch

from recipes.common.rules import real
from recipes.study.world import SAMPLES, Rollout, check_sizes, generator


class Bandit:
    """See recipes.study.world.World; a response is one token, the arm.

    Attributes:
        features: x, (seeds, contexts, features), rows of length 1.
        right: the right arm, (seeds, contexts).
    """

    length = 1

    def __init__(self, contexts: int, features: int, arms: int, scale: float) -> None:
        """Sizes, and the factor of x·Θ.

        Raises:
            UserError: one that can't be.
        """
        check_sizes(contexts=contexts, features=features, arms=arms)
        real("world.scale", "(0, 1000]", 3.0).check_value(scale)
        self.sizes, self.scale = (contexts, features, arms), scale
        self.prior = -torch.arange(1.0, arms + 1).log()

    def begin(self, rates: int, seeds: tuple[int, ...]) -> None:
        """See recipes.study.world.World."""
        contexts, features, arms = self.sizes
        tasks = [generator(seed) for seed in seeds]
        drawn = torch.stack([torch.randn(contexts, features, generator=one) for one in tasks])
        self.features = drawn / drawn.norm(dim=-1, keepdim=True)
        self.right = torch.stack([torch.randint(arms, (contexts,), generator=one) for one in tasks])
        self.draws = [generator(seed, SAMPLES) for seed in seeds]
        self.parameters = [[torch.zeros(len(seeds), features, arms, requires_grad=True)] for _ in range(rates)]

    def log_policy(self, parameters: list[list[torch.Tensor]]) -> torch.Tensor:
        """log π of every arm in every context, (rates, seeds, contexts, arms)."""
        theta = torch.stack([leaves[0] for leaves in parameters])
        logits = self.scale * torch.einsum("scf,rsfa->rsca", self.features, theta) + self.prior
        return logits.log_softmax(-1)

    @torch.no_grad()
    def sample(self, behaviour: list[list[torch.Tensor]], first: int, updates: int, group: int) -> Rollout:
        """See recipes.study.world.World."""
        contexts = (first + torch.arange(updates)) % self.sizes[0]
        log_policy = self.log_policy(behaviour)[:, :, contexts]  # (rates, seeds, updates, arms)
        # The same numbers at every rate and for every method: differences between them are paired.
        uniform = torch.stack([torch.rand(updates, group, generator=one) for one in self.draws])
        cumulative = log_policy.exp().cumsum(-1)
        found = torch.searchsorted(cumulative, uniform.expand(len(behaviour), -1, -1, -1).contiguous())
        arms = found.clamp(max=self.sizes[2] - 1)  # the last sum may round to less than 1
        rewards = (arms == self.right[None, :, contexts, None]).float()
        by_update = [value.flatten(0, 1).transpose(0, 1) for value in (arms, rewards, log_policy.gather(-1, arms))]
        old_log_prob = by_update[2].unsqueeze(-1)
        content = (by_update[0], contexts)
        return Rollout(content, by_update[1].unsqueeze(2), old_log_prob, torch.ones_like(old_log_prob))

    def log_probs(self, rollout: Rollout, update: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See recipes.study.world.World."""
        arms, contexts = rollout.content
        theta = torch.stack([leaves[0] for leaves in self.parameters])  # (rates, seeds, features, arms)
        logits = self.scale * (self.features[None, :, contexts[update], :, None] * theta).sum(2) + self.prior
        log_policy = logits.log_softmax(-1).flatten(0, 1)  # (rows, arms)
        log_prob = log_policy.gather(1, arms[update]).unsqueeze(-1)
        with torch.no_grad():
            entropy = -(log_policy.exp() * log_policy).sum(-1)
        return log_prob, entropy[:, None, None].expand_as(log_prob)

    @torch.no_grad()
    def expected_reward(self) -> torch.Tensor:
        """See recipes.study.world.World; exact."""
        policy = self.log_policy(self.parameters).exp()
        right = self.right[None, :, :, None].expand(len(self.parameters), -1, -1, 1)
        return policy.gather(-1, right).squeeze(-1).mean(-1).flatten()
