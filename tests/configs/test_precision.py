"""`precision=` reaches every place that computes, and no other."""

import pytest
from omegaconf import OmegaConf

from recipes.config.compose import compose, resolved

ACTOR, REFERENCE = "actor_rollout_ref.actor.fsdp_config", "actor_rollout_ref.ref.fsdp_config"
COMPUTING = [
    *(f"{engine}.{key}" for engine in (ACTOR, REFERENCE) for key in ("dtype", "mixed_precision.param_dtype")),
    "actor_rollout_ref.rollout.dtype",
]
SUMS = [f"{ACTOR}.mixed_precision.{key}" for key in ("reduce_dtype", "buffer_dtype")]


@pytest.mark.parametrize("hardware", ["cpu", "8x80gb"])
@pytest.mark.parametrize(("choice", "dtype"), [("bf16", "bfloat16"), ("fp16", "float16"), ("fp32", "float32")])
def test_forward_passes_log_probs_and_vllm_compute_in_it(hardware: str, choice: str, dtype: str) -> None:
    experiment = "quickstart" if hardware == "cpu" else "dgpo/7b_dgpo"
    config = resolved(compose([f"experiment={experiment}", f"hardware={hardware}", f"precision={choice}"]))
    assert {key: str(OmegaConf.select(config, key)) for key in COMPUTING} == dict.fromkeys(COMPUTING, dtype)
    assert {OmegaConf.select(config, key) for key in SUMS} == {"fp32"}
    # Weights, moments and what travels to vLLM, which casts it itself.
    assert config.actor_rollout_ref.actor.fsdp_config.model_dtype in ("fp32", "float32")


def test_gpus_compute_in_bfloat16_and_cpus_in_float32() -> None:
    assert resolved(compose(["experiment=dgpo/7b_dgpo"])).precision == "bf16"
    assert resolved(compose(["experiment=quickstart"])).precision == "fp32"
