"""The only subclasses of verl trainers, selected by `trainer.v1.trainer_mode`: rlvr, or rlvr_separate_async.

configs/trainer_mode/ sets them: `trainer_mode=sync`, the default, and `trainer_mode=separate_async`.
"""

import recipes.plugin.register  # noqa: F401 (first: it chooses verl's platform, which the imports below ask for)

# isort: split
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import ray
import transfer_queue as tq
from omegaconf import DictConfig, open_dict
from verl.trainer.ppo.v1.trainer_base import register_trainer
from verl.trainer.ppo.v1.trainer_separate_async import PPOTrainerSeparateAsync
from verl.trainer.ppo.v1.trainer_sync import PPOTrainerSync
from verl.workers.engine_workers import ActorRolloutRefWorker

from losses.metrics import mean_weights
from losses.ratio_histogram import ratio_quantiles
from recipes.common.truncation import stop_tokens
from recipes.plugin import (
    dynamic_sampling,
    method_check,
    responses,
    scorer_watch,
    update_watch,
    validation,
    vitals,
)
from recipes.plugin.actor_worker import RecipeActorWorker, SnapshotActorWorker, narrowed
from recipes.plugin.durable_trainer import DurableTrainer
from recipes.plugin.ragged import RaggedTrainer, row_sums
from recipes.plugin.ray_actors import plain_class
from recipes.plugin.rollout import single_server
from recipes.plugin.rollout.checked_transfers import CheckedTransfers
from recipes.runs.dumps import Dumps

POLL_INTERVAL = 0.2  # seconds


class _WithRecipe(DurableTrainer, RaggedTrainer):
    """One of verl's trainers with our actor worker, and metrics that exist only once an update is reduced.

    Methods whose loss needs more than verl hands to it (losses/extras.py) work under these trainers only.
    """

    verl_mode: ClassVar[str]
    transfers: ClassVar[tuple[str, ...]] = ("checkpoint_manager",)  # the last one after every step
    actor_worker: ClassVar[type]

    def __init__(self, config: DictConfig) -> None:
        # Under a verl command of the user's own nothing else checks what belongs to the method.
        method_check.check_method(config)
        options = config.trainer.v1.get("rlvr", {})
        poll_interval = options.get("poll_interval", POLL_INTERVAL)
        reward = config.reward.custom_reward_function
        self._reward_function = f"{reward.path}:{reward.name}"
        self._scorer_failure_limit = options.get("scorer_failure_limit", scorer_watch.LIMIT)
        self._update_watch = update_watch.UpdateWatch(options.get("skipped_update_limit", update_watch.LIMIT))
        # A verl command of the user's own need not have our worker extension inside vLLM.
        self._checks_weights = options.get("check_weights", False)
        self._generation_limit: dynamic_sampling.GenerationLimit | None = None
        if config.algorithm.filter_groups.enable:
            limit = options.get("generation_limit", dynamic_sampling.LIMIT)
            band = tuple(options.get("keep_right_share", dynamic_sampling.ALL))
            self._generation_limit = dynamic_sampling.GenerationLimit(config.data.train_batch_size, limit, band)
        self._dumps = Dumps.of(config)
        with open_dict(config):
            # verl reads the mode's options and chooses its replay buffer by its own name (PPOTrainer.__init__).
            config.trainer.v1.trainer_mode = self.verl_mode
        super().__init__(config)
        # A constructor default of 2 s that the config can't reach (replay_buffer.py): generation is rounded up to it.
        self.replay_buffer.poll_interval = poll_interval
        if self._generation_limit and band != dynamic_sampling.ALL:
            dynamic_sampling.keep_within(self.replay_buffer, band)

    def _init_tokenizer(self) -> None:
        super()._init_tokenizer()
        stops = stop_tokens(self.tokenizer, self.config.actor_rollout_ref.model)
        self._notes = responses.ResponseNotes(self.config.data.max_response_length, stops)
        if self.config.trainer.validation_data_dir:
            # verl's _validate clears the responses before it dumps them; what it samples passes by in between.
            self.replay_buffer.sample = self._notes.noting(self.replay_buffer.sample, "val")

    def _setup(self) -> None:
        super()._setup()
        for name in self.transfers if self._checks_weights else ():
            setattr(self, name, CheckedTransfers.of(getattr(self, name)))

    def _consume_sync_metrics(self) -> dict[str, Any]:
        metrics: dict[str, Any] = super()._consume_sync_metrics()
        if self._checks_weights:
            last: CheckedTransfers = getattr(self, self.transfers[-1])
            metrics |= {"training/weights_compared": last.compared, "timing_s/check_weights": last.seconds}
        return metrics

    def fit(self, agent_loop_manager: Any) -> None:
        """Train; a dead actor ends it."""
        # Python's collector looks at what the imports made again and again, as every step fetches its responses one by
        # one: a fifth of the driver's seconds.
        gc.collect()
        gc.freeze()
        with vitals.watch():
            try:
                super().fit(agent_loop_manager)
            except dynamic_sampling.UnfilledBatchError:
                if self.can_abandon_steps and self.config.trainer.save_freq > 0:
                    self._abandon_step()
                raise

    def prepare_step(self) -> dict[str, Any]:
        """The prompts of a step are handed out."""
        if self._generation_limit:
            self._generation_limit.begin_step()
        return super().prepare_step()

    def _add_prompts_to_generate(self, num_prompts: int) -> int:
        if self._generation_limit:
            self._generation_limit.draw(num_prompts)
        return super()._add_prompts_to_generate(num_prompts)

    def _init_resource_pool_mgr(self) -> None:
        super()._init_resource_pool_mgr()
        for role, worker in self.role_worker_mapping.items():
            if issubclass(plain_class(worker), ActorRolloutRefWorker):
                self.role_worker_mapping[role] = ray.remote(self.actor_worker)

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        real = responses.real_part(batch)
        fields = ["extra_fields", "rm_scores"]
        stored = tq.kv_batch_get(keys=real.keys, partition_id=real.partition_id, select_fields=fields)
        extra, rewards = stored.pop("extra_fields").tolist(), row_sums(stored["rm_scores"]).tolist()
        metrics.update(scorer_watch.status_metrics(extra))
        metrics.update(responses.group_shares(real.keys, rewards, extra))
        if self._generation_limit:
            kept = len({responses.group_of(key) for key in real.keys})
            metrics.update(dynamic_sampling.generated_per_kept(metrics, kept))
        ends = self._notes.ends_of(real)
        metrics.update(responses.truncated_share(ends.values()))
        if self.config.trainer.rollout_data_dir:
            self._notes.note(ends, extra)
        try:
            scorer_watch.stop_if_unsound(rewards, extra, real.keys, self._reward_function)
            scorer_watch.stop_if_broken(metrics, len(real), self._scorer_failure_limit)
        except scorer_watch.BrokenScorerError:
            self._keep_responses(batch, metrics)
            raise
        return super()._compute_advantage(batch, metrics)

    def _keep_responses(self, batch: Any, metrics: dict[str, Any]) -> None:
        """Write all that could not be scored: verl would do so at the end of a step that does not come."""
        self.logger.log(data=metrics, step=self.global_steps)
        if self.config.trainer.rollout_data_dir:
            super()._log_rollout_data(responses.real_part(batch), {}, self.config.trainer.rollout_data_dir)
            self._shutdown_dump_executor()

    def _log_rollout_data(self, batch: Any, timing_raw: dict[str, float], rollout_data_dir: str) -> None:
        """verl's dump of the training responses, of those groups that are kept, without rows that are no responses."""
        real = responses.real_part(batch)
        kept = self._dumps.kept([responses.group_of(key) for key in real.keys])
        if kept:
            chosen = real.select_keys([key for key in real.keys if responses.group_of(key) in kept])
            super()._log_rollout_data(chosen, timing_raw, rollout_data_dir)
        self._notes.forget(real.keys)

    def _dump_generations(
        self, inputs: Any, outputs: Any, gts: Any, scores: Any, reward_extra_infos_dict: Any, dump_path: Any
    ) -> None:
        """With group, length, end and verdict; of a validation only the problems that are kept."""
        known = reward_extra_infos_dict | self._notes.columns(reward_extra_infos_dict["uid"])
        if dump_path == self.config.trainer.validation_data_dir:
            kept = self._dumps.kept(inputs)
            rows = [row for row, text in enumerate(inputs) if text in kept]
            inputs, outputs, gts, scores = ([column[row] for row in rows] for column in (inputs, outputs, gts, scores))
            known = {name: [column[row] for row in rows] for name, column in known.items()}
        if inputs:
            super()._dump_generations(inputs, outputs, gts, scores, known, dump_path)

    def _write_generations(  # type: ignore[override]  # verl's is static
        self,
        inputs: Sequence[str],
        outputs: Sequence[str],
        gts: Sequence[Any],
        scores: Sequence[float],
        reward_extra_infos_dict: dict[str, Sequence[Any]],
        dump_path: str,
        global_steps: int,
    ) -> None:
        """In a thread of verl's; a name of verl's own columns wins over one that a reward function returned."""
        own = {"input": inputs, "output": outputs, "gts": gts, "score": scores, "step": [global_steps] * len(inputs)}
        self._dumps.write(Path(dump_path), global_steps, {**own, **reward_extra_infos_dict, **own})

    def _val_metrics_update(
        self, data_sources: Any, sample_uids: Any, reward_extra_infos_dict: Any, *rest: Any, **options: Any
    ) -> dict[str, float]:
        expected = options.pop("expected_acc_counts", None)
        samples = data_sources, sample_uids
        turns: dict[str, float] = super()._val_metrics_update(*samples, {}, *rest, **options)
        return turns | validation.metrics_of(*samples, reward_extra_infos_dict, expected)

    def _compute_old_log_prob(self, batch: Any, metrics: dict[str, Any]) -> Any:
        return super()._compute_old_log_prob(narrowed(batch), metrics)

    def _compute_ref_log_prob(self, batch: Any, metrics: dict[str, Any]) -> Any:
        return super()._compute_ref_log_prob(narrowed(batch), metrics)

    def _update_actor(self, batch: Any, metrics: dict[str, Any]) -> Any:
        batch = super()._update_actor(narrowed(batch), metrics)
        metrics.update(mean_weights(metrics))
        metrics.update(ratio_quantiles(metrics))
        actor, samples = self.config.actor_rollout_ref.actor, self.config.actor_rollout_ref.rollout.n
        updates = max(1, len(batch) // (actor.ppo_mini_batch_size * samples)) * actor.ppo_epochs
        try:
            self._update_watch.look(metrics, updates)
        except update_watch.BrokenUpdatesError:
            self._keep_responses(batch, metrics)
            raise
        return batch


@register_trainer("rlvr")
class RecipeTrainer(_WithRecipe, PPOTrainerSync):
    """Every GPU generates, then every GPU trains."""

    verl_mode = "sync"
    can_abandon_steps = True
    actor_worker = RecipeActorWorker

    def get_llm_client(self) -> Any:
        """For the agent loops; the servers of this mode stay the same."""
        return single_server.client_of(self.llm_server_manager)


@register_trainer("rlvr_separate_async")
class RecipeSeparateAsyncTrainer(_WithRecipe, PPOTrainerSeparateAsync):
    """Some GPUs generate all the time while the others train; π_old is the policy of the last weight transfer."""

    verl_mode = "separate_async"
    transfers = ("checkpoint_manager", "standalone_checkpoint_manager")
    actor_worker = SnapshotActorWorker
