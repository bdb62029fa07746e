"""A benchmark that hangs is ended with all it started; memory is that of the whole tree."""

import subprocess
import sys
import time

import psutil
import pytest

from benchmarks.measure import process_tree

HOLDS = "import time; kept = bytearray(80 * 2**20); time.sleep({seconds})"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS.format(seconds=2)!r}])"


def start(code: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", code])


def test_memory_of_children_counts_for_the_tree_only() -> None:
    process = start(PARENT)
    memory = process_tree.TreeMemory(process.pid)
    process_tree.wait(process, 60, [(0.05, memory.look)])
    assert memory.tree >= 80 * 2**20 > memory.driver > 0
    before = memory.tree
    memory.look()  # it has ended
    assert memory.tree == before


def test_shared_pages_count_once() -> None:
    process = start(HOLDS.format(seconds=3))
    both = [process_tree.TreeMemory(process.pid, shared_once=once) for once in (False, True)]
    process_tree.wait(process, 60, [(0.1, one.look) for one in both])
    plain, shared_once = (one.tree for one in both)
    assert 80 * 2**20 <= shared_once <= plain


def test_at_the_limit_the_process_and_its_children_are_ended() -> None:
    process = start("import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])")
    while not (children := psutil.Process(process.pid).children(recursive=True)):
        time.sleep(0.05)
    with pytest.raises(TimeoutError, match="did not end within"):
        process_tree.wait(process, 0.2)
    assert process.poll() is not None
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
