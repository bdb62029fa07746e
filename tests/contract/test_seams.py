"""Our classes against those of verl, torch and vLLM that they subclass: what an override replaces is still there, and
takes what the override takes. A method of theirs that is renamed would otherwise be overridden by nobody's.
"""

import ast
import asyncio
import importlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from places import mentioned
from test_layers import modules

import recipes.plugin.register  # noqa: F401 (first: it chooses verl's platform)

# isort: split
from verl import DataProto
from verl.trainer.ppo.reward import load_reward_manager

from recipes.config.compose import compose, resolved
from recipes.inputs.tiny_model import make_tokenizer

# Own names with which nothing of theirs is replaced or called.
OURS = ("recipes.", "losses.", "dgpo.", "maspo.")
# What verl calls or reads by these names; ours call no super() in them.
REPLACED = {
    "_RenamedDistribution": {"version", "read_text", "locate_file"},
    "_VllmFinder": {"find_distributions"},
    "GlooCheckpointEngine": {
        "prepare", "build_topology", "init_process_group", "finalize", "send_weights", "receive_weights",
    },
    "RecipeActorWorker": {"actor_worker_cls"},
    "RecipeTrainer": {"get_llm_client"},
    "SingleServerClient": {"_acquire_server", "_release_server"},
    "SnapshotActorWorker": {"actor_worker_cls"},
    "_WithRecipe": {"_write_generations"},
}  # fmt: skip

# A name of theirs that ours sets or replaces → who reads it. Renamed, ours would be set for nobody.
SET = {
    "server_class": "vllm_rollout/vllm_async_server.vLLMReplica.launch_servers",
    "agent_loop_workers_class": "agent_loop/agent_loop.AgentLoopManager._init_agent_loop_workers",
    "list_of_dict_to_tensordict": "v1/agent_loop_tq.AgentLoopWorkerTQ._agent_loop_postprocess",
    "async_kv_batch_put": "v1/agent_loop_tq.AgentLoopWorkerTQ._agent_loop_postprocess",
    "poll_interval": "v1/replay_buffer.ReplayBuffer._wait_for_next_poll",
    "_wait_for_next_poll": "v1/replay_buffer.ReplayBuffer.sample",
    "role_worker_mapping": "v1/trainer_base.PPOTrainer._setup",
    "calculate_log_probs": "v1/trainer_base.PPOTrainer._compute_old_log_prob",
    "default_local_dir": "v1/trainer_base.PPOTrainer._save_checkpoint",
    "max_actor_ckpt_to_keep": "v1/trainer_base.PPOTrainer._save_checkpoint",
    "total_training_steps": "v1/trainer_base.PPOTrainer.fit",
    "loss_fn": "workers/engine_workers.TrainingWorker.train_batch",
    "index_select_tensor_dict": "utils/tensordict_utils.make_iterator",
    "actor_worker_cls": "workers/engine_workers.ActorRolloutRefWorker.init_model",
    "zmq_handle": "vllm_rollout/vllm_rollout.ServerAdapter.update_weights",
    "_get_zmq_handle": "vllm_rollout/utils.vLLMColocateWorkerExtension.update_weights_from_ipc",
    "BucketedWeightReceiver": "vllm_rollout/utils.vLLMColocateWorkerExtension.update_weights_from_ipc",
    "_current_platform": "platform/platform_manager.get_platform",
    "VERL_ENGINE_DEVICE": "engine/base.EngineRegistry.get_engine_cls",
    "VERL_FILE_LOGGER_PATH": "utils/tracking.FileLogger",
    "sched_yield": "device_communicators/shm_broadcast.SpinCondition",
    "dispatch_cpu_unquantized_gemm": "layers/linear.UnquantizedLinearMethod.process_weights_after_loading",
}


@dataclass(frozen=True)
class Override:
    """A name of a class of ours and the definition of others that it stands in front of."""

    kind: type
    name: str
    ours: Any
    theirs: Any


def classes() -> list[type]:
    """Classes of the plug-in that subclass some of others."""
    found = []
    for name in modules():
        if name.startswith("recipes.plugin."):
            module = importlib.import_module(name)
            found += [one for one in vars(module).values() if inspect.isclass(one) and _is_seam(one, name)]
    return found


def _is_seam(kind: type, module: str) -> bool:
    return kind.__module__ == module and any(_is_theirs(base) for base in kind.__mro__)


def _is_theirs(kind: type) -> bool:
    if kind.__module__ == "torch.autograd.function":
        return False  # what stands there is meant to be replaced, by methods with arguments of their own
    return not kind.__module__.startswith((*OURS, "builtins", "abc", "typing"))


def asked_of_super(kind: type) -> set[str]:
    """Names that a class asks `super()` for."""
    tree = ast.parse(Path(inspect.getfile(kind)).read_text())
    (body,) = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == kind.__name__]
    return {
        node.attr
        for node in ast.walk(body)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "super"
    }


def overrides() -> Iterator[Override]:
    """What our classes put in front of a definition of others."""
    for kind in classes():
        theirs = [base for base in kind.__mro__ if _is_theirs(base)]
        for name in sorted((asked_of_super(kind) | REPLACED.get(kind.__name__, set())) - {"__init__", "__new__"}):
            # The class with that attribute: absent where verl has renamed it, and the test below says so.
            base = next((base for base in theirs if name in vars(base)), None)
            yield Override(kind, name, vars(kind).get(name), base and vars(base)[name])


OVERRIDES = list(overrides())


def test_the_seams_are_found() -> None:
    names = {one.kind.__name__ for one in OVERRIDES}
    assert {"_WithRecipe", "DurableTrainer", "RecipeTrainingWorker", "AgentLoopWorker", "WatchedServer"} <= names
    assert len(OVERRIDES) > 25 and names >= REPLACED.keys()


@pytest.mark.parametrize("one", OVERRIDES, ids=lambda one: f"{one.kind.__name__}.{one.name}")
def test_what_is_overridden_is_still_there_and_called_alike(one: Override) -> None:
    where = f"{one.kind.__module__.replace('.', '/')}.py: {one.kind.__name__}.{one.name}"
    assert one.theirs is not None, f"{where} overrides what none of its bases has: read the new verl"
    ours, theirs = (getattr(value, "__func__", value) for value in (one.ours, one.theirs))
    if not (inspect.isfunction(ours) and inspect.isfunction(theirs)):
        return  # a property or an attribute: that it is there is all
    expected, given = inspect.signature(theirs).parameters, dict(inspect.signature(ours).parameters)
    if isinstance(one.theirs, staticmethod) and not isinstance(one.ours, staticmethod):
        given.pop("self")  # theirs is asked for through an object, too
    lost = missing(expected, given)
    assert not lost, f"{where} does not take {lost}, which theirs does"
    wanted = [name for name in missing(given, expected) if given[name].default is inspect.Parameter.empty]
    assert not wanted, f"{where} asks for {wanted}, which theirs does not have"


@pytest.mark.parametrize("name", SET)
def test_what_we_set_is_still_read(name: str) -> None:
    assert name in mentioned(SET[name]), f"{SET[name]} no longer reads {name}, which ours sets"


def test_verl_scores_a_response_with_our_function() -> None:
    """As its scorer does for each response, with the config of a training."""
    config, tokenizer = resolved(compose(["experiment=quickstart"])), make_tokenizer()
    response = torch.tensor([tokenizer.encode(r"So \boxed{42}.")])
    data = DataProto.from_dict(
        tensors={"responses": response, "attention_mask": torch.ones_like(response)},
        non_tensors={
            "data_source": np.array(["arithmetic"], dtype=object),
            "reward_model": np.array([{"ground_truth": "42"}], dtype=object),
            "extra_info": np.array([{"index": 0}], dtype=object),
        },
    )

    async def scored() -> dict[str, Any]:
        return await load_reward_manager(config, tokenizer).run_single(data)

    found = asyncio.run(scored())
    assert found["reward_score"] == 1.0
    info = found["reward_extra_info"]
    assert (info["acc"], info["pred"], info["status"], info["status_ok"]) == (1, "42", "ok", 1.0)


def missing(here: Mapping[str, inspect.Parameter], there: Mapping[str, inspect.Parameter]) -> list[str]:
    """Names of parameters that a function has and another could not be given."""
    kinds = {parameter.kind for parameter in there.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return []
    stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [name for name, parameter in here.items() if name not in there and parameter.kind not in stars]


def test_every_method_that_replaces_one_is_looked_at() -> None:
    """A method of ours that hides one of theirs, without asking super(), stands in REPLACED."""
    hidden = {
        f"{kind.__name__}.{name}"
        for kind in classes()
        for name in vars(kind)
        if not name.startswith("__") and any(name in vars(base) for base in kind.__mro__ if _is_theirs(base))
    }
    looked_at = {f"{one.kind.__name__}.{one.name}" for one in OVERRIDES}
    # Of an interface whose abstract methods Python itself asks for.
    left = {
        name for name in hidden - looked_at if not name.startswith("PlatformCPU.") and not name.endswith("._abc_impl")
    }
    assert not left, f"{sorted(left)}: add them to REPLACED"
