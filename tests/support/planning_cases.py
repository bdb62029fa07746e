"""Composed plans for the tests of recipes.plan."""

from functools import cache

from recipes.inputs import architecture
from recipes.plan import __main__ as plan

SEVEN = ("model=deepseek-r1-distill-qwen-7b", "data=dapo_math_17k", "hardware=8x80gb")


@cache
def planned(*overrides: str) -> plan.Plan:
    return plan.of(plan.request(overrides))


def model(name: str) -> architecture.Architecture:
    return architecture.from_config_json(architecture.known()[name], name)
