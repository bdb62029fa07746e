"""benchmarks/gpu.py works before somebody rents a GPU for it: on a CPU, without verl."""

import json

import pytest

# As on a machine where verl is not installed: it can't be found or imported.
WITHOUT_VERL = """
import importlib.util, sys
sys.modules["verl"] = None
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.split(".")[0] == "verl" else found(name, *rest)
from benchmarks import gpu
sys.argv = ["gpu", *{arguments}]
code = gpu.main()
assert sys.modules["verl"] is None, "the real verl was imported"
sys.exit(code)
"""


def test_selftest_runs_without_verl_and_its_gradients_are_exact(run_python, tmp_path) -> None:
    arguments = ["--cpu-selftest", f"--output={tmp_path}"]
    result = run_python(WITHOUT_VERL.format(arguments=arguments))
    assert result.returncode == 0, result.stderr[-3000:]
    measured = json.loads((tmp_path / "gpu.json").read_text())
    assert measured["selftest"] and "numbers mean nothing" in (tmp_path / "gpu.md").read_text()
    for size in measured["sizes"]:
        results = size["results"]
        assert set(results) == {
            *(f"PPO written out ({way})" for way in ("eager", "compiled")),
            *(f"dgpo ({way})" for way in ("eager", "compiled", "fused")),
        }
        assert all(row["error"] < 1e-6 and row["floors"] > 0 for row in results.values())
    # The fused pass is compiled for a first length, then once for all.
    assert 1 <= measured["recompilations"]["dgpo"] <= 3
    update = measured["update"]
    assert set(update["results"]) == {"sdpa", "eager"} and update["tokens"] == 128
    norms = [row["gradient_norm"] for row in update["results"].values()]
    assert all(row["seconds"] > 0 for row in update["results"].values())
    assert norms == pytest.approx([norms[0]] * len(norms), rel=0.05)  # bf16; the same tokens attend to the same


def test_without_a_gpu_one_line_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    from benchmarks import gpu

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu"])
    assert gpu.main() == 2
    assert capsys.readouterr().err.startswith("No CUDA device")


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


def test_the_plan_of_an_update_has_its_states_and_its_time() -> None:
    from benchmarks.measure import actor_update, planned_update

    shape = actor_update.REAL
    given = (shape.config_json(), shape.sequences, shape.length)
    found = planned_update.planned(*given, "NVIDIA H200")
    low, high = found["peak_gib"]
    states = 16 * 1.777e9 / 2**30  # parameters, gradients and Adam's moments in fp32
    assert states < low < high < 100
    fast, central, slow = found["seconds"]
    floor = 8 * 1.54e9 * shape.tokens / 989e12  # four forward passes of the matrices at the full peak
    assert floor < fast < central < slow < 20 * floor
    assert planned_update.planned(*given, "some other card") == {}
