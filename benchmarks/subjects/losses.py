"""Every policy loss against verl's `vanilla` on the same tensors in one process: `python -m benchmarks.run losses`.

Forward and backward of one micro-batch of (64, 8192) float32 tokens, op by op and fused, in turn with verl's; medians
of the time, and the peak of what is allocated on top of the inputs. The floor is the time that the bytes which must
move (log_prob, old_log_prob, advantages and mask in, the gradient out) take at the speed of a large copy, timed right
after.
"""

from collections.abc import Callable
from typing import Any

import torch
from verl.trainer.ppo.core_algos import get_policy_loss_fn
from verl.workers.config import ActorConfig, PolicyLossConfig

from benchmarks.measure import tensor_cost, timing
from losses import extras
from losses.tokens import Tokens
from recipes.plugin import register
from recipes.plugin.methods import METHODS

TITLE = "Losses against verl's `vanilla`"
VANILLA = "verl vanilla"
QUICK = ("dgpo", "maspo", "grpo")

Batch = dict[str, torch.Tensor]


def make_batch(rows: int, length: int, device: str) -> Batch:
    """Random responses of unequal length whose ratios lie on both sides of the trust region."""
    generator = torch.Generator().manual_seed(0)
    old = -3 * torch.rand(rows, length, generator=generator)
    lengths = torch.randint(length // 16, length + 1, (rows, 1), generator=generator)
    batch = {
        "old_log_prob": old,
        "log_prob": old + 0.3 * torch.randn(rows, length, generator=generator),
        "advantages": torch.randn(rows, 1, generator=generator).expand(rows, length).contiguous(),
        "response_mask": torch.arange(length) < lengths,
        "entropy": torch.rand(rows, length, generator=generator),
    }
    return {name: tensor.to(device) for name, tensor in batch.items()}


def actor_config(method: PolicyLossConfig, batch: Batch) -> ActorConfig:
    """verl's actor config around a method, with the sizes of a whole mini-batch as its worker sets them."""
    config = ActorConfig(strategy="fsdp", rollout_n=1, ppo_micro_batch_size_per_gpu=1, policy_loss=method)
    tokens = int(batch["response_mask"].sum())
    config.global_batch_info.update(
        dp_size=1, batch_num_tokens=tokens, global_batch_size=len(batch["log_prob"]), loss_scale_factor=None
    )
    return config


def step_of(config: ActorConfig, batch: Batch) -> Callable[[], Any]:
    """One forward and backward pass through the loss, called as verl calls it."""
    loss_fn = get_policy_loss_fn(config.policy_loss.loss_mode)
    inputs = {name: batch[name] for name in ("old_log_prob", "advantages", "response_mask")}
    leaf = batch["log_prob"].clone().requires_grad_()
    available = extras.Extras(entropy=batch["entropy"])
    if extras.STATISTICS in getattr(config.policy_loss, "needs", ()):
        tokens = Tokens.build(leaf, *inputs.values())
        available = extras.Extras(statistics=config.policy_loss.batch_statistics(tokens, config))

    def step() -> None:
        leaf.grad = None
        with extras.provided(available):
            loss, _ = loss_fn(log_prob=leaf, loss_agg_mode=config.loss_agg_mode, config=config, **inputs)
        loss.backward()

    return step


def variants(methods: tuple[str, ...] = ()) -> dict[str, PolicyLossConfig]:
    """verl's `vanilla`, and methods (by default every one) op by op (verl's own loss where it is one) and fused."""
    register.check()
    # A training compiles the pass for one method; here one process compiles it for all.
    torch._dynamo.config.recompile_limit = 4 * len(METHODS)
    found: dict[str, PolicyLossConfig] = {VANILLA: PolicyLossConfig()}
    for name in methods or METHODS:
        config_class = METHODS[name]
        eager = config_class()
        found[f"{name} ({'verl' if eager.loss_mode == eager.verl_loss else 'eager'})"] = eager
        if eager.loss_mode == eager.verl_loss:
            found[f"{name} (eager)"] = config_class(loss_mode=config_class.own_loss)
        found[f"{name} (fused)"] = config_class(fused=True)
    return found


def steps_of(methods: tuple[str, ...], rows: int, length: int, device: str) -> dict[str, Callable[[], Any]]:
    """One step per variant, all on the same batch."""
    batch = make_batch(rows, length, device)
    return {name: step_of(actor_config(method, batch), batch) for name, method in variants(methods).items()}


def measure(quick: bool = False) -> dict[str, Any]:
    """All variants in turn, on the GPU if there is one.

    Returns:
        Shape, device, bytes per second of a copy, floor in ms; per variant: milliseconds and their spread, ratios of
        median and best time and of peak memory to vanilla, best time as a multiple of the floor, launches (GPU only).
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows, length, rounds = (16, 4096, 41) if quick else (64, 8192, 31)
    steps = steps_of(QUICK if quick else (), rows, length, device)
    clock = tensor_cost.clock_of(device)
    times = timing.interleave(steps, rounds, warmup=2, clock=clock)
    # Not in turn with the losses: whoever came after the copy would find the caches emptied.
    copies = timing.interleave({"copy": tensor_cost.copying(device)}, rounds, clock=clock)
    bandwidth = tensor_cost.bandwidth(copies["copy"])
    floor = tensor_cost.floor_seconds(rows * length, bandwidth)
    middle, best = timing.medians(times), timing.bests(times)
    peaks = {name: tensor_cost.peak_bytes(step, device) for name, step in steps.items()}
    found = {
        name: {
            "ms": round(1e3 * middle[name], 3),
            "spread": round(timing.spread(times[name]), 2),
            "time": round(middle[name] / middle[VANILLA], 3),
            "best_time": round(best[name] / best[VANILLA], 3),
            "memory": round(peaks[name] / peaks[VANILLA], 3),
            "floors": round(best[name] / floor, 2),
            **({"launches": tensor_cost.kernel_launches(step)} if device == "cuda" else {}),
        }
        for name, step in steps.items()
    }
    facts = {"shape": [rows, length], "dtype": "float32", "device": device, "rounds": rounds}
    return {**facts, "copy_gb_per_s": round(bandwidth / 1e9, 1), "floor_ms": round(1e3 * floor, 3), "results": found}


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    head = ["loss", "ms", "spread", "time", "best time", "peak memory", "best / floor", "launches"]
    rows = [
        [
            name,
            f"{row['ms']:.2f}",
            f"{100 * row['spread']:.0f} %",
            f"{row['time']:.2f}",
            f"{row['best_time']:.2f}",
            f"{row['memory']:.2f}",
            f"{row['floors']:.1f}",
            row.get("launches", "–"),
        ]
        for name, row in measured["results"].items()
    ]
    return f"""Forward and backward on {tuple(measured["shape"])} {measured["dtype"]} tokens ({measured["device"]}), \
{measured["rounds"]} rounds in turn. `time` (of medians), `best time`
(of the best calls: on a busy machine the truer one) and `peak memory` (on top of the inputs) are multiples of verl's
`vanilla`; `spread` is the distance between the quartiles; `launches` are kernels on a GPU. \
{tensor_cost.BYTES_PER_TOKEN} bytes per token must move
(three inputs and the mask in, the gradient out): {measured["floor_ms"]} ms, the floor, at the \
{measured["copy_gb_per_s"]} GB/s of the best large copy
right after them. `grpo (verl)` is verl's `vanilla` again: its distance from 1.00 is noise.

{timing.table(head, rows)}"""
