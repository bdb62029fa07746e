r"""A byte-level Qwen2 of 0.6 million parameters, pre-trained until it gets about a third of the boxed additions right.

It is a real checkpoint (config, safetensors, tokenizer, chat template) that transformers, FSDP and vLLM load like any
other, made in under a minute on two cores and without a download. Like a large base model it knows the form and
sometimes the answer, so that reinforcement learning has something to reward and something left to teach.

    prompt      <|user|>12+34=<|im_end|>\n<|assistant|>      8 to 10 tokens
    completion  \boxed{46}<|im_end|>                        10 or 11 tokens
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
import transformers
from rich.console import Console
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from recipes.common import progress_bar
from recipes.common.files import new_folder, write_record
from recipes.inputs import arithmetic
from recipes.inputs.saving import save

# verl recognises a Qwen by its model type and then asks for <|im_end|> and for "\n" as one token.
PAD, END, SYSTEM, USER, ASSISTANT = "<|endoftext|>", "<|im_end|>", "<|system|>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
CONTEXT = 256  # positions
CHECK_EVERY = 10  # steps
CALIBRATION = 256  # training problems on which the stopping rule is measured


@dataclass(frozen=True)
class Examples:
    """Padded examples: `tokens` (N, T) int64, and `learned` (N, T-1) bool, true where the next token is completion."""

    tokens: torch.Tensor
    learned: torch.Tensor

    def __getitem__(self, rows: torch.Tensor | slice) -> Examples:
        return Examples(self.tokens[rows], self.learned[rows])


def build(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    split_seed: int = 0,
    steps: int = 1500,
    target_accuracy: float = 0.31,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
) -> None:
    """Pre-train the model on the training half of boxed addition and write it to the new folder `path`.

    Training stops once the expected accuracy at temperature 1 on a fixed set of training problems reaches
    `target_accuracy`, which makes the outcome much the same for every seed and machine. The held-out problems are never
    trained on; the accuracy that is sampled on them goes into `build.json`.

    Args:
        path: folder to create.
        seed: of the weights, the batches and the final samples. The global generator of torch is left as it was.
        split_seed: of the split of the problems; it must be the `seed` of `recipes.inputs.arithmetic.build`, or what is
            held out there was trained on here. Apart from `seed`, so that models of several seeds face one test.
        steps: the most optimiser steps to take; about 0.1 s each on two cores.
        target_accuracy: in [0, 1); 0 takes exactly `CHECK_EVERY` steps, or `steps` if that is less.
        batch_size: examples per step.
        learning_rate: of AdamW, constant after a short warm-up.

    Raises:
        FileExistsError: `path` exists and is not empty.
        ValueError: `target_accuracy` is not in [0, 1).
        RuntimeError: the target was not reached within `steps`; nothing is written.
    """
    arguments = {name: value for name, value in locals().items() if name != "path"}
    if not 0 <= target_accuracy < 1:
        raise ValueError(f"target_accuracy={target_accuracy} must lie in [0, 1), e.g. 0.36")
    start = time.perf_counter()
    with new_folder(path) as folder, private_torch(seed):
        tokenizer = make_tokenizer()
        model = make_model(tokenizer)
        train, held_out = arithmetic.problems(split_seed)
        examples = encode(tokenizer, train)
        taken, reached = pretrain(
            model, examples, examples[:CALIBRATION], steps, target_accuracy, batch_size, learning_rate, seed
        )
        accuracy = sampled_accuracy(model, tokenizer, held_out)
        save(folder, model, tokenizer)
        record = {
            "target": f"{__name__}.build",
            "arguments": arguments,
            "steps_taken": taken,
            "expected_accuracy_on_training_problems": round(reached, 4),
            "sampled_accuracy_on_held_out_problems": round(accuracy, 4),
            "seconds": round(time.perf_counter() - start, 1),
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        }
        write_record(folder, record)


def make_tokenizer() -> PreTrainedTokenizerFast:
    r"""Return a tokenizer of 256 bytes and 5 special tokens: any text round-trips, and "\n" is one token."""
    vocabulary = {character: index for index, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in (PAD, END, SYSTEM, USER, ASSISTANT)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """Return an untrained model for `tokenizer`; its weights come from torch's global generator."""
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        initializer_range=0.08,  # at the usual 0.02 so narrow a model needs nearly twice the steps
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        dtype="float32",
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=pad)
    return model


def prompt(tokenizer: PreTrainedTokenizerFast, problem: arithmetic.Problem) -> str:
    """Return the chat up to where the model speaks."""
    return chat(tokenizer, [{"role": "user", "content": arithmetic.question(problem)}])


def chat(tokenizer: PreTrainedTokenizerFast, turns: list[dict[str, str]]) -> str:
    """Any turns up to where the model speaks."""
    return cast(str, tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def completion(problem: arithmetic.Problem) -> str:
    """Return what the model should say."""
    return rf"\boxed{{{arithmetic.answer(problem)}}}{END}"


def encode(tokenizer: PreTrainedTokenizerFast, problems: list[arithmetic.Problem]) -> Examples:
    """Tokenize prompts and completions; padding is on the right, where causal attention never looks."""
    return encode_texts(
        tokenizer, [prompt(tokenizer, problem) for problem in problems], [completion(problem) for problem in problems]
    )


def encode_texts(tokenizer: PreTrainedTokenizerFast, prompts: list[str], completions: list[str]) -> Examples:
    """The same of any prompts and completions."""
    texts = [text + said for text, said in zip(prompts, completions, strict=True)]
    padded = tokenizer(texts, padding=True, padding_side="right", add_special_tokens=False, return_tensors="pt")
    lengths = torch.tensor([len(ids) for ids in tokenizer(prompts, add_special_tokens=False)["input_ids"]])
    position = torch.arange(padded["input_ids"].shape[1])
    learned = (position >= lengths[:, None]) & padded["attention_mask"].bool()  # (N, T): this token is completion
    return Examples(padded["input_ids"], learned[:, 1:])


def completion_log_probs(model: PreTrainedModel, examples: Examples) -> torch.Tensor:
    """Return log π(completion | prompt) in nats: (N,)."""
    logits = model(input_ids=examples.tokens[:, :-1], use_cache=False).logits  # (N, T-1, V)
    log_probs = logits.log_softmax(-1).gather(-1, examples.tokens[:, 1:, None])[..., 0]
    return (log_probs * examples.learned).sum(-1)


@torch.no_grad()
def expected_accuracy(model: PreTrainedModel, examples: Examples) -> float:
    """Return the mean probability of the right completion: what sampling at temperature 1 gets right on average."""
    return completion_log_probs(model, examples).exp().mean().item()


@torch.no_grad()
def sampled_accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    problems: list[arithmetic.Problem],
    samples: int = 4,
) -> float:
    """Return the share of right completions among `samples` per problem at temperature 1 (torch's global generator)."""
    prompts = [prompt(tokenizer, problem) for problem in problems for _ in range(samples)]
    inputs = tokenizer(prompts, padding=True, padding_side="left", add_special_tokens=False, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    generate = cast(Any, model).generate  # transformers' annotation refuses its own models
    outputs = generate(**inputs, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=16)
    texts = tokenizer.batch_decode(outputs[:, inputs["input_ids"].shape[1] :])
    wanted = [completion(problem) for problem in problems for _ in range(samples)]
    return sum(text.replace(PAD, "") == right for text, right in zip(texts, wanted, strict=True)) / len(wanted)


def pretrain(
    model: PreTrainedModel,
    examples: Examples,
    measured: Examples,
    steps: int,
    target_accuracy: float,
    batch_size: int,
    learning_rate: float,
    seed: int,
    name: str = "tiny model",
    check_every: int = CHECK_EVERY,
) -> tuple[int, float]:
    """Train `model` in place until the target is reached; return the steps taken and the accuracy reached.

    The accuracy is that expected on `measured`, every `check_every` steps; `name` stands in the progress bar.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.99), weight_decay=0.01)
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / 20))
    accuracy = 0.0
    console, what = Console(stderr=True, highlight=False), f"{name}: accuracy"
    with progress_bar.counting(console, what, target_accuracy, form="{:.2f}", with_left=False) as counter:
        for step, batch in enumerate(_batches(examples, steps, batch_size, seed), start=1):
            loss = -completion_log_probs(model, batch).sum() / batch.learned.sum()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            warm_up.step()
            if step % check_every == 0 or step == steps:
                accuracy = expected_accuracy(model, measured)
                counter.to(accuracy, f"step {step}, loss {loss.item():.3f}")
                if accuracy >= target_accuracy:
                    return step, accuracy
    raise RuntimeError(
        f"pre-training reached an accuracy of {accuracy:.2f} in {steps} steps, not {target_accuracy}: allow more steps"
    )


def _batches(examples: Examples, steps: int, batch_size: int, seed: int) -> Iterator[Examples]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield examples[torch.randint(len(examples.tokens), (batch_size,), generator=generator)]


@contextmanager
def private_torch(seed: int) -> Iterator[None]:
    """Give torch a seeded generator and one thread for the block, then what it had before.

    One thread because a second waits for the first at every operation, and both wait for whatever else holds a core:
    beside one busy process a step of SmolLM2 took 49 s with two threads and 10 s with one. And sums would depend on the
    number of cores.
    """
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs as well, for good
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
