"""Python's collector of garbage, asked less often than by default.

What this project imports makes a million objects, none of them garbage, and by default the collector looks at each
several times meanwhile: a seventh to a fifth of a start. Between two looks 50,000 objects may come instead of 700.
"""

import gc


def ask_less_often() -> None:
    """For this process, from now on. Also what Ray's workers do first on a CPU (configs/hardware/cpu.yaml)."""
    gc.set_threshold(50_000, 20, 20)
