"""Time: the roofline by hand, bounds of the batch, and the measured CPU runs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planning_cases import SEVEN, planned

from recipes.config import compose
from recipes.config.compose import resolved
from recipes.inputs import architecture
from recipes.plan import lengths, scale, sizes, step_time
from recipes.plan.efficiency import BEST, CENTRE, WORST
from recipes.plan.generation import Engine

MEASURED = json.loads((Path(__file__).parents[3] / "docs" / "results" / "planning.json").read_text())


@pytest.mark.parametrize("mean", [300, 2048, 6144])
def test_lengths_have_their_mean_and_second_moment_after_the_cut(mean):
    drawn = lengths.sample(200_000, mean, 8192, seed=0)
    assert drawn.min() >= 1 and drawn.max() <= 8192
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    assert (drawn.astype(float) ** 2).mean() == pytest.approx(lengths.second_moment(mean, 8192), rel=0.02)
    assert np.array_equal(drawn[:5], lengths.sample(200_000, mean, 8192, seed=0)[:5])
    assert not np.array_equal(drawn[:5], lengths.sample(200_000, mean, 8192, seed=1)[:5])


def engine(**changes):
    plain = Engine(slots=2, weights=10, per_token=1, compute=0, bandwidth=1, overhead=0, prefill=0, prompt=0)
    return replace(plain, **changes)


def step_by_step(one, drawn):
    """The same batch, one decode step at a time."""
    waiting, running, seconds = list(drawn), [], 0.0
    while waiting or running:
        while waiting and len(running) < one.slots:
            running.append([waiting.pop(0), 0])
            seconds += one.prefill
        context = sum(one.prompt + done + 0.5 for _, done in running)
        seconds += one.step(len(running), context)
        running = [[length, done + 1] for length, done in running if done + 1 < length]
    return seconds


@pytest.mark.parametrize(
    "changes, tolerance",
    [
        ({}, 1e-9),
        ({"slots": 7, "prompt": 20}, 1e-9),
        ({"prefill": 5.0, "overhead": 2}, 1e-9),
        ({"compute": 500.0}, 1e-9),
        ({"compute": 30.0}, 0.03),  # bandwidth and computation take turns between two ends: the middle is approximate
    ],
)
def test_a_batch_takes_the_sum_of_its_decode_steps(changes, tolerance):
    one = engine(**changes)
    drawn = lengths.sample(40, 30, 100, seed=3)
    assert one.seconds(drawn) == pytest.approx(step_by_step(one, drawn.tolist()), rel=tolerance)


def test_one_response_reads_all_weights_per_token():
    assert engine(per_token=0).seconds(np.array([100])) == 1000
    assert engine(per_token=0).seconds(np.array([100, 100])) == 1000  # two share the reading
    assert engine(per_token=0).seconds(np.array([100, 100, 50])) == 1500  # the third waits for a slot


def test_the_longest_response_is_the_straggler():
    plan = planned(*SEVEN)
    few = step_time.one(plan.model, plan.gpu, replace(plan.run, prompts=32), 2048, BEST)
    many = step_time.one(plan.model, plan.gpu, plan.run, 2048, BEST)
    assert few.straggler > 2 * many.straggler > 0.1


def test_update_and_log_probs_by_hand():
    """7B, 8,192 responses of 150 + 2,048 tokens: 2N forward, 8N update with recomputation; N without the embedding."""
    plan = planned(*SEVEN)
    forward, update = step_time.training_flops(plan.model, plan.run, 2048)
    matrices = 7_615_616_512 - 152_064 * 3_584
    tokens = 8192 * (2048 + 150)
    assert 1.0 < forward / (2 * matrices * tokens) < 1.1  # attention is the rest
    assert update == 4 * forward
    without = step_time.training_flops(plan.model, replace(plan.run, checkpointing=False), 2048)[1]
    assert without == 3 * forward
    assert step_time.training_flops(plan.model, replace(plan.run, lora_rank=64), 2048)[1] == 3 * forward
    seconds = step_time.training_seconds(plan.model, plan.gpu, plan.run, 2048, BEST)
    assert seconds["update"] == pytest.approx(update / (8 * 989e12 * BEST.training))


def test_longer_responses_take_longer_and_more_gpus_less():
    plan = planned(*SEVEN)
    short, long = (step_time.one(plan.model, plan.gpu, plan.run, mean, BEST) for mean in (1000, 4000))
    assert all(long.seconds[part] >= short.seconds[part] for part in step_time.PARTS)
    best, worst = step_time.span(plan.model, plan.gpu, plan.run)
    assert best.total < worst.total
    wide = scale.at(plan.run, 32, weak=False)
    assert step_time.one(plan.model, plan.gpu, wide, 4000, WORST).total < 0.5 * 4 * long.total
    assert step_time.one(plan.model, plan.gpu, wide, 4000, BEST).total < long.total


@pytest.mark.parametrize("name", ["smollm2_smoke"])
def test_update_to_log_probs_as_measured_on_a_cpu(name):
    """SmolLM2-135M: an update takes four forward passes with gradient checkpointing; measured within 15 %."""
    config = resolved(compose.compose([f"experiment={name}"]))
    model, run = architecture.of(config), sizes.of(config)
    runs = [one for one in MEASURED if one["experiment"] == name]
    assert runs
    for one in runs:
        forward, update = step_time.training_flops(model, run, one["response_length"])
        measured = one["seconds"]["update_actor"] / one["seconds"]["old_log_prob"]
        assert update / forward == pytest.approx(measured, rel=0.15)


def test_scale():
    plan = planned(*SEVEN)
    found = [best for best, _ in scale.simulate(plan.model, plan.gpu, replace(plan.run, prompts=64, mini_batch=4))]
    again = [best for best, _ in scale.simulate(plan.model, plan.gpu, replace(plan.run, prompts=64, mini_batch=4))]
    assert found == again
    strong, weak = ([point for point in found if point.weak is kind] for kind in (False, True))
    assert [point.gpus for point in strong] == [8 * 2**power for power in range(10)]
    assert strong[-1].straggler > 0.9 > strong[0].straggler
    assert strong[-1].sync_rate < 20 * strong[0].sync_rate  # 512 times the GPUs, hardly anything left to share
    assert weak[-1].sync_rate > 300 * weak[0].sync_rate
    assert max(point.async_rate / point.sync_rate for point in strong) > 1.5


def test_a_mini_batch_takes_at_least_as_long_as_its_longest_sequence():
    """By hand: 16 updates, each as long as a GPU needs for the longest sequence, however many wait."""
    plan = planned(*SEVEN)
    wide = replace(plan.run, nodes=1000, prompt_limit=150)
    found = step_time.training_seconds(plan.model, plan.gpu, wide, 3000.0, BEST)["update"]
    longest = 150 + lengths.longest(512, 3000.0, 8192)
    flops = step_time.training_flops(plan.model, wide, 3000.0)[1] / (8192 * 3150) * longest
    assert found == pytest.approx(16 * flops / (plan.gpu.bf16_flops * BEST.training), rel=1e-6)


def test_the_central_case_lies_between_the_ends():
    plan = planned(*SEVEN)
    best, worst = step_time.span(plan.model, plan.gpu, plan.run)
    centre = step_time.centre(plan.model, plan.gpu, plan.run)
    assert best.mean_length < centre.mean_length < worst.mean_length
    assert all(best.seconds[part] < centre.seconds[part] < worst.seconds[part] for part in step_time.PARTS)
    given = step_time.centre(plan.model, plan.gpu, plan.run, 3000)
    assert given == step_time.one(plan.model, plan.gpu, plan.run, 3000, CENTRE)


def test_copies_of_the_shards_sum_gradients_over_the_network_only_in_the_update():
    """By hand, on a network so slow that only it counts: 16 updates of one micro-batch, 2·3/4·4N over 8 cards."""
    asked = planned("model=deepseek-r1-distill-qwen-7b", "data=dapo_math_17k", "hardware=4x8x80gb")
    assert (asked.run.gpus, asked.run.shards) == (32, 8)
    alone, slow = asked.gpu, replace(asked.gpu, network=1e3)
    run = replace(asked.run, update_tokens=10**9)
    fast, found = (step_time.training_seconds(asked.model, gpu, run, 3000.0, BEST) for gpu in (alone, slow))
    assert found["old log-probs"] == fast["old log-probs"]
    expected = 16 * 2 * 3 / 4 * 4 * asked.model.parameters / (8 * 1e3 * BEST.link)
    assert found["update"] == pytest.approx(expected, rel=1e-3)
