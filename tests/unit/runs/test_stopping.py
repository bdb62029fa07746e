"""Signals, and the two files through which driver and trainer agree on an end."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from recipes.runs import stopping
from recipes.runs.stopping import StopFiles, Stopped

PROGRAM = """
import os, signal, sys
from pathlib import Path
from recipes.common.processes import Terminated
from recipes.runs.stopping import StopFiles, listen
files = StopFiles(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["FOLDER"]))
files.clear()
listen(files, lambda text: print(text, flush=True))
try:
    if os.environ["OFFERED"] == "yes":
        files.offer()
    os.kill(os.getpid(), getattr(signal, os.environ["SIGNAL"]))
    print("asked" if files.asked() else "not asked")
    os.kill(os.getpid(), signal.SIGTERM)
except Terminated as error:
    print("ended by", error)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_the_first_signal_asks_and_the_second_ends(
    run_python: Callable[..., CompletedProcess[str]], tmp_path: Path, name: str
) -> None:
    result = run_python(PROGRAM, FOLDER=str(tmp_path), OFFERED="yes", SIGNAL=name)
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{name}: saving a checkpoint") and lines[1:] == ["asked", "ended by SIGTERM"], result


def test_before_there_is_anything_to_save_the_first_signal_ends(
    run_python: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    result = run_python(PROGRAM, FOLDER=str(tmp_path), OFFERED="no", SIGNAL="SIGUSR1")
    assert result.stdout.splitlines() == ["ended by SIGUSR1"], result


def test_an_earlier_attempt_is_forgotten(tmp_path: Path) -> None:
    files = StopFiles(tmp_path)
    files.offer()
    files.ask()
    files.clear()
    assert not files.offered() and not files.asked()


class Buffer:
    """The one method of verl's replay buffer that waits."""

    def _wait_for_next_poll(self, partition_id: str, last_debug_time: float) -> float:
        return last_debug_time + 1


def test_only_a_training_batch_is_abandoned() -> None:
    buffer, asked = Buffer(), [False]
    stopping.interrupt_generation(buffer, lambda: asked[0])
    assert buffer._wait_for_next_poll("train", 1.0) == 2.0
    asked[0] = True
    assert buffer._wait_for_next_poll("val", 1.0) == 2.0
    with pytest.raises(Stopped):
        buffer._wait_for_next_poll("train", 1.0)


def test_verls_buffer_waits_where_we_listen() -> None:
    from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

    assert "_wait_for_next_poll" in ReplayBuffer.sample.__wrapped__.__code__.co_names
