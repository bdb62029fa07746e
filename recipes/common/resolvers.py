"""What configs/ reckon with: OmegaConf resolvers that verl's own command needs as well (docs/drop-in.md)."""

import math
import os
from pathlib import Path

from omegaconf import OmegaConf

from recipes.common import attention, precision


def executor(device: str, workers: int) -> str:
    """`${executor:<trainer.device>,<tensor_model_parallel_size>}`: who computes in vLLM where the model is tiny.

    The engine itself where that is known to work: a process less to start and to send every step to. Such a model has
    no use for the threads that vLLM would give a process of its own. vLLM reads `uni` as `mp` on a CPU, but not the
    name of the class.
    """
    in_engine = device == "cpu" and workers == 1
    return "vllm.v1.executor.uniproc_executor.UniProcExecutor" if in_engine else "mp"


def cores(sharing: int) -> str:
    """`${cores:<processes that share them>}`: how many of this process's cores each of them gets, at least one.

    What the environment says in OMP_NUM_THREADS is left as it is. A string, as environment variables are.
    """
    told = os.environ.get("OMP_NUM_THREADS", "")
    return told if told.isdecimal() and int(told) else str(max(1, available_cores() // sharing))


def available_cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: those it may run on, or fewer where a container has a share of their time.

    Args:
        quota: of Linux's control groups, version 2: microseconds per period, `200000 100000` for two cores, or `max`.
    """
    cores = len(os.sched_getaffinity(0))
    try:
        allowed, period = quota.read_text().split()
    except (OSError, ValueError):  # no such limit here
        return cores
    return cores if allowed == "max" else min(cores, max(1, int(allowed) // int(period)))


def register() -> None:
    """Make the resolvers known; safe to call again."""
    OmegaConf.register_new_resolver("absolute", lambda path: str(Path(path).expanduser().absolute()), replace=True)
    OmegaConf.register_new_resolver("attention", attention.implementation, replace=True)
    OmegaConf.register_new_resolver("cores", cores, replace=True)
    OmegaConf.register_new_resolver("dtype", precision.dtype, replace=True)
    OmegaConf.register_new_resolver("executor", executor, replace=True)
    OmegaConf.register_new_resolver("sum", lambda *numbers: sum(numbers), replace=True)
    OmegaConf.register_new_resolver("product", lambda *numbers: math.prod(numbers), replace=True)
    OmegaConf.register_new_resolver("quotient", lambda whole, part: whole // part, replace=True)
    OmegaConf.register_new_resolver("share", lambda whole, part: int(whole * part), replace=True)
