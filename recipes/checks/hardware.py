"""The hardware preset against this environment and this machine."""

import os

from omegaconf import DictConfig

from recipes.checks import trainer_mode
from recipes.common.errors import UserError
from recipes.config import hardware


def check_hardware(config: DictConfig) -> None:
    """The preset against this machine. On a cluster (RAY_ADDRESS set) the driver need not have a GPU itself."""
    import torch

    from recipes.plugin.cpu import switch

    wanted = config.hardware.device
    if wanted == "cpu" and not switch.is_cpu_run():
        raise UserError(
            "hardware=cpu needs the CPU environment: this one holds a GPU build of torch and vLLM. Run "
            "`bash scripts/setup.sh cpu` in a checkout of its own, or choose a GPU preset such as hardware=8x80gb."
        )
    if wanted == "cuda":
        _check_maker()
        trainer_mode.check_packages(config)
    if wanted == "cuda" and not os.environ.get("RAY_ADDRESS"):
        found, generating = torch.cuda.device_count(), hardware.rollout_gpus(config)
        needed = config.trainer.n_gpus_per_node
        if needed <= found < needed + generating:
            raise UserError(
                f"trainer.n_gpus_per_node={needed} and {generating} GPU(s) that only generate, but this machine has "
                f"{found}. Write trainer.n_gpus_per_node={found // 2} (as many then generate), or set RAY_ADDRESS to "
                "the cluster that has them."
            )
        if found < needed:
            raise UserError(
                f"trainer.n_gpus_per_node={needed}, but this machine has {found} usable GPU(s). "
                f"Write {f'trainer.n_gpus_per_node={found}' if found else 'hardware=cpu'}, run it on a node that has "
                "them, or set RAY_ADDRESS to the cluster that has them. --cfg job and recipes.plan need no GPU here."
            )


OLDEST = (8, 0)  # of NVIDIA's compute capabilities: the first with bfloat16 and flash-attn 2


def _check_maker() -> None:
    """NVIDIA's GPUs from Ampere on, where there are any here."""
    import torch

    if torch.version.hip:
        raise UserError(
            f"This torch is built for AMD (ROCm {torch.version.hip}), which is not supported: GPUs are NVIDIA's. "
            "Install by `bash scripts/setup.sh gpu` on a machine with such GPUs, or write hardware=cpu. See "
            "docs/support.md."
        )
    for number in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_capability(number)
        if found < OLDEST:
            raise UserError(
                f"GPU {number} ({torch.cuda.get_device_name(number)}) has compute capability {found[0]}.{found[1]}, "
                f"which is not supported: bfloat16 and flash-attn 2 need {OLDEST[0]}.{OLDEST[1]} (A100) or newer. "
                "Leave it out by CUDA_VISIBLE_DEVICES, or use another machine. See docs/support.md."
            )
