"""What verl's worker computes in: what `precision=` says; float32 on a CPU, where verl would take bfloat16."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.inputs import tiny_model

SUPPORT = Path(__file__).resolve().parents[3] / "support"
# verl's worker as it stands in a training's actor process: one rank, the model loaded, one micro-batch forward. All in
# one process: what takes time is to import verl.
FORWARD = """
import json, sys
sys.path.append(sys.argv[1])
import torch
from training_worker import built, jagged
from verl.utils import tensordict_utils as tu

model, cases = json.loads(sys.argv[2])
for role, words in cases:
    _, worker = built(model, words, role)
    seen = set()
    for module in worker.engine.module.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda _, inputs, output: seen.update((inputs[0].dtype, output.dtype)))
    batch = tu.get_tensordict(
        {"input_ids": jagged([[5, 6, 7, 8]]), "position_ids": jagged([[0, 1, 2, 3]])},
        {"global_token_num": [4], "compute_loss": False, "temperature": 1.0, "calculate_entropy": False,
         "micro_batch_size_per_gpu": 1, "max_token_len_per_gpu": 64, "use_dynamic_bsz": False},
    )
    with worker.engine.eval_mode():
        worker.engine.forward_step(batch, loss_function=None, forward_only=True)
    print(json.dumps([role, words, sorted(map(str, seen))]))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny"
    tiny_model.build(path, target_accuracy=0.0)
    return path


DTYPES = {
    ("actor", ()): "float32",
    ("ref", ()): "float32",
    ("actor", ("precision=bf16",)): "bfloat16",
    ("actor", ("precision=fp16",)): "float16",
    ("ref", ("precision=fp16",)): "float16",
}


def test_a_forward_pass_of_verls_worker_is_in_what_precision_says(
    model: Path, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    script = tmp_path / "forward.py"
    script.write_text(FORWARD)
    words = json.dumps([str(model), list(DTYPES)])
    code = f"import runpy, sys; sys.argv = ['forward', {str(SUPPORT)!r}, {words!r}]; runpy.run_path({str(script)!r})"
    result = run_python(code, VERL_PLATFORM="cpu")
    found = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('["')]
    assert {(role, tuple(given)): seen for role, given, seen in found} == {
        case: [f"torch.{dtype}"] for case, dtype in DTYPES.items()
    }, result.stdout + result.stderr
