"""The phase of the start is read from the log, from lines that the installed verl and Ray do write."""

import importlib.util
from pathlib import Path

import pytest

from recipes.train.live.startup import PHASES, VALIDATING, Startup

SOURCES = {
    "ray": ("_private/worker.py",),
    "verl": ("trainer/ppo/v1/trainer_base.py", "utils/tracking.py"),
}


def source_text() -> str:
    texts = []
    for package, files in SOURCES.items():
        spec = importlib.util.find_spec(package)
        assert spec and spec.submodule_search_locations
        texts += [(Path(spec.submodule_search_locations[0]) / file).read_text() for file in files]
    return "\n".join(texts)


def test_every_line_that_is_waited_for_is_written_by_verl_or_ray() -> None:
    text = source_text()
    for phase in PHASES[1:]:
        for line in phase.begins_with:
            # tqdm adds the colon to its description; Ray prefixes are logged as they stand.
            assert line.rstrip(":") in text, f"{phase.name}: nothing writes {line!r} any more"


def test_phases_follow_the_log(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    startup = Startup(log, validates=True)
    assert not startup.look() and startup.phase == PHASES[0].name, "no log yet"
    seen = []
    with log.open("a") as file:
        for phase in PHASES[1:]:
            file.write(f"(TaskRunner pid=1) INFO: {phase.begins_with[0]} and more\n")
            file.flush()
            assert startup.look() and not startup.look()
            seen.append(startup.phase)
    assert seen == [phase.name for phase in PHASES[1:]]
    assert [name for name, _ in startup.durations()] == [phase.name for phase in PHASES]


def test_a_line_that_comes_in_two_pieces_counts(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("x" * 10_000 + "Started a local R")
    startup = Startup(log, validates=True)
    assert not startup.look()
    with log.open("a") as file:
        file.write("ay instance.\n")
    assert startup.look() and startup.phase == PHASES[1].name


@pytest.mark.parametrize("validates", [True, False])
def test_a_run_that_does_not_validate_never_says_so(tmp_path: Path, validates: bool) -> None:
    log = tmp_path / "train.log"
    log.write_text("checkpoint engine manager initialized\nCreating file logger at x\n")
    startup = Startup(log, validates)
    startup.look()
    assert (startup.phase == VALIDATING) is validates
