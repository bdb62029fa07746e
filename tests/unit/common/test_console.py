"""The terminal stays quiet, the log gets everything, and a failure's root cause is found in it."""

from pathlib import Path

from recipes.common.console import root_cause

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


def test_a_message_of_several_lines_keeps_what_names_the_key(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for SchedulerConfig\n"
        "max_num_seqs\n"
        "  Input should be greater than or equal to 1\n"
        "    For further information visit elsewhere\n"
        "INFO 11-24 all is well\n"
    )
    assert root_cause(log)[1:] == ["  max_num_seqs", "  Input should be greater than or equal to 1"]


def test_a_secondary_exception_is_better_than_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("ray.exceptions.ActorDiedError: The actor died unexpectedly\n")
    assert root_cause(log) == ["ray.exceptions.ActorDiedError: The actor died unexpectedly"]


def test_output_of_any_kind_goes_to_the_log_and_comes_back_afterwards(tmp_path: Path, run_python) -> None:
    log = tmp_path / "log"
    result = run_python(
        "import os, pathlib\n"
        "from recipes.common.console import chatter_to\n"
        f"with chatter_to(pathlib.Path({str(log)!r})) as console:\n"
        "    print('from python')\n"
        "    os.write(2, b'from C\\n')\n"
        "    os.system('echo from a child')\n"
        "    console.print('for the person')\n"
        "print('afterwards')\n"
    )
    assert result.stdout.splitlines() == ["for the person", "afterwards"], result.stderr
    assert sorted(log.read_text().splitlines()) == ["from C", "from a child", "from python"]


def test_at_the_end_the_log_holds_no_secrets(tmp_path: Path, run_python) -> None:
    log = tmp_path / "log"
    code = (
        "import pathlib\n"
        "from recipes.common.console import chatter_to\n"
        f"with chatter_to(pathlib.Path({str(log)!r})):\n"
        "    print('api_key=abcdefgh', 'https://bob:s3cret@host')\n"
        "    raise KeyboardInterrupt\n"
    )
    assert "KeyboardInterrupt" in run_python(code).stderr
    assert log.read_text() == "api_key=*** https://bob:***@host\n"


def test_on_a_full_disk_the_person_still_reads_why(tmp_path: Path, run_python) -> None:
    """A limit of 1,000 bytes for a file, as a full disk would be."""
    result = run_python(
        "import pathlib, resource\n"
        "from recipes.common.command import command\n"
        "from recipes.common.console import chatter_to\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))\n"
        f"with command('Interrupted.'), chatter_to(pathlib.Path({str(tmp_path / 'log')!r})):\n"
        "    print('x' * 5000)\n"
    )
    assert result.returncode == 1 and "File too large" in result.stderr, result
