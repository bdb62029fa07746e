"""The command as a person runs it, on this machine alone."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("ray")  # ports, and memory
COMMAND = [sys.executable, "-m", "recipes.doctor"]


@pytest.fixture
def alone(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Temporary files in a folder of the test's own, which must be empty at the end."""
    folder = Path(tempfile.mkdtemp(prefix="dr-", dir="/tmp"))  # short: Ray puts sockets there
    yield {**environment, "TMPDIR": str(folder), "RLVR_RAY_TMP": str(folder)}
    left = list(folder.glob("rlvr-*"))
    shutil.rmtree(folder)
    assert not left


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_healthy_machine(alone: dict[str, str], inputs: list[str], tmp_path: Path) -> None:
    result = subprocess.run([*COMMAND, "--json", *inputs], env=alone, capture_output=True, text=True, timeout=380)
    print(result.stdout, result.stderr)
    answer = json.loads(result.stdout)
    failures = [found for found in answer["findings"] if found["status"] == "failure"]
    assert result.returncode == 0 and not failures
    looked_at = {found["check"] for found in answer["findings"]}
    assert {"versions", "plug-in", "reward", "nodes", "packages", "shared folder", "clock", "all-reduce"} <= looked_at
    assert not list((tmp_path / "shared").iterdir())


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(
    alone: dict[str, str], inputs: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen([*COMMAND, *inputs], env=alone, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "[doctor] node report" in line:  # Ray is up and asked
            break
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(timeout=120) == 130 and "Interrupted" in rest, rest
    assert not list((tmp_path / "shared").iterdir())
