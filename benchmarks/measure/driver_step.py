"""What the driver does with the responses of one step, in a process of its own: verl's trainer or ours.

    python -m benchmarks.measure.driver_step <ours|verl> <responses> <limit> <folder> [all|sample|none]
    python -m benchmarks.measure.driver_step <ours|verl> validation <problems> <folder>

Made-up responses of long-tailed length lie in a real TransferQueue, as verl's agent loops leave them. Timed are the
functions of the trainer that run between the GPUs' work: advantages (with what ours watches), metrics, the dump, and
the rest of the dump in its thread; of a validation of 32 samples per problem what follows its scoring: metrics and
dump. Prints JSON: seconds on the clock and of the processor by part, the driver's most memory meanwhile on top of what
it held before, and the bytes of the dump.
"""

import gc
import json
import random
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import torch
import transfer_queue as tq
from omegaconf import DictConfig
from transfer_queue import KVBatchMeta
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
from verl.utils import tensordict_utils as tu

from benchmarks.measure.responses import make_responses
from recipes.config.compose import compose, resolved
from recipes.inputs import smollm2
from recipes.plan import lengths
from recipes.plugin.responses import ResponseNotes
from recipes.plugin.trainer import RecipeTrainer
from recipes.runs.dumps import Dumps

SAMPLES = 16
MEAN = 0.4  # mean length as a share of the limit: the papers' base models answer 8,192 with some 3,000 tokens
AT_ONCE = 256  # responses stored together
PROMPT = 150  # tokens
VALIDATION_SAMPLES = 32
VERDICT = {"status": "ok", "pred": "7", "acc": 1.0, "score": 1.0}


def texts(tokenizer: Any) -> torch.Tensor:
    """Tokens of reasoning, to cut responses out of."""
    words = [text for text, _, _ in make_responses(100)]
    return torch.tensor(tokenizer(" ".join(words), add_special_tokens=False)["input_ids"])


def fields_of(rows: list[torch.Tensor], prompts: list[torch.Tensor], uids: list[str], right: list[bool]) -> Any:
    """What the trainer reads of some responses, in the types that verl stores."""

    def nested(values: list[torch.Tensor]) -> torch.Tensor:
        return torch.nested.as_nested_tensor(values, layout=torch.jagged)

    rewards = [torch.zeros(len(row)) for row in rows]
    for reward, is_right in zip(rewards, right, strict=True):
        reward[-1] = float(is_right)
    probabilities = nested([torch.full((len(row),), -0.7) for row in rows])
    return tu.get_tensordict(
        {
            "prompts": nested(prompts),
            "responses": nested(rows),
            "response_mask": nested([torch.ones(len(row), dtype=torch.int64) for row in rows]),
            "rm_scores": nested(rewards),
            "rollout_log_probs": probabilities,
            "old_log_probs": probabilities.clone(),
            "uid": uids,
            "num_turns": [2] * len(rows),
            "reward_model": [{"style": "rule", "ground_truth": "7"}] * len(rows),
            "data_source": ["made-up"] * len(rows),
            "extra_fields": [{"reward_extra_info": VERDICT | {"acc": float(is_right)}} for is_right in right],
        }
    )


def stored(count: int, limit: int, tokenizer: Any, partition: str = "train") -> KVBatchMeta:
    """Put so many responses of at most `limit` tokens into TransferQueue; their keys and tags."""
    rng, pool = random.Random(0), texts(tokenizer)
    sizes = lengths.sample(count, MEAN * limit, limit, seed=0)
    keys, tags = [], []
    uids = [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(count // SAMPLES)]

    def cut(size: int) -> torch.Tensor:
        start = rng.randrange(len(pool) - size)
        return pool[start : start + size].clone()

    for first in range(0, count, AT_ONCE):
        block = range(first, min(first + AT_ONCE, count))
        of = [uids[place // SAMPLES] for place in block]
        prompts = {uid: cut(PROMPT) for uid in of}
        fields = fields_of(
            [cut(int(sizes[place])) for place in block],
            [prompts[uid] for uid in of],
            of,
            [rng.random() < 0.5 for _ in block],
        )
        names = [f"{uid}_{place % SAMPLES}_0" for uid, place in zip(of, block, strict=True)]
        found = [
            {
                "status": "success",
                "prompt_len": PROMPT,
                "response_len": int(sizes[place]),
                "seq_len": PROMPT + int(sizes[place]),
                "global_steps": 1,
                "min_global_steps": 1,
                "max_global_steps": 1,
            }
            for place in block
        ]
        tq.kv_batch_put(keys=names, partition_id=partition, fields=fields, tags=found)
        keys += names
        tags += found
    return KVBatchMeta(keys=keys, tags=tags, partition_id=partition)


def trainer_of(side: str, config: DictConfig, tokenizer: Any) -> Any:
    """A trainer with what these functions use of it: it has no GPUs, no servers and no model."""
    kind = RecipeTrainer if side == "ours" else PPOTrainerSync
    trainer = kind.__new__(kind)
    trainer.config, trainer.tokenizer = config, tokenizer
    trainer.use_critic, trainer.global_steps = False, 1
    trainer._rollout_moe_lb_metrics_accumulator = None
    trainer.resource_pool_manager = SimpleNamespace(get_n_gpus=lambda: 8)
    trainer._init_dump_executor()
    if side == "ours":
        trainer._notes = ResponseNotes(config.data.max_response_length, {tokenizer.eos_token_id})
        trainer._dumps, trainer._generation_limit, trainer._dumped_step = Dumps.of(config), None, 0
        trainer._reward_function, trainer._scorer_failure_limit = "made up", 0.2
        gc.collect()
        gc.freeze()  # as its fit does
    return trainer


@contextmanager
def memory(found: dict[str, int]) -> Iterator[None]:
    """The most memory of this process inside the block, on top of what it held before, in MiB."""
    process, done = psutil.Process(), threading.Event()
    before = most = process.memory_info().rss

    def look() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, process.memory_info().rss)

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()
        found["memory_mib"] = round((most - before) / 2**20)


class Parts:
    """Seconds of the parts of a step.

    Attributes:
        seconds, processor: name → on the clock, and of all threads of this process.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.processor: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What the block takes."""
        started, used = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 3)
        self.processor[name] = round(time.process_time() - used, 3)

    def found(self, folder: Path) -> dict[str, Any]:
        """Both, their sums, and MiB in the folder of the dumps."""
        written = sum(file.stat().st_size for file in folder.rglob("*.jsonl*"))
        sums = {"seconds": sum(self.seconds.values()), "processor": sum(self.processor.values())}
        return {
            "parts": self.seconds,
            "parts_processor": self.processor,
            "dump_mib": round(written / 2**20, 1),
            **{name: round(value, 3) for name, value in sums.items()},
        }


def step(trainer: Any, batch: KVBatchMeta, folder: Path) -> dict[str, Any]:
    """What a step takes."""
    parts, metrics, most = Parts(), dict[str, Any](), dict[str, int]()
    timing = {"gen": 1.0, "step": 2.0, "adv": 1.0, "update_actor": 1.0, "old_log_prob": 1.0}
    with memory(most):
        with parts.part("advantages"):
            trainer._compute_advantage(batch, metrics)
        with parts.part("metrics"):
            trainer._compute_metrics(batch, metrics, timing, 1, 0)
        with parts.part("dump"):
            trainer._log_rollout_data(batch, {}, str(folder))
        with parts.part("dump, its thread"):
            trainer._shutdown_dump_executor()
    return {"tokens": sum(tag["response_len"] for tag in batch.tags), **parts.found(folder), **most}


def validation(trainer: Any, problems: int, folder: Path) -> dict[str, Any]:
    """What follows the scoring of a validation: verl's texts, verdicts and columns, without the sampling."""
    rng = random.Random(1)
    uids = [f"{uuid.UUID(int=rng.getrandbits(128))}" for _ in range(problems) for _ in range(VALIDATION_SAMPLES)]
    right = [float(rng.random() < 0.5) for _ in uids]
    words = [text for text, _, _ in make_responses(64, tokens=1000)]
    columns = {"reward": right, "acc": right, "score": right, "status": ["ok"] * len(uids)}
    columns |= {"pred": [str(rng.randrange(5)) for _ in uids], "status_ok": [1.0] * len(uids)}
    sources = [f"set-{int(uid[:2], 16) % 6}" for uid in uids]
    expected = {(source, uid): VALIDATION_SAMPLES for source, uid in zip(sources, uids, strict=True)}
    keys = [f"{uid}_{place % VALIDATION_SAMPLES}_0" for place, uid in enumerate(uids)]
    texts_ = [rng.choice(words) for _ in uids]
    parts, most = Parts(), dict[str, int]()
    with memory(most):
        with parts.part("dump"):
            golds = ["7"] * len(uids)
            trainer._dump_generations(uids, texts_, golds, right, columns | {"uid": keys}, str(folder))
        with parts.part("metrics"):
            trainer._val_metrics_update(sources, uids, columns, [2] * len(uids), expected_acc_counts=expected)
        with parts.part("dump, its thread"):
            trainer._shutdown_dump_executor()
    return {"samples": len(uids), **parts.found(folder), **most}


def main() -> None:
    """Command line."""
    side, count, limit, folder, *keep = sys.argv[1:]
    overrides = ["experiment=dgpo/1.5b_dgpo", "attention=sdpa", *(f"dumps.keep={word}" for word in keep)]
    if count != "validation":
        overrides.append(f"data.max_response_length={limit}")
    config = resolved(compose(overrides))
    config.trainer.rollout_data_dir = config.trainer.validation_data_dir = folder
    tokenizer = smollm2.read_tokenizer(smollm2.gguf_file())
    trainer = trainer_of(side, config, tokenizer)
    if count == "validation":
        print(json.dumps(validation(trainer, int(limit), Path(folder))))
        return
    import ray

    config.trainer.validation_data_dir = None
    config.transfer_queue.enable = True
    ray.init(address="local", num_cpus=64, include_dashboard=False, log_to_driver=False)
    tq.init(config.transfer_queue)
    found = step(trainer, stored(int(count), int(limit), tokenizer), Path(folder))
    tq.close()
    ray.shutdown()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
