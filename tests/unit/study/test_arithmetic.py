"""Boxed addition in process: what is sampled, what it was sampled with, and what counts as right."""

import math
from collections.abc import Iterator

import pytest
import torch
from transformers import AutoModelForCausalLM

from recipes.inputs import arithmetic, tiny_model
from recipes.plugin.ragged import one_thread
from recipes.study.arithmetic import Arithmetic
from recipes.study.bench import Unit, copied, run
from recipes.study.methods import Method

SEEDS, RATES = (3, 4), 2


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As recipes.study.cells runs it; two threads wait for each other on a busy machine."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory):
    """Base models of two seeds, hardly trained, so that some answers are right; the second is the first, disturbed."""
    folder = tmp_path_factory.mktemp("models")
    first, second = (folder / str(seed) for seed in SEEDS)
    tiny_model.build(first, seed=SEEDS[0], target_accuracy=0.05)
    model = AutoModelForCausalLM.from_pretrained(first)
    random = torch.Generator().manual_seed(0)
    for leaf in model.parameters():
        leaf.data *= 1 + 0.01 * torch.randn(leaf.shape, generator=random)
    model.save_pretrained(second)
    return folder


@pytest.fixture
def world(models, monkeypatch: pytest.MonkeyPatch) -> Arithmetic:
    monkeypatch.setattr("recipes.study.arithmetic.prepare", lambda target, given: models / str(given["seed"]))
    world = Arithmetic(length=16, prompts=2)
    world.begin(RATES, SEEDS)
    return world


def decoded(world: Arithmetic, content: torch.Tensor) -> list[str]:
    return [text.replace(tiny_model.PAD, "") for text in tiny_model.make_tokenizer().batch_decode(content)]


def test_a_response_is_right_if_it_is_the_completion_of_its_problem(world: Arithmetic) -> None:
    tokenizer = tiny_model.make_tokenizer()
    train, held_out = arithmetic.problems(0)
    right = {tiny_model.prompt(tokenizer, one) + tiny_model.completion(one) for one in train}
    rollout = world.sample(copied(world), 0, 16, 4)
    texts = decoded(world, rollout.content.flatten(0, 2))
    assert [text in right for text in texts] == [bool(one) for one in rollout.rewards.flatten()]
    assert 0 < rollout.rewards.mean() < 1
    assert not any(text.startswith(tiny_model.prompt(tokenizer, one)) for text in texts for one in held_out)


def test_the_learner_gives_the_samplers_probabilities(world: Arithmetic) -> None:
    rollout = world.sample(copied(world), 0, 2, 4)
    for update in range(2):
        log_prob, entropy = world.log_probs(rollout, update)
        torch.testing.assert_close(log_prob.detach(), rollout.old_log_prob[update], rtol=1e-4, atol=1e-4)
        assert log_prob.requires_grad and (entropy >= 0).all() and (entropy <= math.log(261) + 1e-5).all()


def test_the_mask_ends_with_the_end_of_the_response(world: Arithmetic) -> None:
    rollout = world.sample(copied(world), 0, 4, 4)
    for tokens, mask in zip(rollout.content.flatten(0, 2)[:, -16:], rollout.mask.flatten(0, 2), strict=True):
        ends = (tokens == world.end).nonzero()
        assert mask.sum() == (int(ends[0]) + 1 if len(ends) else 16)
        assert mask.tolist() == sorted(mask.tolist(), reverse=True)


def test_probabilities_are_those_of_the_model_alone(world: Arithmetic) -> None:
    """Without padding, cache and neighbours."""
    rollout = world.sample(copied(world), 0, 1, 4)
    row = len(SEEDS)  # the first seed, at the second rate
    content, mask = rollout.content[0, row, 0], rollout.mask[0, row, 0].bool()
    prompt = content[:-16][content[:-16] != world.pad]
    response = content[-16:][mask]
    with torch.no_grad():
        logits = world.model(input_ids=torch.cat([prompt, response])[None]).logits[0]
    alone = logits.double().log_softmax(-1)[len(prompt) - 1 : -1].gather(-1, response[:, None]).squeeze(-1)
    torch.testing.assert_close(rollout.old_log_prob[0, row, 0][mask].double(), alone, rtol=1e-4, atol=1e-4)


def test_the_expected_reward_is_the_share_of_right_samples_on_held_out_problems(world: Arithmetic) -> None:
    tokenizer = tiny_model.make_tokenizer()
    _, held_out = arithmetic.problems(0)
    torch.manual_seed(0)
    share = tiny_model.sampled_accuracy(world.model, tokenizer, held_out, samples=4)
    expected = world.expected_reward()
    assert expected[0] == expected[len(SEEDS)] != expected[1]
    assert abs(share - expected[0]) < 4 * 0.5 / math.sqrt(4 * len(held_out))


def test_prompts_are_the_same_at_every_rate_and_no_two_seeds_alike(world: Arithmetic) -> None:
    prompts = world.sample(copied(world), 0, 4, 1).content[..., :-16].unflatten(1, (RATES, len(SEEDS)))
    assert torch.equal(prompts[:, 0], prompts[:, 1]) and not torch.equal(prompts[:, 0, 0], prompts[:, 0, 1])


def test_a_row_is_what_it_would_be_alone(models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipes.study.arithmetic.prepare", lambda target, given: models / str(given["seed"]))

    def trained(seeds: tuple[int, ...]) -> torch.Tensor:
        unit = Unit(updates=2, batches=3, group=8, staleness=0, rates=(1e-3,), seeds=seeds, points=1)
        found: torch.Tensor = run(Arithmetic(length=16, prompts=4), Method("dgpo", 16), unit)["reward"]
        return found

    together = trained(SEEDS)
    assert (together[0] != together[-1]).all()
    torch.testing.assert_close(together[:, 1:], trained(SEEDS[1:]), rtol=5e-3, atol=5e-4)
