"""verl's arithmetic over the responses of a step, without padding.

Between the GPUs' work verl's trainer pads every field of a step to (responses, longest response): with 8,192 responses
whose longest has 8,192 tokens, 67 million numbers per field where 27 million tokens exist, read and copied some thirty
times. What is one number per response is asked of verl's functions for one number per response here, what is a mean
over tokens for the tokens that exist. The numbers are verl's.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transfer_queue as tq
from omegaconf import DictConfig
from tensordict import TensorDict
from torch.nested import as_nested_tensor
from torch.nn.utils.rnn import pad_sequence
from transfer_queue import KVBatchMeta
from verl.protocol import DataProto
from verl.trainer.ppo.metric_utils import compute_data_metrics, compute_throughout_metrics, compute_timing_metrics
from verl.trainer.ppo.rollout_corr_helper import compute_rollout_corr_metrics_from_logprobs
from verl.trainer.ppo.v1.trainer_base import PPOTrainer
from verl.trainer.ppo.v1.utils import compute_advantage_for_multi_trajectories
from verl.utils.debug.metrics import calculate_debug_metrics

from losses.estimators import OUTCOME_ESTIMATORS
from recipes.plugin.responses import real_part

OF_METRICS = ("rm_scores", "response_mask", "advantages", "num_turns")  # what they are made of
AT_ONCE = 2**16  # numbers of a field that are padded together: a processor's cache holds them
# Means over tokens and extremes among verl's metrics of the gap between two policies; the others are means over
# responses.
TOKEN_MEANS = {"rollout_corr/kl", "rollout_corr/k3_kl", "rollout_corr/chi2_token"}
EXTREMES = {"rollout_corr/log_ppl_diff_max": max, "rollout_corr/log_ppl_diff_min": min}


def row_sums(tokens: torch.Tensor) -> torch.Tensor:
    """Sum of each row of a jagged tensor, (B,). Its own `sum` pads."""
    return torch.stack([row.sum() for row in tokens.unbind()])


@contextmanager
def one_thread() -> Iterator[None]:
    """torch's operations on small tensors take longer than that to wait for each other's threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def alike(lengths: Sequence[int], learnt: Sequence[int]) -> Iterator[list[int]]:
    """Places of responses of similar length, part by part, so that little is padded; a token is learnt from in each.

    Args:
        lengths: of the responses, in tokens.
        learnt: how many of these are learnt from.
    """
    part: list[int] = []
    # Those without such a token come first: they stay with one that has some.
    for row in sorted(range(len(lengths)), key=lambda row: (learnt[row] > 0, lengths[row])):
        if part and learnt[part[-1]] and (len(part) + 1) * lengths[row] > AT_ONCE:
            yield part
            part = []
        part.append(row)
    yield part


def policy_gap(log_probs: torch.Tensor, rollout_log_probs: torch.Tensor, mask: torch.Tensor) -> dict[str, float]:
    """verl's metrics of the gap between the trainer's policy and vLLM's, `rollout_corr/*`, part by part.

    Args:
        log_probs, rollout_log_probs: of each token, jagged, (B, *).
        mask: 1 for the tokens that are learnt from, jagged, (B, *).
    """
    rows = [one.unbind() for one in (log_probs, rollout_log_probs, mask)]
    learnt = row_sums(mask).tolist()
    parts = list(alike([len(row) for row in rows[0]], learnt))
    with one_thread():
        found = []
        for part in parts:
            of_actor, of_rollout, ones = (pad_sequence([one[row] for row in part], batch_first=True) for one in rows)
            found.append(compute_rollout_corr_metrics_from_logprobs(of_actor, of_rollout, ones.float()))
    responses = [len(part) for part in parts]
    tokens = [sum(learnt[row] for row in part) for part in parts]

    def whole(name: str) -> float:
        values = [metrics[name] for metrics in found]
        if name in EXTREMES:
            return EXTREMES[name](values)
        return float(np.average(values, weights=tokens if name in TOKEN_MEANS else responses))

    return {name: whole(name) for name in found[0]}


def probability_gap(log_probs: Any, rollout_log_probs: Any, mask: Any) -> dict[str, float]:
    """verl's `training/rollout_probs_diff_*` and the correlation beside them; arguments as for `policy_gap`.

    They are over tokens, whatever response these belong to: all stand in one row.
    """
    rows = {"old_log_probs": log_probs, "rollout_log_probs": rollout_log_probs, "response_mask": mask}
    # Of the responses nothing but their width is read.
    flat = {name: one.values()[None] for name, one in (rows | {"responses": mask}).items()}
    view: Any = SimpleNamespace(batch=flat)
    with one_thread():
        return calculate_debug_metrics(view)


def is_one_number(algorithm: DictConfig) -> bool:
    """Whether a response's advantage is one number for all of its tokens, got from its reward alone."""
    return algorithm.adv_estimator in OUTCOME_ESTIMATORS and not algorithm.use_kl_in_reward


def changes_tokens(correction: Mapping[str, Any]) -> bool:
    """Whether a rollout correction weights tokens or leaves some out before the update, instead of only watching."""
    return not correction.get("bypass_mode") and any(correction.get(name) for name in ("rollout_is", "rollout_rs"))


def advantages_of(
    rewards: torch.Tensor, mask: torch.Tensor, uids: list[str], keys: list[str], algorithm: DictConfig, samples: int
) -> torch.Tensor:
    """verl's advantages of responses of one token each, spread over the tokens that there are.

    Args:
        rewards: of each token, jagged, (B, *).
        mask: 1 for the tokens that are learnt from, jagged, (B, *).
        uids: prompt of each response.
        keys: verl's, of each response.
        algorithm: verl's config.
        samples: `rollout.n`.

    Returns:
        Jagged, (B, *); 0 where the mask is.
    """
    responses = DataProto.from_dict(
        tensors={
            "token_level_rewards": row_sums(rewards)[:, None],
            "response_mask": (row_sums(mask) > 0)[:, None].to(mask.dtype),
        },
        non_tensors={"uid": np.array(uids, dtype=object)},
    )
    found = compute_advantage_for_multi_trajectories(
        responses,
        batch_keys=keys,
        adv_estimator=algorithm.adv_estimator,
        gamma=algorithm.gamma,
        lam=algorithm.lam,
        num_repeat=samples,
        norm_adv_by_std_in_grpo=algorithm.get("norm_adv_by_std_in_grpo", True),
        config=algorithm,
    )
    spread = [ones * one for ones, one in zip(mask.unbind(), found.batch["advantages"][:, 0], strict=True)]
    return as_nested_tensor(spread, layout=torch.jagged)


def data_metrics(tokens: Any, tags: list[dict[str, Any]], longest: Mapping[str, int]) -> dict[str, Any]:
    """verl's metrics of rewards, advantages and lengths.

    Args:
        tokens: of the responses: `rm_scores`, `response_mask` and `advantages`, jagged, (B, *); `num_turns`, (B,).
        tags: verl's, of each response.
        longest: `prompt_len` and `response_len` of the longest rows of the step.
    """
    scores = row_sums(tokens["rm_scores"])[:, None]
    rows = {"token_level_scores": scores, "token_level_rewards": scores}
    for name, field in (("prompt", "prompts"), ("response", "responses")):
        rows[f"{name}_length"] = torch.tensor([tag[f"{name}_len"] for tag in tags]).float()
        # Nothing but their width is read: that of the padded ones.
        rows[field] = torch.empty(1, 1).expand(len(tags), longest[f"{name}_len"])
    # Of the tokens verl takes those that are learnt from, whatever row they are in.
    rows["response_mask"], advantages = tokens["response_mask"].values(), tokens["advantages"].values()
    rows |= {"advantages": advantages, "returns": advantages}
    turns = np.array(tokens.pop("num_turns").tolist())
    view: Any = SimpleNamespace(batch=rows, non_tensor_batch={"__num_turns__": turns})
    with one_thread():
        return compute_data_metrics(view, use_critic=False)


def staleness(tags: list[dict[str, Any]], step: int) -> dict[str, Any]:
    """verl's `training/off_policy/*`: over how many policies a response was generated, and how old these are.

    Args:
        tags: verl's, of each response, with the first and the last step whose policy generated it.
        step: the one that learns from them.
    """
    oldest, newest = (np.array([tag[f"{end}_global_steps"] for tag in tags]) for end in ("min", "max"))
    of_each = {"spans": newest - oldest + 1, "staleness": step - 1 - newest, "staleness_worst": step - 1 - oldest}
    return {
        f"training/off_policy/trajectory_{name}/{kind}": getattr(values, kind)()
        for name, values in of_each.items()
        for kind in ("mean", "max", "min")
    }


class RaggedTrainer(PPOTrainer):
    """To be mixed into one of verl's trainers."""

    _learnt_from: tuple[list[str], Any] | None = None  # keys and fields of a step, from its advantages to its metrics

    def _compute_old_log_prob(self, batch: KVBatchMeta, metrics: dict[str, Any]) -> KVBatchMeta:
        """verl's, with its comparison of two policies left to `probability_gap`."""
        correction, rollout = self.config.algorithm.get("rollout_correction"), self.config.actor_rollout_ref.rollout
        compared = rollout.calculate_log_probs and not (correction or {}).get("bypass_mode")
        known, rollout.calculate_log_probs = rollout.calculate_log_probs, False
        try:
            batch = super()._compute_old_log_prob(batch, metrics)
        finally:
            rollout.calculate_log_probs = known
        if compared:
            fields = ["old_log_probs", "rollout_log_probs", "response_mask"]
            data = tq.kv_batch_get(keys=batch.keys, partition_id=batch.partition_id, select_fields=fields)
            metrics.update(probability_gap(*(data[name] for name in fields)))
        return batch

    def _compute_advantage(self, batch: KVBatchMeta, metrics: dict[str, Any]) -> KVBatchMeta:
        """verl's, where each response has one advantage; else verl's as it is."""
        algorithm = self.config.algorithm
        correction = algorithm.get("rollout_correction")
        if not is_one_number(algorithm) or changes_tokens(correction or {}):
            return super()._compute_advantage(batch, metrics)
        place = {"keys": batch.keys, "partition_id": batch.partition_id}
        fields = ["uid", "response_mask", "rm_scores", "num_turns", "rollout_log_probs", "old_log_probs"]
        data = tq.kv_batch_get(**place, select_fields=fields)
        mask = data["response_mask"]
        if correction is not None and not correction.get("bypass_mode") and "rollout_log_probs" in data:
            metrics.update(policy_gap(data["old_log_probs"], data["rollout_log_probs"], mask))
        uids, samples = data.pop("uid").tolist(), self.config.actor_rollout_ref.rollout.n
        advantages = advantages_of(data["rm_scores"], mask, uids, batch.keys, algorithm, samples)
        found = {"advantages": advantages}
        if self._counts_more():  # only then does anybody read them, and they cost as much as the advantages
            found["returns"] = advantages
        known = {name: data.pop(name) for name in ("rm_scores", "response_mask", "num_turns")}
        self._learnt_from = batch.keys, known | {"advantages": advantages}
        return tq.kv_batch_put(**place, fields=TensorDict(found, batch_size=len(batch)))

    def _compute_metrics(
        self, batch: KVBatchMeta, metrics: dict[str, Any], timing_raw: dict[str, float], global_steps: int, epoch: int
    ) -> None:
        """verl's, where each response has one advantage and nothing else is counted; else verl's as it is."""
        if not is_one_number(self.config.algorithm) or self._counts_more():
            super()._compute_metrics(batch, metrics, timing_raw, global_steps, epoch)
            return
        real = real_part(batch)
        data = self._again(real)
        lengths = {name: [tag[name] for tag in batch.tags] for name in ("prompt_len", "response_len")}
        of_data = data_metrics(data, real.tags, {name: max(values) for name, values in lengths.items()})
        view: Any = SimpleNamespace(
            batch={name.replace("_len", "_length"): torch.tensor(values).float() for name, values in lengths.items()},
            meta_info={"global_token_num": [sum(pair) for pair in zip(*lengths.values(), strict=True)]},
        )
        metrics |= {"training/global_step": global_steps, "training/epoch": epoch, **of_data}
        metrics |= {f"training/{name}": value for name, value in of_data.items() if name.startswith("num_turns/")}
        metrics |= compute_timing_metrics(view, timing_raw)
        metrics |= compute_throughout_metrics(view, timing_raw, self._get_n_gpus_for_throughput())
        metrics |= staleness(real.tags, global_steps)

    def _again(self, real: KVBatchMeta) -> Any:
        """The fields of the metrics: those of the advantages, where these were of the same responses, or fetched."""
        known, self._learnt_from = self._learnt_from, None
        if known and known[0] == real.keys:
            return known[1]
        return tq.kv_batch_get(keys=real.keys, partition_id=real.partition_id, select_fields=list(OF_METRICS))

    def _counts_more(self) -> bool:
        """Whether verl's metrics say something about a critic, about experts or about speculative decoding."""
        model, rollout = self.config.actor_rollout_ref.model, self.config.actor_rollout_ref.rollout
        speculative = model.get("mtp") is not None and model.mtp.enable and model.mtp.enable_rollout
        return bool(self.use_critic or speculative or rollout.get("moe_load_balance_metrics_interval", 0) > 0)
