r"""Boxed addition by the quickstart's own model: a Qwen2 of 0.6 million parameters, sampled in this process.

Task, base models and their held-out problems are those of `model=tiny data=arithmetic`. A response is right if it is
the completion that the base model was taught, token by token: what the verifier accepts beside it (`\boxed{046}`) is
wrong here. So the expected reward, on the held-out problems, is exact: the probability of the right completions.
"""

from typing import Any, cast

import torch
from torch.func import functional_call
from torch.nn.functional import pad
from transformers import AutoModelForCausalLM, DynamicCache

from recipes.common.rules import whole
from recipes.inputs import arithmetic, tiny_model
from recipes.inputs.cache import prepare
from recipes.inputs.saving import without_progress_bar
from recipes.study.world import SAMPLES, STREAMS, Rollout, check_sizes, generator

Weights = dict[str, torch.Tensor]  # of one model


class Arithmetic:
    """See recipes.study.world.World; an update's mini-batch is `prompts` groups of responses."""

    def __init__(self, length: int, prompts: int, stream: int = 0) -> None:
        """Tokens of a response at most; prompts per update; another stream has other samples for the same seeds.

        Raises:
            UserError: a size that can't be.
        """
        check_sizes(length=length, prompts=prompts)
        self.length, self.prompts, self.stream = length, prompts, stream

    def begin(self, rates: int, seeds: tuple[int, ...]) -> None:
        """See recipes.study.world.World; a seed's base model is made once and kept in the cache of prepared inputs."""
        tokenizer = tiny_model.make_tokenizer()
        self.end, self.pad = cast(int, tokenizer.eos_token_id), cast(int, tokenizer.pad_token_id)
        train, held_out = arithmetic.problems(0)
        texts = [tiny_model.prompt(tokenizer, problem) for problem in train]
        self.questions = _padded(tokenizer, texts, "left")
        answers = _padded(tokenizer, [tiny_model.completion(problem) for problem in train], "right")
        longest = answers.shape[1]
        whole("world.length", longest, 16).check_value(self.length)  # the longest answer has to fit
        self.answers = pad(answers, (0, self.length - longest), value=self.pad)
        self.held_out = tiny_model.encode(tokenizer, held_out)
        target = f"{tiny_model.__name__}.build"
        folders = [prepare(target, {"seed": seed}) for seed in seeds]
        with without_progress_bar():
            models = [AutoModelForCausalLM.from_pretrained(folder) for folder in folders]
        self.model = models[0]
        self.names = [name for name, _ in self.model.named_parameters()]
        stacked = [torch.stack([model.get_parameter(name).detach() for model in models]) for name in self.names]
        self.parameters = [[leaf.clone().requires_grad_() for leaf in stacked] for _ in range(rates)]
        self.draws = [generator(seed, SAMPLES + len(STREAMS) * self.stream) for seed in seeds]

    def _rows(self, parameters: list[list[torch.Tensor]]) -> list[Weights]:
        """The weights of each row's model; gradients flow to the tensors that hold all seeds."""
        seeds = range(parameters[0][0].shape[0])
        return [
            dict(zip(self.names, [leaf[seed] for leaf in own], strict=True)) for own in parameters for seed in seeds
        ]

    def _log_policy(self, weights: Weights, tokens: torch.Tensor, attended: torch.Tensor, **more: Any) -> torch.Tensor:
        """log π after each of `tokens`, (B, T, V), which are the last of those that `attended` speaks of, (B, ≥T)."""
        position = (attended.long().cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        given = {"input_ids": tokens, "attention_mask": attended.long(), "position_ids": position, **more}
        found: torch.Tensor = functional_call(self.model, weights, (), given).logits.log_softmax(-1)
        return found

    @torch.no_grad()
    def sample(self, behaviour: list[list[torch.Tensor]], first: int, updates: int, group: int) -> Rollout:
        """See recipes.study.world.World."""
        size, shape = self.prompts * group, (updates, self.prompts)
        # The same prompts and numbers at every rate and for every method: differences between them are paired.
        chosen = [torch.randint(len(self.questions), shape, generator=one) for one in self.draws]
        uniform = [torch.rand(updates * size, self.length, generator=one) for one in self.draws]
        found = []
        for row, weights in enumerate(self._rows(behaviour)):
            seed = row % len(self.draws)
            problems = chosen[seed].flatten().repeat_interleave(group)
            tokens, log_probs = self._respond(weights, self.questions[problems], uniform[seed])
            right = (tokens == self.answers[problems]).all(-1).float()
            content = torch.cat([self.questions[problems], tokens], dim=-1)
            found.append([part.unflatten(0, (updates, size)) for part in (content, right, log_probs)])
        content, right, log_probs = (torch.stack(parts, dim=1) for parts in zip(*found, strict=True))
        mask = self._until_end(content[..., -self.length :])
        return Rollout(content, right.unflatten(-1, (self.prompts, group)), log_probs, mask.float())

    def _respond(
        self, weights: Weights, questions: torch.Tensor, uniform: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens, padded after the end, and their log π, (B, length), drawn by uniform numbers of the same shape."""
        cache, given = DynamicCache(), questions
        attended = questions != self.pad
        ended = torch.zeros(len(questions), dtype=torch.bool)
        tokens, log_probs = torch.full(uniform.shape, self.pad), torch.zeros(uniform.shape)
        for step in range(self.length):
            log_policy = self._log_policy(weights, given, attended, past_key_values=cache, use_cache=True)[:, -1]
            cumulative = log_policy.exp().cumsum(-1)
            drawn = torch.searchsorted(cumulative, uniform[:, step, None].contiguous())
            drawn = drawn.clamp(max=cumulative.shape[-1] - 1)  # the last sum may round to less than 1
            log_probs[:, step] = log_policy.gather(-1, drawn)[:, 0].masked_fill(ended, 0.0)
            given = drawn.masked_fill(ended[:, None], self.pad)
            tokens[:, step] = given[:, 0]
            ended |= given[:, 0] == self.end
            if ended.all():
                break
            attended = torch.cat([attended, torch.ones_like(attended[:, :1])], dim=-1)
        return tokens, log_probs

    def _until_end(self, tokens: torch.Tensor) -> torch.Tensor:
        """Whether a token belongs to the response: none before it has ended it."""
        ends = (tokens == self.end).long()
        return ends.cumsum(-1) - ends == 0

    def log_probs(self, rollout: Rollout, update: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See recipes.study.world.World."""
        found = []
        for weights, content in zip(self._rows(self.parameters), rollout.content[update], strict=True):
            attended = torch.cat(
                [content[:, : -self.length] != self.pad, self._until_end(content[:, -self.length :])], dim=-1
            )
            log_policy = self._log_policy(weights, content[:, :-1], attended[:, :-1])[:, -self.length :]
            log_prob = log_policy.gather(-1, content[:, -self.length :, None]).squeeze(-1)
            own = log_policy.detach()
            found.append((log_prob, -(own.exp() * own).sum(-1)))
        log_prob, entropy = (torch.stack(parts) for parts in zip(*found, strict=True))
        return log_prob * rollout.mask[update], entropy

    @torch.no_grad()
    def expected_reward(self) -> torch.Tensor:
        """See recipes.study.world.World; exact, on the held-out problems."""
        found = []
        for weights in self._rows(self.parameters):

            def model(weights: Weights = weights, **given: Any) -> Any:
                return functional_call(self.model, weights, (), given)

            found.append(tiny_model.expected_accuracy(cast(Any, model), self.held_out))
        return torch.tensor(found)


def _padded(tokenizer: Any, texts: list[str], side: str) -> torch.Tensor:
    found = tokenizer(texts, padding=True, padding_side=side, add_special_tokens=False, return_tensors="pt")
    tokens: torch.Tensor = found["input_ids"]
    return tokens
