"""The terminal stays quiet, the log gets everything, and a failure's root cause is found in it."""

import os
import sys
from pathlib import Path

from recipes.console import chatter_to, root_cause

LOG = """\
(TaskRunner pid=1) UserWarning: megatron engine is not available: ModuleNotFoundError("No module named 'megatron'")
(AgentLoopWorkerTQ pid=7) Traceback (most recent call last):
\x1b[36m(vLLMHttpServer pid=5)\x1b[0m ValueError: max_model_len (512) should be at most 256
Traceback (most recent call last):
ray.exceptions.RayTaskError(ValueError): \x1b[36mray::TaskRunnerV1.run()\x1b[39m (pid=1)
ray.exceptions.ActorDiedError: The actor died because of an error raised in its creation task
ValueError: max_model_len (512) should be at most 256
RuntimeError: Received an empty list as keys.
"""


def test_the_first_primary_exception_is_shown_without_those_that_follow_from_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    causes = root_cause(log)
    assert causes[0] == "(vLLMHttpServer pid=5) ValueError: max_model_len (512) should be at most 256"
    assert not any("ActorDiedError" in line or "empty list" in line or "megatron" in line for line in causes)


def test_a_secondary_exception_is_better_than_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ray.exceptions.ActorDiedError: The actor died unexpectedly\n")
    assert root_cause(log) == ["ray.exceptions.ActorDiedError: The actor died unexpectedly"]


def test_output_of_any_kind_goes_to_the_log_and_comes_back_afterwards(tmp_path: Path, capfd) -> None:
    log = tmp_path / "log"
    with chatter_to(log) as console:
        print("from python")
        os.write(2, b"from C\n")
        os.system("echo from a child")
        console.print("for the person")
    print("afterwards", file=sys.stdout)
    sys.stdout.flush()
    seen = capfd.readouterr().out
    assert "for the person" in seen and "afterwards" in seen and "from" not in seen.replace("for the", "")
    text = log.read_text()
    assert all(part in text for part in ("from python", "from C", "from a child"))
    assert "for the person" not in text
