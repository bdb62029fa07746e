"""The checks of this process and machine: what recipes.train asks before every run, and the versions."""

from omegaconf import DictConfig

from recipes import preflight, reward_checks, train
from recipes.doctoring import versions
from recipes.doctoring.check import Check
from recipes.doctoring.finding import Finding, ok

# Of each step of train.CHECKS: what is well if it passes, and what it builds on.
_STEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "hardware": ("the preset suits this environment and machine", ()),
    "config": ("hyper-parameters, sizes and verl's own validation", ("plug-in", "reward")),
    "environment": ("everything that the config names can be imported", ("config",)),
    "run folder": ("can be written; no other run stands there", ()),
    "preparation": ("model and data that this project builds itself are there", ("config",)),
    "model": ("weights, tokenizer and chat template", ("preparation",)),
    "data": ("files, columns and rows", ("preparation",)),
    "disk": ("room for the checkpoints", ("model",)),
}


def _plugin(config: DictConfig) -> list[Finding]:
    preflight.check_plugin()
    return [ok("plug-in", "losses, estimators and platform are registered with verl")]


def _reward(config: DictConfig) -> list[Finding]:
    reward_checks.check_reward(config)
    return [ok("reward", "known answers are scored right, through the scoring processes")]


def _step(name: str, function: train.CheckFunction) -> Check:
    fine, needs = _STEPS[name]

    def run(config: DictConfig) -> list[Finding]:
        function(config)
        return [ok(name, fine)]

    return Check(name, run, needs)


CHECKS = (
    Check(versions.NAME, versions.check),
    Check("plug-in", _plugin),
    Check("reward", _reward),
    *(_step(name, function) for name, function in train.CHECKS),
)
