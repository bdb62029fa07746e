"""benchmarks/gpu.py works before somebody rents a GPU for it: on a CPU, without verl."""

import json

import pytest

# As on a machine where verl is not installed: it can't be found, so an import that the stand-in lacks fails.
WITHOUT_VERL = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.split(".")[0] == "verl" else found(name, *rest)
from benchmarks import gpu
sys.argv = ["gpu", *{arguments}]
code = gpu.main()
assert not getattr(sys.modules["verl"], "__file__", None), "the real verl was imported"
sys.exit(code)
"""


def test_selftest_runs_without_verl_and_its_gradients_are_exact(run_python, tmp_path) -> None:
    arguments = ["--cpu-selftest", f"--output={tmp_path}"]
    result = run_python(WITHOUT_VERL.format(arguments=arguments))
    assert result.returncode == 0, result.stderr[-3000:]
    measured = json.loads((tmp_path / "losses-gpu.json").read_text())
    assert measured["selftest"] and "numbers mean nothing" in (tmp_path / "losses-gpu.md").read_text()
    for size in measured["sizes"]:
        results = size["results"]
        assert set(results) == {
            *(f"PPO written out ({way})" for way in ("eager", "compiled")),
            *(f"dgpo ({way})" for way in ("eager", "compiled", "fused")),
        }
        assert all(row["error"] < 1e-6 and row["floors"] > 0 for row in results.values())


def test_without_a_gpu_one_line_says_so(run_python) -> None:
    result = run_python(
        "import sys; from benchmarks import gpu; sys.argv = ['gpu']; sys.exit(gpu.main())", CUDA_VISIBLE_DEVICES=""
    )
    assert result.returncode == 2
    assert result.stderr.strip().splitlines()[-1].startswith("No CUDA device")


@pytest.mark.parametrize("dual", [False, True])
def test_the_written_out_loss_is_verls_vanilla(dual: bool) -> None:
    import torch
    from verl.trainer.ppo.core_algos import get_policy_loss_fn

    from benchmarks import gpu

    batch = gpu.make_batch(4, 64, "cpu")
    if dual:  # ratios beyond c with negative advantages
        batch = {**batch, "log_prob": batch["old_log_prob"] + 1.5, "advantages": -batch["advantages"].abs()}
    ours = gpu.step_of(gpu.written_out, None, batch)()
    verls = gpu.step_of(get_policy_loss_fn("vanilla"), None, batch)()
    torch.testing.assert_close(ours, verls)
