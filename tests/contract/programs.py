"""What the programs in documented commands may be called with: arguments parse, configs compose and pass their checks.

Nothing is started. A program that PROGRAMS lacks is not understood.
"""

import argparse
import ast
import functools
import importlib.util
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig
from rehearsal import ROOT, Call

from recipes import reproduce
from recipes.checks import config as config_checks
from recipes.config import command_line, compose, hardware
from recipes.config.compose import resolved
from recipes.evaluate import __main__ as evaluate
from recipes.evaluate import settings
from recipes.launch import __main__ as launch
from recipes.plan import __main__ as plan
from recipes.prepare_data import __main__ as prepare_data
from recipes.report import __main__ as report
from recipes.report import curves
from recipes.study import settings as study_settings


def _overrides(words: tuple[str, ...]) -> list[str]:
    """The overrides among the words of a command, whose flags must be known."""
    return command_line.parse(words, "recipes").overrides


@functools.cache
def _training(overrides: tuple[str, ...]) -> DictConfig:
    config = resolved(compose.compose(overrides))
    config_checks.check_config(config)
    return config


def _train(call: Call, words: tuple[str, ...]) -> None:
    _training(tuple(_overrides(words)))


def _doctor(call: Call, words: tuple[str, ...]) -> None:
    _training(tuple(word for word in words if word != "--json"))


def _plan(call: Call, words: tuple[str, ...]) -> None:
    asked = plan.request(words)
    if asked.overrides:  # without an experiment it compares all, or names what a budget buys
        plan.of(asked)


def _evaluate(call: Call, words: tuple[str, ...]) -> None:
    settings.checked(compose.compose(evaluate.with_checkpoint(_overrides(words)), compose.EVALUATE))


def _prepare_data(call: Call, words: tuple[str, ...]) -> None:
    prepare_data.read_settings(compose.compose(_overrides(words), compose.PREPARE))


def _study(call: Call, words: tuple[str, ...]) -> None:
    study_settings.settings_from(compose.compose(_overrides(words), compose.STUDY))


def _report(call: Call, words: tuple[str, ...]) -> None:
    if words:
        arguments = report.parsed(words)
        curves.panel_of(arguments.overrides) if arguments.overrides else None


def _launch(call: Call, words: tuple[str, ...]) -> None:
    if not words:
        return  # the launcher as such
    options, rest = launch._parser().parse_known_args(list(words))
    module = call.variables.get("RLVR_TRAIN_MODULE", "recipes.train")
    assert options.command == "local" or not [word for word in rest if word.startswith("-")], rest
    MODULES[module](call, tuple(rest))
    given = call.variables.get("SLURM_JOB_NUM_NODES") if options.command == "slurm" else None
    if options.command == "head":
        given = str(len(options.nodes.split(",")))
    if given:
        asked = hardware.nodes(_training(tuple(rest)))
        assert int(given) == asked, f"{given} node(s) for a training on {asked}"


def _reproduce(call: Call, words: tuple[str, ...]) -> None:
    options = reproduce._arguments(words)
    papers = reproduce.PAPERS if options.papers == "both" else (options.papers,)
    only = [word for word in (options.only or "").split(",") if word]
    cell = reproduce.cells(papers, options.scale, (0,), only, Path("outputs"))[0]
    _training((f"experiment={cell.paper}/{cell.name}", f"scale={options.scale}", *options.overrides))


def _verl(call: Call, words: tuple[str, ...]) -> None:
    if words:
        assert "--cfg" in words, "anything else would train"
        _run("verl.trainer.main_ppo", words)


def _pytest(call: Call, words: tuple[str, ...]) -> None:
    paths = [word for word in words if word.startswith("tests/")]
    assert all((ROOT / path.partition("::")[0]).exists() for path in paths), paths


MODULES: dict[str, Callable[[Call, tuple[str, ...]], None]] = {
    "recipes.train": _train,
    "recipes.doctor": _doctor,
    "recipes.plan": _plan,
    "recipes.evaluate": _evaluate,
    "recipes.prepare_data": _prepare_data,
    "recipes.report": _report,
    "recipes.study": _study,
    "recipes.launch": _launch,
    "recipes.reproduce": _reproduce,
    "verl.trainer.main_ppo": _verl,
    "pytest": _pytest,
}


class _Parsed(Exception):
    """The command line was understood; what the program does then is not rehearsed."""


def _parsed(module: str, words: tuple[str, ...]) -> argparse.Namespace:
    """What argparse makes of the words, in the program itself: `module` is its name, or a file under the root."""
    genuine = argparse.ArgumentParser.parse_args

    def parse_args(self: argparse.ArgumentParser, *arguments: Any, **keywords: Any) -> Any:
        raise _Parsed(genuine(self, *arguments, **keywords))

    with pytest.MonkeyPatch.context() as patch, pytest.raises(_Parsed) as parsed:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
        _run(module, words)
    result = parsed.value.args[0]
    assert isinstance(result, argparse.Namespace)
    return result


def _run(module: str, words: tuple[str, ...]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module, *words])
        patch.syspath_prepend(str(ROOT))
        if module.endswith(".py"):
            runpy.run_path(str(ROOT / module), run_name="__main__")
        else:
            runpy.run_module(module, run_name="__main__")


def _code(text: str) -> None:
    """It compiles, and what it imports exists."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            assert node.module and all(hasattr(importlib.import_module(node.module), n.name) for n in node.names)
        elif isinstance(node, ast.Import):
            assert all(importlib.import_module(name.name) for name in node.names)


def _python(call: Call) -> None:
    first, *rest = call.words
    if first == "-c":
        _code(rest[0])
    elif first != "-m":
        _parsed(first, tuple(rest))
    elif rest[0] in MODULES:
        MODULES[rest[0]](call, tuple(rest[1:]))
    elif len(rest) == 1:
        assert importlib.util.find_spec(rest[0])  # the program as such: its arguments may all be required
    else:
        _parsed(rest[0], tuple(rest[1:]))


def _bash(call: Call) -> None:
    assert call.words[0] != "scripts/setup.sh" or call.words[1:] in ((), ("cpu",), ("gpu",)), call.words


def _sbatch(call: Call) -> None:
    options = {word.partition("=")[0] for word in call.words if word.startswith("--")}
    assert options <= {"--nodes", "--array", "--time", "--partition", "--signal", "--gpus-per-node"}, options


def _files(call: Call) -> None:
    """A program of others: the files of this repository that it is given exist."""
    assert all((ROOT / word).exists() for word in call.words if word.startswith("scripts/")), call.words


PROGRAMS: dict[str, Callable[[Call], None]] = {
    "python": _python,
    "bash": _bash,
    "sbatch": _sbatch,
    **dict.fromkeys(("docker", "git", "kubectl", "mkdocs", "mypy", "pip", "ruff", "scancel", "uv"), _files),
}
