"""One of two data-parallel ranks: `python rank.py RANK FOLDER`. Its loss on its half, and what two ranks add up to.

Every token's log-probability depends on the same few parameters, whose gradients the ranks average, as FSDP does. For
each method rank 0 writes the averaged gradient, that of the whole batch on one rank, and metrics into FOLDER.
"""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from baseline_cases import CONFIGS, full_batch
from loss_cases import MODES, SEQUENCES, Batch, actor_config, forward, over_mini_batch, pieces_of
from verl.workers.config import ActorConfig

PARAMETERS = 5
SEQUENCES_ONLY = ("gspo", "gmpo", "sapo")


def mode_of(name: str) -> str:
    """An aggregation mode for each method, all of them among the methods."""
    if CONFIGS[name].method in SEQUENCES_ONLY:
        return SEQUENCES
    return MODES[list(CONFIGS).index(name) % len(MODES)]


def features(batch: Batch) -> torch.Tensor:
    """Derivative of each log-probability by the parameters, (B, T, PARAMETERS); the batch carries its rows' numbers."""
    generator = torch.Generator().manual_seed(7)
    everything = torch.randn(8, 12, PARAMETERS, generator=generator, dtype=torch.float64)
    return everything[batch["row"]]


def gradient(actor: ActorConfig, parts: list[Batch], whole: dict) -> tuple[torch.Tensor, dict[str, float]]:
    """Summed gradient of the parameters over micro-batches, and the metrics of the last."""
    parameters = torch.zeros(PARAMETERS, dtype=torch.float64, requires_grad=True)
    metrics: dict[str, float] = {}
    for part in parts:
        log_prob = part["log_prob"] + features(part) @ parameters
        loss, metrics = forward(actor, part, log_prob, **whole)
        loss.backward()
    return parameters.grad, metrics


def over_ranks(whole: dict, parts: list[Batch]) -> dict:
    """What the ranks found, added up, as recipes.plugin.actor_worker does."""
    if "statistics" in whole:
        dist.all_reduce(whole["statistics"])
    if "correct_share" in whole:
        mask = torch.cat([part["response_mask"] for part in parts])
        correct = torch.cat([part["correct"] for part in parts])
        counts = torch.stack([(mask * correct).sum(), mask.sum()]).double()
        dist.all_reduce(counts)
        whole = whole | {"correct_share": counts[0] / counts[1]}
    return whole


def compare(name: str, rank: int) -> dict:
    """One method, on two micro-batches of each of the two ranks, and on one."""
    batch = full_batch() | {"row": torch.arange(8)}
    two, one = (
        actor_config(CONFIGS[name], batch["response_mask"], mode_of(name), dp_size=dp_size) for dp_size in (2, 1)
    )
    parts = pieces_of(pieces_of(batch, 2)[rank], 2)
    averaged, metrics = gradient(two, parts, over_ranks(over_mini_batch(two, parts), parts))
    dist.all_reduce(averaged)
    alone, _ = gradient(one, [batch], over_mini_batch(one, [batch]))
    return {"averaged": (averaged / 2).tolist(), "alone": alone.tolist(), "metrics": metrics}


def main(rank: int, folder: Path) -> None:
    """Write results.json from rank 0."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    results = {name: compare(name, rank) for name in CONFIGS}
    if rank == 0:
        (folder / "results.json").write_text(json.dumps(results))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
