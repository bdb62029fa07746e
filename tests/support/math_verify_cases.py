"""math-verify's own test cases (unit/reward/data/math_verify_cases.json says from where), and the answers in them."""

import json
import re
from pathlib import Path
from typing import Any

from reward.extraction import extract_answer

FILE = Path(__file__).resolve().parents[1] / "unit" / "reward" / "data" / "math_verify_cases.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
SHORT = 60


def answer_in(text: str) -> str:
    """The answer of a case: its box, its one formula, the short text itself, or what the end of a response states."""
    if r"\boxed" in text:
        return extract_answer(text).answer
    formula = re.fullmatch(r"\s*(\$+)([^$]*)\1\s*", text, re.DOTALL)
    if formula:
        return formula[2]
    if len(text) <= SHORT and not any(sign in text for sign in ("$", r"\(", r"\[")):
        return text
    return extract_answer(text, require_box=False).answer
