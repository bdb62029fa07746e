"""What verl's worker computes in: what `precision=` says; float32 on a CPU, where verl would take bfloat16."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.inputs import tiny_model

# verl's worker as it stands in a training's actor process: one rank, the model loaded, one micro-batch forward. All in
# one process: what takes time is to import verl.
FORWARD = """
import json, sys
import torch
from recipes.checks import config as config_checks
from recipes.config import compose
import recipes.plugin.register
from recipes.plugin.actor_worker import RecipeTrainingWorker
from verl.utils import tensordict_utils as tu
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import TrainingWorkerConfig

model, cases = json.loads(sys.argv[1])
for role, words in cases:
    config = compose.resolved(compose.compose([f"actor_rollout_ref.model.path={model}", "hardware=cpu", *words]))
    section = config.actor_rollout_ref[role]
    section.fsdp_config.strategy = section.strategy
    worker = RecipeTrainingWorker(
        TrainingWorkerConfig(
            model_type="language_model",
            model_config=omega_conf_to_dataclass(config.actor_rollout_ref.model),
            engine_config=omega_conf_to_dataclass(section.fsdp_config),
            optimizer_config=omega_conf_to_dataclass(section.optim) if role == "actor" else None,
            checkpoint_config=omega_conf_to_dataclass(config.actor_rollout_ref.actor.checkpoint),
        )
    )
    worker.reset()
    seen = set()
    for module in worker.engine.module.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_hook(lambda _, inputs, output: seen.update((inputs[0].dtype, output.dtype)))
    tokens = torch.nested.as_nested_tensor([torch.tensor([5, 6, 7, 8])], layout=torch.jagged)
    places = torch.nested.as_nested_tensor([torch.arange(4)], layout=torch.jagged)
    batch = tu.get_tensordict(
        {"input_ids": tokens, "position_ids": places},
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
    ranks = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    code = f"import runpy, sys; sys.argv = ['forward', {words!r}]; runpy.run_path({str(script)!r})"
    result = run_python(code, VERL_PLATFORM="cpu", **ranks)
    found = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('["')]
    assert {(role, tuple(given)): seen for role, given, seen in found} == {
        case: [f"torch.{dtype}"] for case, dtype in DTYPES.items()
    }, result.stdout + result.stderr
