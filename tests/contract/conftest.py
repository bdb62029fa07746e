"""Makes what the tests here share importable (see tests/unit/conftest.py)."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
