"""What recipes.plan says of the update that benchmarks.measure.actor_update measures."""

from dataclasses import replace
from typing import Any

from recipes.config import hardware
from recipes.config.hardware import GIB
from recipes.inputs import architecture
from recipes.plan import memory, published, step_time
from recipes.plan.efficiency import BEST, CENTRE, WORST

# Terms of another process, or outside what torch allocates.
_ELSEWHERE = ("CUDA contexts, NCCL, fragmentation", "vLLM asleep")


def planned(config_json: dict[str, Any], sequences: int, length: int, gpu_name: str) -> dict[str, Any]:
    """Seconds (fast, central, slow) and peak GiB (low, high) of one micro-batch of full sequences on one GPU.

    Args:
        config_json: of the model.
        sequences, length: of the micro-batch.
        gpu_name: as CUDA says it, "NVIDIA H200"; empty for one that recipes.plan does not know.
    """
    names = [name for name in hardware.known() if name.upper() in gpu_name.upper()]
    if not names:
        return {}
    gpu, model = hardware.find(names[0]), architecture.from_config_json(config_json, "benchmark")
    run = replace(  # of a published run of a trainer alone, whose sequences are full, too
        next(row.workload for row in published.rows() if set(row.seconds) == {"update"}),
        nodes=1,
        gpus_per_node=1,
        prompts=sequences,
        samples=1,
        mini_batch=sequences,
        response_limit=length,
        update_tokens=sequences * length,
        log_prob_tokens=sequences * length,
    )
    phases = [phase for phase in memory.phases(model, gpu, run) if phase.name.startswith("update")]
    own = [[term for term in phase.terms if term.name not in _ELSEWHERE] for phase in phases]
    seconds = [step_time.training_seconds(model, gpu, run, length - 1, one)["update"] for one in (BEST, CENTRE, WORST)]
    return {
        "seconds": [round(one, 3) for one in seconds],
        "peak_gib": [
            round(max(sum(term.low for term in terms) for terms in own) / GIB, 2),
            round(max(sum(term.high for term in terms) for terms in own) / GIB, 2),
        ],
    }
