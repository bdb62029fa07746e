"""From token ids to rows, and seeds that make a continued evaluation draw what it would have drawn."""

from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf
from rich.console import Console

from recipes.common.errors import UserError
from recipes.evaluate import identity, sampling
from recipes.evaluate.engine import Request, Sample
from recipes.evaluate.problems import Problem
from recipes.inputs.tiny_model import make_tokenizer
from recipes.runs.evaluation_folder import EvaluationFolder
from reward.task import Task

PROBLEM = Problem("toy", "p", ({"role": "user", "content": "1+1="},), ("2",), Task())
KEY = ("toy", "p", 3)


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer()


def evaluation(limit=4):
    settings = {"max_response_tokens": limit, "max_prompt_tokens": 20}
    return SimpleNamespace(problems={("toy", "p"): PROBLEM}, settings=settings, model=None)


def row(tokenizer, tokens, limit=4):
    return sampling._drawn(evaluation(limit), tokenizer, {tokenizer.eos_token_id}, Sample(Request(KEY, [1], 7), tokens))


def test_a_response_is_its_text_without_special_tokens(tokenizer):
    tokens = tokenizer.encode("42", add_special_tokens=False)
    found = row(tokenizer, [*tokens, tokenizer.eos_token_id])
    assert (found["response"], found["tokens"], found["truncated"]) == ("42", len(tokens) + 1, False)
    assert (found["benchmark"], found["problem"], found["sample"], found["seed"]) == (*KEY, 7)


def test_a_response_at_the_limit_is_truncated_unless_it_ended_there(tokenizer):
    tokens = tokenizer.encode("1234", add_special_tokens=False)
    assert len(tokens) == 4
    assert row(tokenizer, tokens)["truncated"]
    assert not row(tokenizer, [*tokens[:3], tokenizer.eos_token_id])["truncated"]


@pytest.mark.parametrize("only_the_end", [False, True])
def test_an_empty_response_is_a_row(tokenizer, only_the_end):
    found = row(tokenizer, [tokenizer.eos_token_id] if only_the_end else [])
    assert found["response"] == "" and not found["truncated"] and found["tokens"] == int(only_the_end)


def test_seeds_belong_to_the_sample():
    seeds = {sampling.seed_of(0, ("a", problem, sample)) for problem in "pqr" for sample in range(100)}
    assert len(seeds) == 300 and all(0 <= seed < 2**31 for seed in seeds)
    assert sampling.seed_of(0, KEY) == sampling.seed_of(0, KEY) != sampling.seed_of(1, KEY)
    assert sampling.seed_of(None, KEY) is None


def test_an_engine_does_not_begin_again_where_it_began():
    """Seeded alike, vLLM would draw for the samples that are missing what it has drawn for those that are there."""
    seeds = [sampling.engine_seed(0, drawn) for drawn in range(50)]
    assert len(set(seeds)) == 50 and sampling.engine_seed(0, 7) == seeds[7] != sampling.engine_seed(1, 7)
    assert sampling.engine_seed(None, 7) != sampling.engine_seed(None, 7)


def sampled_with(tmp_path, monkeypatch, tokenizer, **settings):
    """The requests, and the seed of the first engine, of an evaluation of three samples with one there already."""
    seen = {}

    def rollout_config(config, seed):
        seen["engine"] = seed
        return config

    async def generate(config, requests, started, done):
        seen["requests"] = [request.seed for request in requests]

    monkeypatch.setattr(sampling.engine, "rollout_config", rollout_config)
    monkeypatch.setattr(sampling.engine, "start_ray", lambda config: None)
    monkeypatch.setattr(sampling.engine, "generate", generate)
    monkeypatch.setattr(sampling.reward, "load_tokenizer", lambda model: tokenizer)
    monkeypatch.setattr(sampling, "stop_tokens", lambda tokenizer, model: frozenset({tokenizer.eos_token_id}))
    keys = [("toy", "p", sample) for sample in range(3)]
    base = evaluation()
    base.settings |= {"seed": 0, **settings}
    base.folder, base.keys = EvaluationFolder(tmp_path), keys
    base.config = OmegaConf.create({"actor_rollout_ref": {"model": {}}})
    sampling._sample(base, SimpleNamespace(keys=keys[:1]), keys[1:], Console(quiet=True))
    return seen


def test_each_request_has_a_seed_or_none_has(tmp_path, monkeypatch, tokenizer):
    each = sampled_with(tmp_path, monkeypatch, tokenizer, seed_per_sample=True)
    assert each["requests"] == [sampling.seed_of(0, ("toy", "p", sample)) for sample in (1, 2)]
    engines = sampled_with(tmp_path, monkeypatch, tokenizer, seed_per_sample=False)
    assert engines["requests"] == [None, None] and engines["engine"] == sampling.engine_seed(0, 1)


def test_both_ways_of_seeding_are_not_mixed(tmp_path):
    settings = dict.fromkeys(identity.SAMPLING, 0) | {"seed_per_sample": True}
    file = tmp_path / "identity.json"
    identity.refuse_other(file, identity.identity("m", None, settings, [PROBLEM]), file.with_name("samples.jsonl"))
    assert "seed_per_sample" not in file.read_text(), "evaluations from before there was the choice go on"
    file.with_name("samples.jsonl").write_text("{}\n")
    other = identity.identity("m", None, settings | {"seed_per_sample": False}, [PROBLEM])
    with pytest.raises(UserError, match="seed_per_sample: None there, False now"):
        identity.refuse_other(file, other, file.with_name("samples.jsonl"))
    file.with_name("samples.jsonl").write_text("")
    identity.refuse_other(file, other, file.with_name("samples.jsonl"))
    file.with_name("samples.jsonl").write_text("{}\n")
    with pytest.raises(UserError, match="seed_per_sample: False there, None now"):
        identity.refuse_other(file, identity.identity("m", None, settings, [PROBLEM]), file.with_name("samples.jsonl"))


def test_a_prompt_that_is_too_long_is_named(tokenizer):
    longer = Problem("toy", "p", ({"role": "user", "content": "1+" * 40},), ("2",), Task())
    too_long = evaluation()
    too_long.problems[("toy", "p")] = longer
    with pytest.raises(UserError, match=r"eval.max_prompt_tokens=20: toy p has \d+"):
        sampling._prompts(too_long, tokenizer)
