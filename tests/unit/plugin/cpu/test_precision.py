"""What verl's worker computes in: what `precision=` says; float32 on a CPU, where verl would take bfloat16."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.inputs import tiny_model

# verl's worker as it stands in a training's actor process: one rank, the model loaded, one micro-batch forward.
FORWARD = """
import sys
import torch
from recipes.checks import config as config_checks
from recipes.config import compose
import recipes.plugin.register
from recipes.plugin.actor_worker import RecipeTrainingWorker
from verl.utils import tensordict_utils as tu
from verl.utils.config import omega_conf_to_dataclass
from verl.workers.config import TrainingWorkerConfig

role, model, *words = sys.argv[1:]
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
print("dtypes", sorted(map(str, seen)))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny"
    tiny_model.build(path, target_accuracy=0.0)
    return path


@pytest.mark.parametrize(
    ("role", "words", "dtype"),
    [
        ("actor", [], "float32"),
        ("ref", [], "float32"),
        ("actor", ["precision=bf16"], "bfloat16"),
        ("actor", ["precision=fp16"], "float16"),
        ("ref", ["precision=fp16"], "float16"),
    ],
)
def test_a_forward_pass_of_verls_worker_is_in_what_precision_says(
    role: str,
    words: list[str],
    dtype: str,
    model: Path,
    tmp_path: Path,
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    script = tmp_path / "forward.py"
    script.write_text(FORWARD)
    code = f"import runpy, sys; sys.argv = ['forward', *{[role, str(model), *words]}]; runpy.run_path({str(script)!r})"
    ranks = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    result = run_python(code, VERL_PLATFORM="cpu", **ranks)
    assert f"dtypes ['torch.{dtype}']" in result.stdout, result.stdout + result.stderr
