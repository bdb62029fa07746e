"""The collector is asked less often: by every command, and by Ray's workers on a CPU."""

import gc
from collections.abc import Iterator
from importlib import import_module

import pytest

from recipes.common.command import command
from recipes.config.compose import compose

RARE = (50_000, 20, 20)


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_a_command_asks_less_often() -> None:
    gc.set_threshold(700, 10, 10)
    with command("Interrupted."):
        assert gc.get_threshold() == RARE


def test_rays_workers_do_on_a_cpu() -> None:
    gc.set_threshold(700, 10, 10)
    hook = compose(["hardware=cpu"]).ray_kwargs.ray_init.runtime_env.worker_process_setup_hook
    module, name = hook.rsplit(".", 1)
    getattr(import_module(module), name)()
    assert gc.get_threshold() == RARE


def test_where_the_gpus_memory_counts_they_do_not() -> None:
    """A cycle of objects may hold a tensor of gigabytes."""
    runtime = compose(["hardware=8x80gb"]).ray_kwargs.ray_init.get("runtime_env") or {}
    assert "worker_process_setup_hook" not in runtime


def test_what_is_there_at_the_end_is_passed_over(run_python) -> None:
    """Python collects after the last of these functions; what is frozen by then costs nothing."""
    result = run_python(
        "import atexit, gc\n"
        "from recipes.common import collector\n"
        "atexit.register(lambda: print(gc.get_freeze_count()))\n"
        "collector.ask_less_often()\n"
        "print(gc.get_freeze_count())"
    )
    before, after = (int(line) for line in result.stdout.split())
    assert before == 0 and after > 1000, result.stdout + result.stderr
