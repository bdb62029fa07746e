"""A user's own script is not run again by the processes that score for it."""

import subprocess
import sys
from pathlib import Path


def test_a_script_without_a_main_guard(tmp_path: Path) -> None:
    """The usual three lines; Python's own multiprocessing would run them again in every process, and refuse."""
    script = tmp_path / "three_lines.py"
    script.write_text(
        'print("once")\nfrom reward import score\nprint(score(r"\\boxed{\\sqrt{12}+x}", r"2\\sqrt{3}+x").status)\n'
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert (result.stdout, result.stderr) == ("once\nok\n", "")


def test_other_processes_are_started_as_before(tmp_path: Path) -> None:
    """Functions of the main script reach the processes of everybody else."""
    script = tmp_path / "others.py"
    script.write_text(
        "import multiprocessing\nimport reward\n"
        "def double(value):\n    return 2 * value\n"
        'if __name__ == "__main__":\n'
        '    assert reward.score(r"\\boxed{\\sqrt{12}}", r"2\\sqrt{3}").status == "ok"\n'
        '    for method in ("forkserver", "spawn"):\n'
        "        with multiprocessing.get_context(method).Pool(1) as pool:\n"
        "            print(pool.map(double, [1, 2]))\n"
    )
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert result.stdout == "[2, 4]\n[2, 4]\n", result.stderr
