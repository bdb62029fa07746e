"""What dynamic sampling keeps and costs, and that a batch which can't be filled ends the run."""

from collections import Counter

import pytest
import transfer_queue as tq
from omegaconf import OmegaConf
from tensordict import NonTensorStack, TensorDict
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer, ReplayBufferAsync

from recipes.plugin.dynamic_sampling import (
    DROPPED,
    BandPass,
    GenerationLimit,
    UnfilledBatchError,
    generated_per_kept,
    keep_within,
)

NAME = "reward/groups/generated_per_kept"


def test_what_was_dropped_counts_whether_it_taught_nothing_or_was_left_over() -> None:
    evicted, surplus = DROPPED
    assert generated_per_kept({}, 8) == {NAME: 1.0}
    assert generated_per_kept({evicted: 4}, 8) == {NAME: 1.5}
    assert generated_per_kept({evicted: 4, surplus: 12, "reward/groups/all_right_share": 1}, 8) == {NAME: 3.0}
    assert generated_per_kept({evicted: 4}, 0) == {}


def test_verl_counts_them_under_these_names() -> None:
    """They are summed over the updates of a step."""
    from verl.trainer.ppo.v1.utils import MetricsAggregator

    assert set(DROPPED) <= set(MetricsAggregator().aggregation_rules["sum"])


def test_up_to_the_limit_it_goes_on_and_each_step_begins_anew() -> None:
    limit = GenerationLimit(8, 3.0)
    for _ in range(5):
        limit.begin_step()
        for _ in range(4):
            limit.draw(4)


def test_what_is_drawn_ahead_of_the_first_step_is_in_place_of_nothing() -> None:
    """As separate_async does: a whole rollout batch, which alone a limit of 1.5 would not allow."""
    limit = GenerationLimit(8, 1.5)
    limit.draw(8)
    limit.begin_step()
    limit.draw(4)
    with pytest.raises(UnfilledBatchError):
        limit.draw(1)


def test_beyond_the_limit_it_ends_and_says_what_to_do() -> None:
    limit = GenerationLimit(8, 3.0)
    limit.begin_step()
    limit.draw(16)
    with pytest.raises(UnfilledBatchError) as error:
        limit.draw(1)
    for word in ("25 prompts", "batch of 8", "generation_limit=3 ", "sampling=all", "all_right_share", "rollout.n"):
        assert word in str(error.value)


def test_the_sentence_names_the_band_where_there_is_one() -> None:
    limit = GenerationLimit(8, 3.0, (0.25, 0.75))
    limit.begin_step()
    with pytest.raises(UnfilledBatchError) as error:
        limit.draw(17)
    assert "keep_right_share=[0.25, 0.75]" in str(error.value) and "widen the band" in str(error.value)


RIGHT = {"none": 0, "one": 1, "two": 2, "three": 3, "all": 4}  # of four responses


@pytest.fixture
def reads(monkeypatch) -> list[set[str]]:
    """Verdicts as TransferQueue has them; which prompts were asked for, call by call."""
    asked = []

    def get(keys, partition_id, select_fields):
        asked.append({key.split("_")[0] for key in keys})
        infos = []
        for key in keys:
            uid, response, _ = key.split("_")
            infos.append({"reward_extra_info": {"acc": float(int(response) < RIGHT[uid])}})
        return TensorDict({"extra_fields": NonTensorStack(*infos)}, batch_size=len(keys))

    monkeypatch.setattr(tq, "kv_batch_get", get)
    return asked


@pytest.mark.parametrize("kind", [ReplayBuffer, ReplayBufferAsync])
@pytest.mark.parametrize(
    ("band", "kept"),
    [
        ((0.0, 1.0), {"one", "two", "three"}),
        ((0.25, 0.75), {"one", "two", "three"}),
        ((0.26, 0.75), {"two", "three"}),
        ((0.0, 0.5), {"one", "two"}),
        ((0.5, 0.5001), {"two"}),
    ],
)
def test_what_lies_outside_the_band_is_dropped_and_read_once(reads, kind, band, kept) -> None:
    buffer = kind("sync", OmegaConf.create({}), None, "drop", {}, refill_fn=print, filter_groups_metric="acc")
    keep_within(buffer, band)
    buffer.partitions["train"] = {f"{uid}_{response}_0": {} for uid in (*RIGHT, "running") for response in range(4)}
    buffer.finished_keys["train"] = set(RIGHT)
    for _ in range(2):
        stale, dropped, failed, counts = buffer._terminal_eviction_reasons(1, "train")
        assert dropped == set(RIGHT) - kept and not stale and not failed
        assert counts == Counter(RIGHT[uid] / 4 for uid in dropped)
    assert reads == [set(RIGHT), {"one", "two", "three"}]  # verl's own look, and ours at what it left


def test_validation_is_left_alone(reads) -> None:
    buffer = ReplayBuffer("sync", OmegaConf.create({}), None, "drop", {}, refill_fn=print, filter_groups_metric="acc")
    band = BandPass(buffer, (0.4, 0.6))
    buffer.finished_keys["val"] = {"one"}
    assert band("val") == (set(), Counter()) and reads == []
