"""Makes tests/unit/support importable: what several test files share.

pytest runs with --import-mode=importlib, which leaves sys.path alone, and a package `tests` would be verl's.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "support"))
