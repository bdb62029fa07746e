"""Advantages and metrics of a step without padding: verl's numbers, whatever the responses look like."""

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transfer_queue as tq
from omegaconf import DictConfig, OmegaConf
from tensordict import TensorDict
from transfer_queue import KVBatchMeta

import recipes.plugin.register  # noqa: F401 (first: it chooses verl's platform)

# isort: split
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
from verl.utils import tensordict_utils as tu

from losses.estimators import OUTCOME_ESTIMATORS
from recipes.config.compose import compose, resolved
from recipes.plugin import ragged
from recipes.plugin.ragged import RaggedTrainer, alike, row_sums

# (prompt, rollout, output, tokens, of them learnt from, reward): holes, none learnt from, no token, one response of a
# prompt, several outputs of one rollout.
ROWS = (
    ("a", 0, 0, 5, 5, 1.0), ("a", 1, 0, 900, 900, 0.0), ("a", 2, 0, 3, 2, 0.1), ("a", 3, 0, 70, 70, 1.0),
    ("b", 0, 0, 64, 0, 1.0), ("b", 1, 0, 41, 41, 0.5), ("b", 2, 0, 0, 0, 0.0), ("b", 2, 1, 30, 11, -0.5),
    ("c", 0, 0, 128, 128, 1.0), ("d", 0, 0, 7, 7, 1.0), ("d", 1, 0, 7, 7, 1.0),
)  # fmt: skip
PADDING = ("a", 9, 0, 1, 0, 0.0)


class Queue:
    """TransferQueue in memory: rows by key, as verl's trainer stores and asks for them."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def put(self, keys: list[str], partition_id: str, fields: TensorDict) -> KVBatchMeta:
        for name, values in fields.items():
            for key, value in zip(keys, values.unbind(), strict=True):
                self.rows[key][name] = value
        return KVBatchMeta(keys=keys, partition_id=partition_id, tags=[{}] * len(keys))

    def get(self, keys: list[str], partition_id: str, select_fields: list[str]) -> TensorDict:
        columns = {name: [self.rows[key][name] for key in keys] for name in select_fields if name in self.rows[keys[0]]}
        for name, rows in columns.items():
            if isinstance(rows[0], torch.Tensor):
                columns[name] = torch.nested.as_nested_tensor(rows, layout=torch.jagged)
        return tu.get_tensordict(columns)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    found = Queue()
    monkeypatch.setattr(tq, "kv_batch_get", found.get)
    monkeypatch.setattr(tq, "kv_batch_put", found.put)
    return found


@pytest.fixture(scope="module")
def composed() -> DictConfig:
    return resolved(compose(["experiment=dgpo/1.5b_dgpo", "attention=sdpa"]))


@pytest.fixture
def config(composed: DictConfig) -> DictConfig:
    return copy.deepcopy(composed)


def stored(queue: Queue, rows: tuple[Any, ...]) -> KVBatchMeta:
    """As verl's agent loops leave responses, and its trainer the log-probs of them."""
    draws, tags = torch.Generator().manual_seed(0), []
    keys = [f"{uid}_{rollout}_{output}" for uid, rollout, output, *_ in rows]
    for place, (key, (uid, _, _, length, learnt, reward)) in enumerate(zip(keys, rows, strict=True)):
        old = -torch.rand(length, generator=draws)
        scores = torch.zeros(length)
        scores[-1:] = reward
        queue.rows[key] = {
            "uid": uid,
            "num_turns": 2 + place % 3,
            "prompts": torch.ones(10 + place, dtype=torch.int64),
            "responses": torch.ones(length, dtype=torch.int64),
            "response_mask": (torch.arange(length) >= length - learnt).long(),
            "rm_scores": scores,
            "old_log_probs": old,
            "rollout_log_probs": old + 0.1 * torch.randn(length, generator=draws),
        }
        steps = {"min_global_steps": 3 - place % 3, "max_global_steps": 3}
        tags.append({"prompt_len": 10 + place, "response_len": length, "is_padding": rows[place] is PADDING, **steps})
    return KVBatchMeta(keys=keys, partition_id="train", tags=tags)


class Ours(RaggedTrainer, PPOTrainerSync):
    """As `recipes.plugin.trainer` mixes it in."""


def step(kind: type, queue: Queue, batch: KVBatchMeta, config: DictConfig) -> dict[str, Any]:
    """The metrics of a step, whose advantages are stored."""
    trainer: Any = kind.__new__(kind)
    trainer.config, trainer.use_critic = config, False
    trainer._rollout_moe_lb_metrics_accumulator = None
    trainer.resource_pool_manager = SimpleNamespace(get_n_gpus=lambda: 8)
    metrics: dict[str, Any] = {}
    trainer._compute_advantage(batch, metrics)
    trainer._compute_metrics(batch, metrics, {"gen": 3.0, "step": 7.0, "adv": 1.0}, 5, 2)
    return metrics


def assert_alike(queue: Queue, batch: KVBatchMeta, config: DictConfig) -> None:
    expected = step(PPOTrainerSync, queue, batch, config)
    theirs = {key: dict(row) for key, row in queue.rows.items()}
    for row in queue.rows.values():
        del row["advantages"], row["returns"]  # the latter is for a critic, of which there is none
    found = step(Ours, queue, batch, config)
    # chi2 is a float32 near 1, less 1.
    assert found == pytest.approx(expected, rel=1e-6, abs=3e-7, nan_ok=True) and len(found) > 40
    for key, row in theirs.items():
        for name in ("advantages", "response_mask", *(["returns"] if "returns" in queue.rows[key] else [])):
            torch.testing.assert_close(queue.rows[key][name], row[name], rtol=0, atol=0)


@pytest.fixture
def padded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of verl's own steps were taken."""
    taken: list[str] = []
    for name in ("_compute_advantage", "_compute_metrics"):
        theirs = getattr(PPOTrainerSync, name)

        def noted(self: Any, *args: Any, name: str = name, theirs: Any = theirs) -> Any:
            taken.append(name)
            return theirs(self, *args)

        monkeypatch.setattr(PPOTrainerSync, name, noted)
    return taken


BOTH = ["_compute_advantage", "_compute_metrics"]


@pytest.mark.parametrize("name", sorted(OUTCOME_ESTIMATORS))
def test_the_numbers_of_a_step_are_verls(
    queue: Queue, config: DictConfig, padded: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ragged, "AT_ONCE", 100)  # several parts
    config.algorithm.adv_estimator = name
    assert_alike(queue, stored(queue, (*ROWS, PADDING)), config)
    assert padded == BOTH, "verl's once, for what is expected"


# What is different of a response's tokens, or more than rewards and lengths, is left to verl.
OTHERS = {
    "algorithm.adv_estimator=opo": BOTH,
    "algorithm.rollout_correction.rollout_is=token": BOTH[:1],
    "algorithm.rollout_correction.rollout_rs=token_k1 algorithm.rollout_correction.rollout_rs_threshold=2.0": BOTH[:1],
    "algorithm.rollout_correction.bypass_mode=true algorithm.rollout_correction.rollout_is=token": [],
    "algorithm.norm_adv_by_std_in_grpo=false": [],
}


@pytest.mark.parametrize("changed", OTHERS)
def test_every_choice_has_verls_numbers(queue: Queue, config: DictConfig, padded: list[str], changed: str) -> None:
    config = OmegaConf.merge(config, OmegaConf.from_dotlist(changed.split()))
    assert_alike(queue, stored(queue, ROWS), config)
    assert padded == BOTH + OTHERS[changed]


def test_returns_are_stored_for_those_who_read_them(queue: Queue, config: DictConfig) -> None:
    """verl's metrics of speculative decoding are the one use without a critic."""
    batch = stored(queue, ROWS)
    step(Ours, queue, batch, config)
    assert not any("returns" in row for row in queue.rows.values())
    trainer: Any = Ours.__new__(Ours)
    trainer.config, trainer.use_critic = config, True
    trainer._compute_advantage(batch, {})
    assert all(torch.equal(row["returns"], row["advantages"]) for row in queue.rows.values())


def test_nothing_is_fetched_twice(queue: Queue, config: DictConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """But where the metrics are of other responses than the advantages: verl's padding is none."""
    asked: list[list[str]] = []
    monkeypatch.setattr(tq, "kv_batch_get", lambda **given: asked.append(given["select_fields"]) or queue.get(**given))
    step(Ours, queue, stored(queue, ROWS), config)
    assert len(asked) == 1
    step(Ours, queue, stored(queue, (*ROWS, PADDING)), config)
    assert len(asked) == 3 and set(asked[2]) == {"rm_scores", "response_mask", "advantages", "num_turns"}


def test_without_the_rollouts_log_probs_there_is_no_gap(queue: Queue, config: DictConfig) -> None:
    batch = stored(queue, ROWS)
    for row in queue.rows.values():
        del row["rollout_log_probs"]
    assert_alike(queue, batch, config)
    assert not any(name.startswith("rollout_corr/") for name in step(Ours, queue, batch, config))


class Actor:
    """Stores what the actor's worker group stores of the tokens of prompts and responses; verl shifts it by one."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def compute_log_prob(self, batch: KVBatchMeta) -> KVBatchMeta:
        for key in batch.keys:
            row = self._queue.rows[key]
            numbers = torch.cat([torch.zeros(len(row["prompts"]) - 1), row["old_log_probs"], torch.zeros(1)])
            row |= {"log_probs": numbers, "entropy": -2 * numbers}
        return batch


@pytest.mark.parametrize("compared", [True, False])
def test_the_log_probs_of_a_step_are_verls(queue: Queue, config: DictConfig, compared: bool) -> None:
    batch = stored(queue, (*ROWS, PADDING))
    config.actor_rollout_ref.rollout.calculate_log_probs = compared
    found: list[dict[str, Any]] = []
    for kind in (PPOTrainerSync, Ours):
        trainer: Any = kind.__new__(kind)
        trainer.config, trainer.actor_rollout_wg = config, Actor(queue)
        metrics: dict[str, Any] = {}
        trainer._compute_old_log_prob(batch, metrics)
        found.append(metrics)
    assert found[1] == pytest.approx(found[0], rel=1e-6) and len(found[0]) == (6 if compared else 1)
    assert config.actor_rollout_ref.rollout.calculate_log_probs == compared


def test_parts_hold_every_response_once_and_little_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ragged, "AT_ONCE", 64)
    lengths = [3, 60, 1, 30, 31, 2, 100, 1, 9, 0]
    learnt = [0, 60, 0, 30, 31, 2, 100, 0, 9, 0]
    parts = list(alike(lengths, learnt))
    assert sorted(row for part in parts for row in part) == list(range(len(lengths)))
    assert all(any(learnt[row] for row in part) for part in parts)
    assert parts[-3:] == [[3, 4], [1], [6]]


def test_a_step_without_a_token_to_learn_from_is_refused_as_by_verl(queue: Queue, config: DictConfig) -> None:
    batch = stored(queue, tuple((*row[:4], 0, 0.0) for row in ROWS))
    with pytest.raises((ValueError, AssertionError), match="at least one valid token"):
        step(Ours, queue, batch, config)


def test_sums_of_rows() -> None:
    rows = [torch.tensor([1.0, 2.0]), torch.tensor([]), torch.tensor([-4.0])]
    assert row_sums(torch.nested.as_nested_tensor(rows, layout=torch.jagged)).tolist() == [3.0, 0.0, -4.0]
