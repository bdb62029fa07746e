"""Twelve steps of a real tiny run as verl writes them, shortened, and a terminal of a given size to show them on."""

import io
import re
from typing import Any

from rich.console import Console

# (reward, entropy, k1 KL, LN, HP, generation, old log-prob, update, sync, step) of 12 steps on two CPU cores.
_RECORDED = (
    (0.250, 0.161, 0.0, 0.0, 0.0, 22.96, 0.32, 0.59, 1.09, 33.18),
    (0.406, 0.126, 0.0023, 0.0057, 0.0014, 1.02, 0.26, 0.63, 1.10, 3.22),
    (0.266, 0.153, -0.0016, 0.0028, 0.0071, 1.28, 0.21, 0.61, 0.59, 2.74),
    (0.406, 0.141, 0.0008, 0.0028, 0.0014, 1.03, 0.28, 0.45, 0.80, 2.70),
    (0.516, 0.126, 0.0008, 0.0043, 0.0014, 9.57, 0.38, 1.45, 0.20, 20.87),
    (0.453, 0.144, 0.0012, 0.0014, 0.0028, 1.49, 0.17, 0.64, 0.11, 2.67),
    (0.359, 0.131, -0.0007, 0.0, 0.0, 1.47, 0.70, 0.96, 1.31, 4.52),
    (0.359, 0.137, 0.0003, 0.0014, 0.0, 2.20, 0.52, 0.52, 0.59, 3.98),
    (0.406, 0.125, 0.0001, 0.0, 0.0, 1.59, 0.21, 0.77, 0.13, 2.77),
    (0.406, 0.144, 0.0000, 0.0, 0.0, 1.40, 0.67, 0.64, 0.16, 3.11),
    (0.406, 0.128, 0.0004, 0.0, 0.0014, 1.47, 0.48, 1.00, 0.52, 3.54),
    (0.344, 0.152, 0.0002, 0.0028, 0.0014, 1.83, 0.29, 1.02, 1.13, 4.58),
)


def row(step: int, **more: Any) -> dict[str, Any]:
    """The metrics of a training step; `more` replaces or adds, with __ for / and None for null."""
    reward, entropy, kl, left, right, *seconds = _RECORDED[(step - 1) % len(_RECORDED)]
    generation, old, update, sync, whole = seconds
    data: dict[str, Any] = {
        "critic/score/mean": reward,
        "actor/entropy": entropy,
        "actor/ppo_kl": kl,
        "actor/token_share/left_negative": left,
        "actor/token_share/right_positive": right,
        "response_length/mean": 10.9,
        "response_length/max": 12.0,
        "response/truncated_share": 0.016,
        "reward/status/ok": reward,
        "reward/status/wrong": 1 - reward,
        "reward/status/timeout": 0.0,
        "timing_s/gen": generation,
        "timing_s/old_log_prob": old,
        "timing_s/update_actor": update,
        "timing_s/update_weights": sync,
        "timing_s/step": whole,
    }
    return {"step": step, "data": data | {name.replace("__", "/"): value for name, value in more.items()}}


def validation_row(step: int, accuracy: float | None, error: float | None = 0.028) -> dict[str, Any]:
    """A row of nothing but a validation."""
    data = {"val-core/arithmetic/acc/mean@4": accuracy, "val-aux/arithmetic/acc/stderr@4": error}
    return {"step": step, "data": {name: value for name, value in data.items() if value is not None or "core" in name}}


class Screen(io.StringIO):
    """A file of a given encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As rich asks for it."""
        return self._encoding


def console(
    width: int, height: int = 24, encoding: str = "utf-8", terminal: bool = True, **environment: str
) -> Console:
    """A terminal, or a file, whose environment is not that of the test."""
    return Console(
        file=Screen(encoding),
        force_terminal=terminal,
        width=width,
        height=height,
        soft_wrap=True,
        highlight=False,
        _environ={"TERM": "xterm-256color", **environment},
    )


def drawn(shown: Any, on: Console) -> list[str]:
    """The lines of something, without colours."""
    with on.capture() as capture:
        on.print(shown, soft_wrap=False)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capture.get()).splitlines()
