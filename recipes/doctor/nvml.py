"""The GPUs of this machine as the driver sees them, whatever CUDA_VISIBLE_DEVICES hides from this process."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """One GPU.

    Attributes:
        name: as the driver calls it.
        memory, used: bytes.
    """

    name: str
    memory: int
    used: int


@dataclass(frozen=True)
class Graphics:
    """What NVML says.

    Attributes:
        cards: by index.
        driver: version of the NVIDIA driver.
        cuda: newest CUDA version that the driver serves, as (13, 0).
        problem: why there is nothing above; empty if there is.
    """

    cards: tuple[Card, ...] = ()
    driver: str = ""
    cuda: tuple[int, int] = (0, 0)
    problem: str = ""


def read() -> Graphics:
    """Ask NVML; a machine without it answers with the reason."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception as error:  # not installed, no driver, no permission: the reason becomes a finding
        return Graphics(problem=f"{type(error).__name__}: {error}")
    try:
        number = pynvml.nvmlSystemGetCudaDriverVersion()
        cards = tuple(_card(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
        return Graphics(cards, pynvml.nvmlSystemGetDriverVersion(), (number // 1000, number % 1000 // 10))
    finally:
        pynvml.nvmlShutdown()


def _card(pynvml, index: int) -> Card:  # type: ignore[no-untyped-def]
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return Card(pynvml.nvmlDeviceGetName(handle), int(memory.total), int(memory.used))
