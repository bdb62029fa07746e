"""One actor update of a Qwen2 with random weights, sharded by FSDP2 over the one GPU there is: seconds and peak memory.

As verl's actor does it: parameters in fp32, computed with in bf16 (MixedPrecisionPolicy), every layer a unit of its own
whose parameters go after its forward pass, gradient checkpointing, packed sequences told apart by their positions, the
loss of losses.surrogate, one micro-batch, AdamW. Log-probs by torch's own cross entropy, where verl takes flash-attn's
where it is, and keeps a copy of the logits less. Needs torch and transformers; flash-attn only where it is measured.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from benchmarks.measure.actor_config import Actor
from dgpo.config import DGPOConfig
from losses.surrogate import policy_loss

# transformers' name → package. flex_attention has no backward pass on a CPU, where the plain one takes its place.
ATTENTIONS = {
    "cuda": {"flash_attention_2": "flash_attn", "sdpa": "torch", "flex_attention": "torch"},
    "cpu": {"sdpa": "torch", "eager": "torch"},
}


@dataclass(frozen=True)
class Shape:
    """A Qwen2, and what it is given.

    Attributes:
        hidden, layers, heads, kv_heads, intermediate, vocab: sizes; the output layer is its own.
        sequences, length: of the packed micro-batch, in tokens.
    """

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocab: int
    sequences: int
    length: int

    @property
    def tokens(self) -> int:
        """Of the micro-batch."""
        return self.sequences * self.length

    def config_json(self) -> dict[str, Any]:
        """As in the model's folder."""
        return {
            "model_type": "qwen2",
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "intermediate_size": self.intermediate,
            "vocab_size": self.vocab,
            "tie_word_embeddings": False,
        }


# R1-Distill-Qwen-1.5B with the 1.5B preset's micro-batch of 32,768 tokens.
REAL = Shape(1536, 28, 12, 2, 8960, 151936, sequences=16, length=2048)
SMALL = Shape(64, 2, 4, 2, 128, 256, sequences=4, length=32)


def attentions(device: str) -> list[str]:
    """That can train here."""
    return [name for name, package in ATTENTIONS[device].items() if find_spec(package)]


@contextmanager
def _process_group(device: str) -> Iterator[None]:
    """Of this one process: FSDP2 wants one."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"file://{Path(folder) / 'store'}"
        dist.init_process_group("nccl" if device == "cuda" else "gloo", init_method=store, rank=0, world_size=1)
        try:
            yield
        finally:
            dist.destroy_process_group()


def _actor(shape: Shape, attention: str, device: str) -> torch.nn.Module:
    """The model, sharded."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(**shape.config_json(), max_position_embeddings=shape.length, use_cache=False)
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=attention)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for unit in (model.model.embed_tokens, *model.model.layers, model.lm_head, model):
        fully_shard(unit, mp_policy=policy)
    return model


class _Update:
    """Forward pass, loss, backward pass and a step of AdamW, as often as it is called."""

    def __init__(self, shape: Shape, attention: str, device: str) -> None:
        self.model = _actor(shape, attention, device)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=1e-6, foreach=True)
        generator = torch.Generator(device).manual_seed(0)
        self.words = torch.randint(shape.vocab, (1, shape.tokens), generator=generator, device=device)
        self.positions = torch.arange(shape.length, device=device).repeat(shape.sequences)[None]  # (1, tokens)
        self.advantages = torch.randn(1, shape.tokens, generator=generator, device=device)
        self.mask = torch.ones(1, shape.tokens, dtype=torch.bool, device=device)
        self.method = DGPOConfig()

    def log_probs(self) -> torch.Tensor:
        """Of the words that follow each word, (1, tokens); the last one's is of no word of its own."""
        logits = self.model(input_ids=self.words, position_ids=self.positions, use_cache=False).logits
        following = self.words.roll(-1, dims=1)
        flat = torch.nn.functional.cross_entropy(logits.flatten(0, 1), following.flatten(), reduction="none")
        return -flat.float()[None]

    def __call__(self) -> float:
        log_prob = self.log_probs()
        sizes = {"dp_size": 1, "batch_num_tokens": self.mask.numel(), "global_batch_size": 1, "loss_scale_factor": None}
        loss, _ = policy_loss(
            old_log_prob=log_prob.detach(),
            log_prob=log_prob,
            advantages=self.advantages,
            response_mask=self.mask,
            loss_agg_mode="token-mean",
            config=Actor(self.method, sizes),
        )
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def _peak_bytes(update: _Update) -> int:
    """The most that is allocated at once, parameters and Adam's moments included."""
    torch.cuda.reset_peak_memory_stats()
    update()
    return torch.cuda.max_memory_allocated()


def measure(shape: Shape, attention: str, device: str, rounds: int) -> dict[str, Any]:
    """Seconds of an update (best of rounds, two before that don't count), peak GiB, and the norm of the gradient."""
    with _process_group(device):
        update = _Update(shape, attention, device)
        norms = [update() for _ in range(2)]
        seconds = []
        for _ in range(rounds):
            started = time.perf_counter()
            norms.append(update())  # reads the norm back: waits for the device
            seconds.append(time.perf_counter() - started)
        peak = _peak_bytes(update) if device == "cuda" else None
    return {
        "seconds": round(min(seconds), 4),
        "peak_gib": None if peak is None else round(peak / 2**30, 2),
        "gradient_norm": norms[0],
    }


def planned(shape: Shape, gpu_name: str) -> dict[str, Any]:
    """What recipes.plan says of the same update; empty where it can't be imported or doesn't know the GPU."""
    if not gpu_name or find_spec("omegaconf") is None:
        return {}
    from benchmarks.measure import planned_update

    return planned_update.planned(shape.config_json(), shape.sequences, shape.length, gpu_name)
