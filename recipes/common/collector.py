"""Python's collector of garbage, asked less often than by default, and not at all at the end.

Imports make very many objects, none of them garbage, and by default the collector looks at each several times
meanwhile: about a tenth of their time (docs/speed.md). Between two looks 50,000 objects may come instead of 700. When a
process ends, Python looks at all of them again, to free memory that is about to be given back anyway.
"""

import atexit
import gc


def ask_less_often() -> None:
    """For this process, from now on. Also what Ray's workers do first on a CPU (configs/hardware/cpu.yaml)."""
    gc.set_threshold(50_000, 20, 20)
    atexit.unregister(gc.freeze)  # once, however often this is called
    atexit.register(gc.freeze)  # what is frozen is passed over
