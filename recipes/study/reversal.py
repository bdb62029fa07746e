"""Reverse a sequence of tokens: a small causal transformer is rewarded once, at the end, if every token is right.

The task is that of arXiv 2604.06159 (V = 2, 2 layers), on smaller models. The right response to a prompt is one, so the
expected reward is exact: its probability, the product of its tokens' probabilities, averaged over prompts.
"""

import itertools
import math

import torch
from torch.nn.functional import one_hot, relu, scaled_dot_product_attention

from recipes.common.errors import UserError
from recipes.study.world import NETWORK, SAMPLES, Rollout, check_sizes, generator

MOST_PROMPTS = 2**14


class Reversal:
    """See recipes.study.world.World; an update's mini-batch is `prompts` groups of responses."""

    def __init__(self, length: int, vocabulary: int, width: int, layers: int, heads: int, prompts: int) -> None:
        """Tokens of a prompt and of its response, kinds of tokens, sizes of the transformer, prompts per update.

        Raises:
            UserError: a size that can't be, or more prompts than the exact reward can be taken over.
        """
        check_sizes(length=length, vocabulary=vocabulary, width=width, layers=layers, heads=heads, prompts=prompts)
        if length * math.log2(max(2, vocabulary)) > math.log2(MOST_PROMPTS):
            raise UserError(
                f"world.length={length} with world.vocabulary={vocabulary}: the expected reward is exact, over "
                f"{vocabulary}^{length} prompts, and at most {MOST_PROMPTS:,} are gone through. Write world.length=7."
            )
        if width % heads:
            raise UserError(f"world.heads={heads} does not divide world.width={width}. Write world.heads=1.")
        self.length, self.vocabulary, self.prompts = length, vocabulary, prompts
        self.width, self.layers, self.heads = width, layers, heads
        # All there are; for V = 2 and length 7 these are 128.
        self.everything = torch.tensor(list(itertools.product(range(vocabulary), repeat=length)))

    def begin(self, rates: int, seeds: tuple[int, ...]) -> None:
        """See recipes.study.world.World."""
        width, tokens = self.width, 2 * self.length - 1
        block = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)]
        shapes = [(self.vocabulary, width), (tokens, width), (width, self.vocabulary), *block * self.layers]
        drawn = [_initial(shapes, generator(seed, NETWORK)) for seed in seeds]
        stacked = [torch.stack(own) for own in zip(*drawn, strict=True)]
        self.parameters = [[leaf.clone().requires_grad_() for leaf in stacked] for _ in range(rates)]
        self.draws = [generator(seed, SAMPLES) for seed in seeds]

    def log_policy(self, parameters: list[list[torch.Tensor]], tokens: torch.Tensor) -> torch.Tensor:
        """log π of every next token, (rows, B, T, V), after each of `tokens`, (rows, B, T)."""
        leaves = [torch.cat(own) for own in zip(*parameters, strict=True)]
        embedding, position, output, *blocks = leaves
        hidden = _linear(one_hot(tokens, self.vocabulary).to(embedding.dtype), embedding)
        hidden = hidden + position[:, None, : tokens.shape[-1]]
        for qkv, out, up, down in zip(*[iter(blocks)] * 4, strict=True):
            hidden = hidden + _linear(self._attended(_linear(_norm(hidden), qkv)), out)
            hidden = hidden + _linear(relu(_linear(_norm(hidden), up)), down)
        return _linear(_norm(hidden), output).log_softmax(-1)

    def _attended(self, qkv: torch.Tensor) -> torch.Tensor:
        """(rows, B, T, 3·width) → (rows, B, T, width), causal."""
        rows, size, tokens, _ = qkv.shape
        split = qkv.view(rows * size, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(split[0], split[1], split[2], is_causal=True)
        return mixed.transpose(1, 2).reshape(rows, size, tokens, self.width)

    @torch.no_grad()
    def sample(self, behaviour: list[list[torch.Tensor]], first: int, updates: int, group: int) -> Rollout:
        """See recipes.study.world.World."""
        rates, last = len(behaviour), self.length - 1
        contents, log_probs = [], []
        for _ in range(updates):
            # The same prompts and numbers at every rate and for every method: differences between them are paired.
            drawn = [torch.randint(self.vocabulary, (self.prompts, self.length), generator=one) for one in self.draws]
            sequence = torch.stack(drawn).repeat_interleave(group, dim=1).repeat(rates, 1, 1)  # (rows, B, length)
            size = (self.prompts * group, self.length)
            uniform = torch.stack([torch.rand(size, generator=one) for one in self.draws]).repeat(rates, 1, 1)
            chosen = []
            for step in range(self.length):
                log_policy = self.log_policy(behaviour, sequence)[:, :, -1]
                cumulative = log_policy.exp().cumsum(-1)
                token = torch.searchsorted(cumulative, uniform[:, :, step, None].contiguous())
                token = token.clamp(max=self.vocabulary - 1)  # the last sum may round to less than 1
                chosen.append(log_policy.gather(-1, token))
                sequence = torch.cat([sequence, token], dim=-1)
            contents.append(sequence)
            log_probs.append(torch.cat(chosen, dim=-1))
        content, old_log_prob = torch.stack(contents), torch.stack(log_probs)
        right = (content[..., last + 1 :] == content[..., : last + 1].flip(-1)).all(-1)
        rewards = right.float().unflatten(-1, (self.prompts, group))
        return Rollout(content, rewards, old_log_prob, torch.ones_like(old_log_prob))

    def log_probs(self, rollout: Rollout, update: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See recipes.study.world.World."""
        sequence = rollout.content[update]
        log_policy = self.log_policy(self.parameters, sequence[..., :-1])[:, :, self.length - 1 :]
        log_prob = log_policy.gather(-1, sequence[..., self.length :, None]).squeeze(-1)
        with torch.no_grad():
            entropy = -(log_policy.exp() * log_policy).sum(-1)
        return log_prob, entropy

    @torch.no_grad()
    def expected_reward(self) -> torch.Tensor:
        """See recipes.study.world.World; exact, over all prompts there are."""
        rows = sum(leaves[0].shape[0] for leaves in self.parameters)
        sequence = torch.cat([self.everything, self.everything.flip(-1)], dim=-1).expand(rows, -1, -1)
        log_policy = self.log_policy(self.parameters, sequence[..., :-1])[:, :, self.length - 1 :]
        right = log_policy.gather(-1, sequence[..., self.length :, None]).squeeze(-1)
        return right.sum(-1).exp().mean(-1)


def _initial(shapes: list[tuple[int, int]], random: torch.Generator) -> list[torch.Tensor]:
    """Normal, with variance 1 / inputs; embeddings and positions 1 / width."""
    return [
        torch.randn(shape, generator=random) / math.sqrt(shape[1] if index < 2 else shape[0])
        for index, shape in enumerate(shapes)
    ]


def _linear(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(rows, B, T, inputs) by each row's own (inputs, outputs)."""
    return (values.flatten(1, 2) @ weight).unflatten(1, values.shape[1:3])


def _norm(values: torch.Tensor) -> torch.Tensor:
    return values * (values.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
