"""`python -m recipes.prepare_data`: exit codes and one-line errors, in processes of their own."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from preparation import json_lines, problems

from recipes.prepare_data import __main__

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "recipes.prepare_data"]


def run(*overrides: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *overrides], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_done_and_done_before(tmp_path: Path) -> None:
    file = problems(tmp_path / "a.jsonl", ("What is [1] + 1?", "2"))
    given = ("data=math_train", f"file={file}", "overlap=ignore", f"output_root={tmp_path}/data")
    first, second = run(*given), run(*given)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "rows read: 1" in first.stderr and "already prepared" in second.stderr
    sums = subprocess.run(["sha256sum", "-c", "checksums.sha256"], cwd=tmp_path / "data/math_train", check=False)
    assert sums.returncode == 0


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    found = run("data=math_train", f"file={tmp_path}/no.json", "overlap=ignore", f"output_root={tmp_path}/data")
    assert found.returncode == 2
    lines = found.stderr.splitlines()
    assert lines[-1].startswith("Error: file=") and "Traceback" not in found.stderr
    assert not (tmp_path / "data/math_train").exists()


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 1), (errno.EACCES, 2), (errno.EROFS, 2)])
def test_the_exit_code_says_whose_error_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, code: int
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path))

    monkeypatch.setattr(__main__, "prepare", fails)
    with pytest.raises(SystemExit) as end:
        __main__.main(["data=math_train"])
    assert end.value.code == code


def test_no_choice_lists_the_choices() -> None:
    found = run("--cfg", "job")
    assert found.returncode == 2 and "dapo_math_17k" in found.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_half_written(tmp_path: Path, number: signal.Signals) -> None:
    many = [{"problem": f"What is {i} + 1?", "answer": str(i + 1)} for i in range(300_000)]
    file = json_lines(tmp_path / "a.jsonl", many)
    given = ["data=math_train", f"file={file}", "overlap=ignore", f"output_root={tmp_path}/data"]
    with subprocess.Popen(
        [*COMMAND, *given],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts background jobs with Ctrl-C ignored, and that is inherited; a user's terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None and "fetching" in process.stderr.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrupted" in said and "Traceback" not in said
    assert {path.name for path in (tmp_path / "data").iterdir()} == {".math_train.lock"}
