"""verl's actor worker, with what a registered policy loss is not given (losses/extras.py).

verl's loss function, engine and worker stay as they are; this wraps the one and subclasses the other two by a method
or two each. `recipes.plugin.trainer` chooses these classes.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import transfer_queue as tq
from tensordict import TensorDict
from torch.distributed.tensor import DTensor
from transfer_queue import KVBatchMeta
from verl.experimental.separation.engine_workers import DetachActorWorker
from verl.single_controller.base.decorator import Dispatch, register
from verl.utils import tensordict_utils as tu
from verl.utils.device import get_device_name, get_torch_device
from verl.utils.metric import AggregationType, Metric
from verl.workers.engine_workers import ActorRolloutRefWorker, TrainingWorker
from verl.workers.utils.padding import no_padding_2_padding

from losses import extras
from losses.method import MethodConfig
from losses.metrics import as_metrics
from losses.ratio_histogram import ratio_counts
from losses.surrogate import slope_and_sums
from recipes.plugin import adapter, mini_batches
from recipes.plugin.rollout import weight_sums


def is_correct(data: TensorDict) -> torch.Tensor:
    """Whether each response earned a positive reward, (B, 1)."""
    return data["rm_scores"].to_padded_tensor(0.0).sum(-1, keepdim=True) > 0


class ActorLoss:
    """verl's actor loss, called with entropy, correctness and mini-batch statistics at hand for methods that need them.

    Args:
        verl_loss: `functools.partial(ppo_loss, config=ActorConfig)` as verl's worker builds it.
    """

    def __init__(self, verl_loss: Any) -> None:
        self.verl_loss = verl_loss
        self.actor = verl_loss.keywords["config"]
        method = self.actor.policy_loss
        self.method = method if isinstance(method, MethodConfig) else None
        self.statistics: torch.Tensor | None = None
        self.correct_share: torch.Tensor | None = None
        self.collected: list[torch.Tensor] | None = None

    @property
    def needs(self) -> frozenset[str]:
        """Names of the extras that the method asks for."""
        return self.method.all_needs if self.method else frozenset()

    def __call__(self, model_output: dict[str, Any], data: TensorDict, dp_group: Any = None) -> Any:
        """As verl's engine calls a loss: (scalar loss, metrics)."""
        with extras.provided(self._extras(model_output, data)):
            loss, metrics = self.verl_loss(model_output=model_output, data=data, dp_group=dp_group)
        if self.method and self.method.loss_mode == self.method.verl_loss:
            described: dict[str, Any] = dict(self._describe(model_output, data))
            metrics.update(Metric.from_dict(described, aggregation=AggregationType.MEAN))
        return self._refuse_if_far(loss, metrics), metrics

    def _refuse_if_far(self, loss: torch.Tensor, metrics: dict[str, Any]) -> torch.Tensor:
        """Make the gradient NaN where the policy has gone too far: verl then skips the update, on all ranks."""
        kl = metrics.get("actor/ppo_kl")
        if self.method and isinstance(kl, Metric) and abs(kl.aggregate()) > self.method.skip_above_kl:
            return loss * float("nan")
        return loss

    def _extras(self, model_output: dict[str, Any], data: TensorDict) -> extras.Extras:
        entropy = correct = None
        if extras.ENTROPY in self.needs:
            if self.actor.entropy_coeff == 0:
                # verl adds 0 · entropy to the loss: spare the backward pass through the softmax.
                model_output["entropy"] = model_output["entropy"].detach()
            entropy = no_padding_2_padding(model_output["entropy"], data).detach()
        if extras.CORRECT in self.needs:
            correct = is_correct(data)
        return extras.Extras(entropy, correct, self.correct_share, self.statistics, self.collected)

    def _describe(self, model_output: dict[str, Any], data: TensorDict) -> dict[str, float]:
        """Where verl's own loss trains: the metrics that all our losses report, from the method's gradient weight."""
        padded = data.select("response_mask", "old_log_probs", "advantages").to_padded_tensor()
        log_prob = no_padding_2_padding(model_output["log_probs"], data)
        inputs = (log_prob, padded["old_log_probs"], padded["advantages"], padded["response_mask"])
        sums = slope_and_sums(*inputs, None, extras.NONE, self.actor)[1]
        return as_metrics(sums, ratio_counts(log_prob, padded["old_log_probs"], padded["response_mask"]))


def count_skipped(metrics: dict[str, Any]) -> dict[str, Any]:
    """Metrics of one update with `skipped_updates`: 1 if verl has skipped it, for a gradient that is not finite.

    Nothing was learnt from a skipped update, and its NaNs would hide what the others did: only its cost is kept.
    """
    skipped = not math.isfinite(metrics["grad_norm"])
    if skipped:
        metrics = {name: value for name, value in metrics.items() if name in ("lr", "mfu") or name.startswith("perf/")}
    return metrics | {"skipped_updates": float(skipped)}


class RecipeTrainingWorker(TrainingWorker):
    """verl's training worker, which looks at a whole update mini-batch first where the method asks for it."""

    loss_fn: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        engine: Any = self.engine
        # verl's name for what vLLM gets where the module has an adapter.
        engine._merged_lora_per_tensor_param = partial(adapter.merged_weights, engine)

    def save_checkpoint(self, *arguments: Any, **options: Any) -> Any:
        """verl's, whose Hugging Face copy holds an adapter merged into its base."""
        with adapter.merged_copy(self.engine) if adapter.has_adapter(self.engine) else nullcontext():
            return super().save_checkpoint(*arguments, **options)

    def set_loss_fn(self, loss_fn: Any) -> None:
        """Wrap verl's loss."""
        super().set_loss_fn(ActorLoss(loss_fn))

    def train_mini_batch(self, data: TensorDict) -> Any:
        """verl's updates of a step, which has the responses of each cut out directly."""
        with mini_batches.cut_directly():
            return super().train_mini_batch(data)

    def train_batch(self, data: TensorDict) -> TensorDict:
        """One optimiser step on one update mini-batch (this rank's share)."""
        if extras.STATISTICS in self.loss_fn.needs:
            self.loss_fn.statistics = self._statistics(data)
        if extras.CORRECT in self.loss_fn.needs:
            self.loss_fn.correct_share = self._correct_share(data)
        output = super().train_batch(data)
        if output is not None:  # on ranks that report
            tu.assign_non_tensor(output, metrics=count_skipped(tu.get(output, "metrics")))
        return output

    def _statistics(self, data: TensorDict) -> torch.Tensor:
        """The method's sums over the mini-batch and all data-parallel ranks: a forward pass with the current policy."""
        collected: list[torch.Tensor] = []
        self.loss_fn.collected = collected
        try:
            probe = data.copy()
            tu.assign_non_tensor(
                probe,
                compute_loss=True,
                # Else infer_batch cuts it by the sizes of the old-log-prob pass, which need not divide a mini-batch.
                micro_batch_size_per_gpu=self.engine_config.micro_batch_size_per_gpu,
                max_token_len_per_gpu=self.engine_config.max_token_len_per_gpu,
            )
            self.infer_batch(probe)
        finally:
            self.loss_fn.collected = None
        return self._over_ranks(torch.stack(collected).sum(0))

    def _correct_share(self, data: TensorDict) -> torch.Tensor:
        mask = data["response_mask"].to_padded_tensor(0).double()
        counts = torch.stack([(mask * is_correct(data)).sum(), mask.sum()])
        correct, tokens = self._over_ranks(counts.to(get_device_name()))
        return correct / tokens.clamp(min=1.0)

    def _over_ranks(self, sums: torch.Tensor) -> torch.Tensor:
        torch.distributed.all_reduce(sums, group=self.engine.get_data_parallel_group())
        return sums


class _Noting(ActorRolloutRefWorker):
    """A worker that knows which weights it has sent, for rollout/checked_transfers.py."""

    _notes_dtype: torch.dtype | None = None  # asked for, and vLLM's weights are kept in it
    _sent: weight_sums.SentNumbers | None = None

    @register(dispatch_mode=Dispatch.ONE_TO_ALL)  # type: ignore[attr-defined]
    def note_what_is_sent(self) -> None:
        """From now on. Every rank gathers the same whole tensors, so the first is enough."""
        if torch.distributed.get_rank() == 0:
            self._notes_dtype = weight_sums.DTYPES[self.config.rollout.dtype]

    @register(dispatch_mode=Dispatch.ONE_TO_ALL, blocking=False)  # type: ignore[attr-defined]
    async def update_weights(self, global_steps: int | None = None, mode: str = "auto") -> Any:
        """verl's transfer, noted."""
        if self._notes_dtype is None:
            return await super().update_weights(global_steps, mode)
        self._sent = sent = weight_sums.SentNumbers(global_steps, self._notes_dtype)
        engine: Any = self.actor.engine  # type: ignore[union-attr]
        verls = engine.get_per_tensor_param

        def noted(*args: Any, **options: Any) -> Any:
            weights, adapter = verls(*args, **options)
            return sent.noting(weights), adapter

        engine.get_per_tensor_param = noted
        try:
            return await super().update_weights(global_steps, mode)
        finally:
            engine.get_per_tensor_param = verls

    @register(dispatch_mode=Dispatch.ONE_TO_ALL)  # type: ignore[attr-defined]
    def sent_numbers(self) -> Any:
        """Step and numbers of the last transfer; nothing on ranks but the first."""
        return (self._sent.step, self._sent.as_integers()) if self._sent else (None, {})


class RecipeActorWorker(_Noting):
    """verl's worker of actor, rollout and reference, with our training worker inside."""

    actor_worker_cls = RecipeTrainingWorker


def _settle(module: Any) -> None:
    """Shards as they are kept, and in whole: param_offload copies them to the CPU without waiting (offload_fsdp2_…)."""
    module.reshard()  # or a root that is still gathered would be taken for a parameter without shards
    get_torch_device().synchronize()


def _locals(module: Any) -> Iterator[torch.Tensor]:
    """This rank's part of every parameter."""
    for parameter in module.parameters():
        yield parameter.to_local() if isinstance(parameter, DTensor) else parameter


class SnapshotActorWorker(_Noting, DetachActorWorker):
    """The same for verl's separate_async, which keeps π_old on the CPU while later mini-batches train.

    verl's snapshot is `shard.cpu()`: of parameters that are on the CPU already (param_offload, or no GPU) that is no
    copy but the parameters themselves. Restoring π_old would then overwrite the updates since, or restore nothing.
    """

    actor_worker_cls = RecipeTrainingWorker

    @property
    def copy_handler(self) -> Callable[[Any], Any]:
        """Module → (shards by name with their layout, layout)."""
        verls = super().copy_handler

        def snapshot(module: Any) -> Any:
            _settle(module)
            kept = {local.data_ptr() for local in _locals(module)}
            shards, layout = verls(module)
            # What was on a GPU has been copied by .cpu() already.
            own = {
                name: (shard.clone() if shard.data_ptr() in kept else shard, spec)
                for name, (shard, spec) in shards.items()
            }
            return own, layout

        return snapshot

    @property
    def restore_handler(self) -> Callable[..., None]:
        """(module, shards, layout) → the module holds them again."""
        verls = super().restore_handler

        def restore(module: Any, *saved: Any) -> None:
            _settle(module)
            verls(module, *saved)

        return restore


MULTI_MODAL = "multi_modal_inputs"


def narrowed(batch: KVBatchMeta) -> KVBatchMeta:
    """The same responses with those of their stored fields that are tensors, and no others."""
    stored = tq.get_client().kv_retrieve_meta(keys=batch.keys[:1], partition_id=batch.partition_id, create=False)
    wanted = [name for name, field in stored.field_schema.items() if not field["is_non_tensor"] or name == MULTI_MODAL]
    return replace(batch, fields=wanted)
