"""One loop for all responses gives each what a loop of its own would."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from verl.experimental.agent_loop.agent_loop import AgentLoopWorker as VerlWorker
from verl.utils.dataset.rl_dataset import RLHFDataset
from verl.workers.rollout.replica import TokenOutput

from recipes.config.compose import compose
from recipes.inputs.tiny_model import make_tokenizer
from recipes.plugin.rollout import agent_loops


class Server:
    """Answers with the prompt's tokens in reverse."""

    async def generate(self, prompt_ids: list[int], **given: Any) -> TokenOutput:
        await asyncio.sleep(0)
        return TokenOutput(token_ids=prompt_ids[::-1][:5], log_probs=[-0.5] * min(5, len(prompt_ids)))


def worker(kind: type) -> Any:
    """A worker without a Ray actor and a TransferQueue around it; it returns what would be stored."""
    made = object.__new__(kind)
    made.config = compose(["experiment=quickstart"])
    made.llm_client, made.tokenizer, made.processor = Server(), make_tokenizer(), None
    made.hf_model_type, made.dataset_cls, made.tools = "qwen2", RLHFDataset, []

    async def keep(output: Any, validate: bool, **fields: Any) -> Any:
        return output.prompt_ids, output.response_ids, output.response_mask, output.response_logprobs, validate, fields

    made._agent_loop_postprocess = keep
    return made


def responses(kind: type, prompts: list[str]) -> tuple[Any, list[Any]]:
    made = worker(kind)

    async def all_of_them() -> list[Any]:
        info = {"step": 1, "sample_index": 0, "rollout_n": 0, "validate": False}
        calls = [
            made._run_agent_loop(
                {}, info, agent_name="single_turn_agent", trace=False, uid=text,
                raw_prompt=[{"role": "user", "content": text}],
            )
            for text in prompts
        ]  # fmt: skip
        return list(await asyncio.gather(*calls))

    return made, asyncio.run(all_of_them())


def test_the_same_responses_as_verls_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = ["1 + 2", "17 + 4", "a", "1 + 2"]
    built: list[Any] = []
    real = agent_loops.hydra.utils.instantiate
    monkeypatch.setattr(agent_loops.hydra.utils, "instantiate", lambda **given: built.append(1) or real(**given))
    _, ours = responses(agent_loops.AgentLoopWorker, prompts)
    assert len(built) == 1, "one loop serves all"
    _, verls = responses(VerlWorker, prompts)
    assert len(built) == 1 + len(prompts)
    assert ours == verls and len({str(response[1]) for response in ours}) == 3


def test_other_loops_are_verls_business(monkeypatch: pytest.MonkeyPatch) -> None:
    made = worker(agent_loops.AgentLoopWorker)
    seen: list[Any] = []

    async def verls(self: Any, *given: Any, **named: Any) -> None:
        seen.append(named["agent_name"])

    monkeypatch.setattr(agent_loops._VerlWorker, "_run_agent_loop", verls)
    asyncio.run(made._run_agent_loop({}, {}, agent_name="tool_agent", trace=False))
    monkeypatch.setattr(agent_loops.RolloutTraceConfig, "get_backend", lambda: SimpleNamespace())
    asyncio.run(made._run_agent_loop({}, {}, agent_name="single_turn_agent", trace=True))
    assert seen == ["tool_agent", "single_turn_agent"]
