"""Installed packages against the lock."""

from importlib.metadata import version
from pathlib import Path

import pytest

from recipes.doctor import versions
from recipes.doctor.finding import Status


@pytest.fixture
def found(tmp_path: Path, config):
    """Lines of a CPU lock → (status, what) of the findings."""

    def check(*lines: str) -> list[tuple[Status, str]]:
        (tmp_path / "cpu.lock").write_text("\n".join(lines) + "\n")
        findings = versions.check(config, tmp_path)
        assert all("setup.sh cpu" in one.cure for one in findings if one.status is not Status.OK)
        return [(one.status, one.what) for one in findings]

    return check


def test_equal_versions_are_ok(found) -> None:
    pins = [f"{name}=={version(name)}" for name in ("torch", "rich", "ray")]
    (only,) = found("# a comment", pins[0], "    # via verl", *pins[1:])
    assert only[0] is Status.OK and only[1].startswith("3 packages")


def test_another_version_warns_or_fails_by_package(found) -> None:
    (decisive, other) = found("torch==1.0", "rich==1.0", "math-verify==0.0.1")
    assert decisive[0] is Status.FAILURE and "torch" in decisive[1] and "math-verify 0.9.0 (lock 0.0.1)" in decisive[1]
    assert other == (Status.WARNING, f"rich {version('rich')} (lock 1.0)")


def test_a_missing_package_is_named(found) -> None:
    assert found("no-such-package==1.0") == [(Status.WARNING, "no-such-package missing (lock 1.0)")]


def test_markers_of_other_machines_are_left_out(found) -> None:
    (only,) = found("rich==1.0 ; sys_platform == 'win32'", f"ray=={version('ray')} ; python_version >= '3.10'")
    assert only[0] is Status.OK and only[1].startswith("1 packages")


def test_without_a_lock_nothing_is_claimed(tmp_path: Path, config) -> None:
    (only,) = versions.check(config, tmp_path)
    assert only.status is Status.WARNING and "not compared" in only.what


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_the_shipped_locks_are_read_whole(kind: str) -> None:
    lock = Path(__file__).parents[3] / "requirements" / f"{kind}.lock"
    pins = [line for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))]
    names = {requirement.name.lower() for requirement in versions.locked(lock)}
    assert {"verl", "torch", "ray"} <= names and 0.8 * len(pins) <= len(names) <= len(pins)


def test_the_decisive_packages_are_in_the_locks() -> None:
    locks = [Path(__file__).parents[3] / "requirements" / f"{kind}.lock" for kind in ("cpu", "gpu")]
    assert {one.name for lock in locks for one in versions.locked(lock)} >= versions.DECISIVE
