"""What torch compiled lies apart by the instructions that it was compiled for.

torch.compile keeps its results below /tmp/torchinductor_<user> and finds them again by what was compiled, not for which
processor. One of another kind that sees the same folder (a container's image, a mounted /tmp, a virtual machine that
was moved) takes them without a word. vLLM's compiled sampler, made for AVX-512 and run with AVX2, so drew nearly any
token: every response was noise, while vLLM and the actor agreed about how unlikely it was.
"""

import os
import tempfile
from pathlib import Path

import torch

VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


def instructions() -> str:
    """The kinds of instructions that torch compiles for here, as "avx512-bf16"."""
    kinds = {"bf16": torch.cpu._is_avx512_bf16_supported(), "amx": torch.cpu._is_amx_tile_supported()}
    return "-".join([torch.backends.cpu.get_cpu_capability().lower(), *(name for name in kinds if kinds[name])])


def keep_apart() -> None:
    """Choose the folder for this process and those it starts; one that the user has chosen stays.

    torch sets the variable itself once it has asked for the folder, which importing torch._inductor does.
    """
    folder = Path(tempfile.gettempdir())
    chosen = Path(os.environ.get(VARIABLE, folder / "torchinductor_"))
    if chosen.parent == folder and chosen.name.startswith("torchinductor_"):
        os.environ[VARIABLE] = str(folder / f"torchinductor_{os.getuid()}" / instructions())
