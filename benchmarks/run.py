"""Measure what this project costs beside the alternative: `python -m benchmarks.run [subjects] [--quick]`.

Subjects: losses, reward, step, startup, answers, rows, driver, quickstart_time, busy, evaluation, report; all of them
by default. Each is a module of subjects/ with `TITLE`, `measure(quick) -> dict` and `section(measured) -> str`, and is
measured in a process of its own. Results go to docs/results/performance.{json,md}; a quick run is only printed, unless
--output names a folder.
"""

import argparse
import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.measure import goals, results
from recipes.common.command import command
from recipes.common.errors import UserError

SUBJECTS = (
    "losses",
    "reward",
    "step",
    "startup",
    "answers",
    "rows",
    "driver",
    "quickstart_time",
    "busy",
    "evaluation",
    "report",
)


def module_of(subject: str) -> ModuleType:
    """The module that measures a subject.

    Raises:
        UserError: there is none.
    """
    name = f"benchmarks.subjects.{subject}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        missing = f"benchmarks/subjects/{subject}.py"
        raise UserError(f"{subject}: this checkout has no {missing}. Leave the subject out.") from error


def render(subject: str, result: dict[str, Any]) -> str:
    """The section of a subject."""
    module = module_of(subject)
    title = getattr(module, "TITLE", subject.capitalize())
    return results.section(title, result, getattr(module, "section", results.plain_section))


def page(found: dict[str, Any]) -> str:
    """The whole page; a subject that was never measured has no section."""
    sections = [goals.section(found), *(render(subject, found[subject]) for subject in SUBJECTS if subject in found)]
    return "\n".join([results.HEAD, *sections])


def measure(subject: str, quick: bool, note: str) -> dict[str, Any]:
    """One subject: what was measured and under which circumstances."""
    function = module_of(subject).measure
    about = results.about(quick, note)
    options = {"quick": quick} if "quick" in inspect.signature(function).parameters else {}
    return {"about": about, "measured": function(**options)}


def one_by_one(arguments: argparse.Namespace) -> None:
    """Every subject in a process of its own: none inherits the memory, caches or children of another.

    Raises:
        UserError: at least one of them failed.
    """
    options = [*(["--quick"] if arguments.quick else []), f"--note={arguments.note}"]
    options += [f"--output={arguments.output}"] if arguments.output else []
    failed = []
    for subject in arguments.subjects:
        own = [f"--json={arguments.json.with_suffix('')}-{subject}.json"] if arguments.json else []
        if subprocess.run([sys.executable, "-m", "benchmarks.run", subject, *options, *own]).returncode:
            failed.append(subject)
    if failed:
        raise UserError(f"not measured: {', '.join(failed)} (the reason stands above); the others are written.")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", metavar="subject", help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes: does it work, not how fast")
    parser.add_argument("--json", type=Path, help="also write the result here (with several subjects: FILE-<subject>)")
    parser.add_argument("--output", type=Path, help="folder of performance.{json,md}; default: docs/results")
    parser.add_argument("--note", default="", help="what the page must say about the circumstances")
    arguments = parser.parse_args()
    arguments.subjects = list(dict.fromkeys(arguments.subjects)) or list(SUBJECTS)
    if unknown := set(arguments.subjects) - set(SUBJECTS):
        parser.error(f"no such subject: {', '.join(sorted(unknown))}. There are {', '.join(SUBJECTS)}.")
    with command("Interrupted."):
        if len(arguments.subjects) > 1:
            one_by_one(arguments)
            return
        (subject,) = arguments.subjects
        result = measure(subject, arguments.quick, arguments.note)
        print(render(subject, result))
        if arguments.json:
            arguments.json.write_text(json.dumps(result, indent=1) + "\n")
        if arguments.output or not arguments.quick:
            folder = arguments.output or results.FOLDER
            found = results.read(folder) | {subject: result}
            results.write(folder, found, page(found))


if __name__ == "__main__":
    main()
