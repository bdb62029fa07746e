"""Every command ends alike: one line and an exit code, whatever went wrong."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.common.command import command
from recipes.common.errors import Failure, UserError
from recipes.common.files import write_atomically

ROOT = Path(__file__).resolve().parents[3]


def test_bad_input_is_one_line_without_secrets(capsys, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_very_secret")
    with pytest.raises(SystemExit, match=r"^2$"), command("Interrupted."):
        raise UserError("model=[bold]: 401 for hf_very_secret")
    out, err = capsys.readouterr()
    assert out == "" and re.fullmatch(r"Error: model=\[bold\]: 401 for \S+\n", err) and "very_secret" not in err


def test_what_has_failed_since_is_1(capsys) -> None:
    with pytest.raises(SystemExit, match=r"^1$"), command("Interrupted."):
        raise Failure("the engines died")
    assert capsys.readouterr().err == "Error: the engines died\n"


def test_a_file_that_is_not_ours_to_use_is_named(tmp_path: Path, capsys) -> None:
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(SystemExit, match=r"^2$"), command("Interrupted."):
        write_atomically(tmp_path / "manifest.json", "{}")
    with pytest.raises(SystemExit, match=r"^2$"), command("Interrupted."):
        raise PermissionError(errno.EACCES, "Permission denied", "/run/metrics.jsonl")
    (tmp_path / "file").write_text("")
    for unusable in (tmp_path / "file" / "new", tmp_path / ("x" * 300)):
        with pytest.raises(SystemExit, match=r"^2$"), command("Interrupted."):
            unusable.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(unusable, "")
    first, second, third, fourth = capsys.readouterr().err.splitlines()
    assert third.startswith(f"Error: {tmp_path / 'file'}: File exists. Make it one")
    assert "File name too long. Make it one" in fourth
    assert first.startswith(f"Error: {tmp_path / 'manifest.json'}: Is a directory. Make it one")
    assert second.startswith("Error: /run/metrics.jsonl: Permission denied. Make it one")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_130(capsys, number: signal.Signals) -> None:
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
        with pytest.raises(SystemExit, match=r"^130$"), command("Interrupted; nothing is lost."):
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 10)
        assert capsys.readouterr().err == "Interrupted; nothing is lost.\n"
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_what_is_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), command("Interrupted."):
        _ = 1 / 0


@pytest.mark.parametrize(
    "words",
    [
        ("merge", "nowhere"),
        ("report", "run", "nowhere"),
        ("plan", "gpu=b300"),
        ("reproduce", "dgpo", "--seeds", "one"),
        ("doctor", "experiment=none"),
        ("launch", "local", "--cfg", "job", "experiment=none"),
        ("prepare_data", "data=none"),
        ("evaluate", "eval=none"),
        ("train", "experiment=none"),
    ],
    ids=lambda words: words[0],
)
def test_every_command_says_it_in_one_line(words: tuple[str, ...], tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "60"}
    found = subprocess.run(
        [sys.executable, "-m", f"recipes.{words[0]}", *words[1:]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 2 and re.search(r"^Error: .+\n\Z", found.stderr, re.M), found
    assert found.stderr.count("Error") == 1 and "Traceback" not in found.stderr, found
