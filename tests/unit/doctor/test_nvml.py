"""What NVML says, from a stand-in for pynvml."""

import sys
from types import SimpleNamespace

import pytest

from recipes.doctor import nvml


def stand_in(**changes: object) -> SimpleNamespace:
    calls = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlSystemGetCudaDriverVersion": lambda: 12080,
        "nvmlSystemGetDriverVersion": lambda: "570.1",
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetMemoryInfo": lambda index: SimpleNamespace(total=80 + index, used=index, free=80),
        "nvmlDeviceGetName": lambda index: f"GPU number {index}",
    }
    return SimpleNamespace(**calls | changes)


def test_cards_driver_and_cuda_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", stand_in())
    cards = (nvml.Card("GPU number 0", 80, 0), nvml.Card("GPU number 1", 81, 1))
    assert nvml.read() == nvml.Graphics(cards, "570.1", (12, 8))


def test_a_machine_without_a_driver_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RuntimeError("Driver Not Loaded")

    monkeypatch.setitem(sys.modules, "pynvml", stand_in(nvmlInit=refuse))
    assert nvml.read().problem == "RuntimeError: Driver Not Loaded"
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    assert "pynvml" in nvml.read().problem
