"""`sampling=dynamic` in real trainings: prompts without a signal are replaced, and where none has one the run ends."""

import json

import pytest

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(2400)]
QUICK = ("trainer.test_freq=-1", "trainer.val_before_train=false")
WITHOUT_SIGNAL = ("reward/groups/all_right_share", "reward/groups/all_wrong_share")


def rows(launcher) -> list[dict]:
    return [row["data"] for row in launcher.metrics()]


def test_prompts_without_a_signal_are_replaced_and_a_resumed_run_draws_no_prompt_twice(launcher) -> None:
    dynamic = ("sampling=dynamic", "trainer.save_freq=1", *QUICK)
    for steps in (2, 4):
        result = launcher.train(f"trainer.total_training_steps={steps}", *dynamic)
        assert result.returncode == 0, result.stdout
    assert launcher.steps() == [1, 2, 3, 4]
    found = rows(launcher)
    assert all(row[share] == 0 for row in found for share in WITHOUT_SIGNAL)
    for row in found:  # verl names what it dropped in the steps in which it did
        dropped = sum(row.get(f"training/filter_groups/{name}_samples", 0) for name in ("evicted", "discarded_surplus"))
        assert row["reward/groups/generated_per_kept"] == 1 + dropped / 16, row
    costs = [row["reward/groups/generated_per_kept"] for row in found]
    assert max(costs[:2]) > 1 and max(costs[2:]) > 1
    dumps = [next(launcher.output.rglob(f"generations/train/{step}.jsonl")) for step in (1, 2, 3, 4)]
    problems = [{json.loads(line)["input"] for line in dump.read_text().splitlines()} for dump in dumps]
    assert [len(step) for step in problems] == [16] * 4 and len(set.union(*problems)) == 64


def test_the_same_training_without_it_learns_from_prompts_without_a_signal(launcher) -> None:
    """Otherwise the test above would show nothing."""
    assert launcher.train("trainer.save_freq=-1", *QUICK).returncode == 0
    found = rows(launcher)
    assert any(row[share] > 0 for row in found for share in WITHOUT_SIGNAL)
    assert not any("reward/groups/generated_per_kept" in row for row in found)


def test_a_batch_that_cannot_be_filled_ends_the_run_with_a_sentence(launcher) -> None:
    """Two tokens hold no box: every response is wrong."""
    short = ("data.max_response_length=2", "trainer.v1.rlvr.generation_limit=3", "trainer.save_freq=1")
    result = launcher.train("sampling=dynamic", *short, *QUICK)
    assert result.returncode == 1
    assert "UnfilledBatchError: sampling=dynamic: " in result.stdout and "Write sampling=all" in result.stdout
    assert launcher.processes() == []
