"""What verl keeps of data files as users bring them, and what the person is told; no row of these ends in a worker."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from omegaconf import DictConfig, OmegaConf

from recipes.checks import golds, reward_trial, rows
from recipes.common.errors import UserError
from recipes.inputs.tiny_model import make_tokenizer

COUNT = 64
USER = [{"role": "user", "content": "1+1=?"}]


def row(number: int, **changes: Any) -> dict[str, Any]:
    one = {
        "data_source": "mine",
        "prompt": [{"role": "user", "content": f"{number}+1=?"}],
        "reward_model": {"style": "rule", "ground_truth": str(number + 1)},
        "extra_info": {"index": number},
    }
    return {name: value for name, value in (one | changes).items() if value is not ...}


def gold(value: Any) -> dict[str, Any]:
    return {"reward_model": {"style": "rule", "ground_truth": value}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def examined(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Rows, written to files → what is kept of them."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")

    def examine(*files: list[dict[str, Any]], limit: int = -1, **data: Any) -> rows.Rows:
        paths = []
        for index, content in enumerate(files):
            paths.append(str(tmp_path / f"{index}.parquet"))
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(content), paths[-1])
        return rows.examine(config(model, paths, **data), "data.train_files", limit)

    return examine


def config(model: Path, files: list[str], **data: Any) -> DictConfig:
    return OmegaConf.create(
        {
            "data": {"train_files": files, "max_prompt_length": 40, "filter_overlong_prompts": True, **data},
            "actor_rollout_ref": {"model": {"path": str(model)}, "rollout": {"agent": {}}},
            "reward": {"custom_reward_function": {"path": golds.OURS}},
        }
    )


def test_all_rows_of_a_good_file_are_kept(examined) -> None:
    found = examined([row(number) for number in range(COUNT)])
    assert (found.given, found.left, found.exact) == (COUNT, COUNT, True)
    assert 0 < min(found.lengths) <= max(found.lengths) <= 40 and len(found.lengths) == COUNT


DROPPED = {
    "text": ("1+1=?", rows.NO_MESSAGES),
    "JSON": (json.dumps(USER), rows.NO_MESSAGES),
    "one message": (USER[0], rows.NO_MESSAGES),
    "of another schema": ([{"from": "human", "value": "1+1"}], rows.NO_MESSAGES),
    "nested": ([USER], rows.NO_MESSAGES),
    "too long": ([{"role": "user", "content": "9" * 500}], "longer than data.max_prompt_length=40"),
}


@pytest.mark.parametrize("case", DROPPED)
def test_prompts_that_verl_drops(examined, case: str) -> None:
    prompt, why = DROPPED[case]
    found = examined([row(number, prompt=prompt) for number in range(COUNT)])
    assert found.left == 0 and why in found.reasons() and "row 0" in found.reasons()


def test_half_of_the_prompts_are_missing(examined) -> None:
    found = examined([row(number, prompt=USER if number % 2 else None) for number in range(COUNT)])
    assert found.left == COUNT // 2 and "(row 0: None)" in found.reasons()


def test_the_limit_on_the_length_is_verls(examined) -> None:
    given = [row(number, prompt=[{"role": "user", "content": "1" * number}]) for number in range(COUNT)]
    exact = max(examined(given, max_prompt_length=1000).lengths)
    assert examined(given, max_prompt_length=exact).left == COUNT
    assert examined(given, max_prompt_length=exact - 1).left == COUNT - 1
    assert examined(given, max_prompt_length=1).left == 0


def test_long_prompts_that_verl_is_told_to_keep(examined) -> None:
    with pytest.raises(UserError, match=r"1 are longer .*row 3.*filter_overlong_prompts=true"):
        examined(
            [
                row(number, **({"prompt": [{"role": "user", "content": "9" * 500}]} if number == 3 else {}))
                for number in range(COUNT)
            ],
            filter_overlong_prompts=False,
        )


def test_another_column_of_prompts(examined) -> None:
    given = [row(number, prompt=..., question=USER) for number in range(COUNT)]
    assert examined(given, prompt_key="question").left == COUNT
    with pytest.raises(UserError, match=r"column prompt missing.*data\.prompt_key"):
        examined(given)


def test_the_template_refuses_a_role(examined, model: Path) -> None:
    template = "{{ raise_exception('System role not supported') if messages[0]['role'] == 'system' }}x"
    system = [{"role": "system", "content": "think"}, *USER]
    tokenizer = make_tokenizer()
    before = (model / "chat_template.jinja").read_text() if (model / "chat_template.jinja").exists() else None
    tokenizer.chat_template = template
    tokenizer.save_pretrained(model)
    try:
        found = examined([row(number, prompt=system) for number in range(COUNT)])
        assert found.left == 0 and "System role not supported" in found.reasons()
    finally:
        make_tokenizer().save_pretrained(model)
        assert before is None or (model / "chat_template.jinja").read_text() == before


UNEARNABLE = [None, "", True, float("nan"), {"answer": "3"}, "so 1+2\n#### 3", [], ["3", None]]


@pytest.mark.parametrize("value", UNEARNABLE, ids=repr)
def test_golds_that_nothing_can_earn(examined, value: Any) -> None:
    with pytest.raises(UserError, match=r"data\.train_files=.*ground_truth"):
        examined([row(number, **gold(value)) for number in range(COUNT)])


@pytest.mark.parametrize("value", ["3", 3, 3.0, ["3", "three"], "\\frac{1}{2}"], ids=repr)
def test_golds_that_can_be_earned(examined, value: Any) -> None:
    assert examined([row(number, **gold(value)) for number in range(COUNT)]).left == COUNT


def test_one_gold_of_many_is_missing(examined) -> None:
    given = [row(number, prompt=USER, **gold(None if number == 3000 else "2")) for number in range(4000)]
    with pytest.raises(UserError, match=r"1 of 4,000 rows have no reward_model\.ground_truth"):
        examined(given)


UNREADABLE = {
    "extra_info is text": ({"extra_info": "{}"}, "extra_info='{}'"),
    "no data source": ({"data_source": None}, "data_source is missing"),
    "an agent that there is not": ({"agent_name": "no_such_agent"}, "agent_name=no_such_agent"),
    "a tolerance below zero": ({"extra_info": {"answer": {"tolerance": -1.0}}}, "tolerance"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_rows_that_would_end_in_a_worker(examined, case: str) -> None:
    changes, words = UNREADABLE[case]
    with pytest.raises(UserError, match=r"data\.train_files=.*row 0: ") as error:
        examined([row(number, **changes) for number in range(COUNT)])
    assert words in str(error.value)


def test_a_worked_solution_beside_the_gold_is_no_fault(examined) -> None:
    """As verl's own GSM8K example writes its rows."""
    assert examined([row(number, extra_info={"answer": "so\n#### 7"}) for number in range(COUNT)]).left == COUNT


def test_files_are_joined_as_verl_joins_them(examined) -> None:
    texts = [row(number) for number in range(COUNT)]
    assert examined(texts, texts).given == 2 * COUNT
    with pytest.raises(UserError, match=r"can't be joined"):
        examined(texts, [row(number, **gold(number)) for number in range(COUNT)])


def test_the_first_rows_where_there_is_a_limit(examined) -> None:
    long = [{"role": "user", "content": "9" * 500}]
    given = [row(number, prompt=USER if number < 10 else long) for number in range(COUNT)]
    found = examined(given, limit=20)
    assert (found.given, found.left) == (20, 10)


def test_a_large_file_is_counted_to_the_row(examined) -> None:
    long = [{"role": "user", "content": "9" * 500}]
    given = [row(number, prompt=long if number in (1, 7777, 9998) else USER, **gold("2")) for number in range(10_000)]
    found = examined(given)
    assert (found.given, found.left, found.exact) == (10_000, 9997, True)


@pytest.mark.parametrize("name", ["data[1].parquet", "x.pq", "noext", "OK.PARQUET"])
def test_names_that_verl_does_not_open(model: Path, tmp_path: Path, name: str) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row(1)]), tmp_path / name)
    with pytest.raises(UserError, match=r"Rename"):
        rows.examine(config(model, [str(tmp_path / name)]), "data.train_files", -1)


def test_lines_of_json(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row(number)) + "\n" for number in range(COUNT)))
    assert rows.examine(config(model, [str(tmp_path / "x.jsonl")]), "data.train_files", -1).left == COUNT


FUNCTIONS = {
    "NaN": ("return float('nan')", "it returns nan"),
    "None": ("return None", "it returns None"),
    "no score": ("return {'acc': 1.0}", "it returns {'acc': 1.0}"),
    "changing keys": (
        "return {'score': 0.0} if solution_str else {'score': 0.0, 'acc': 0.0}",
        "the same ones for every",
    ),
    "None beside the score": ("return {'score': 0.0, 'acc': None}", "a number or a text under 'acc' too"),
    "NaN beside the score": ("return {'score': 0.0, 'acc': float('nan')}", "a number or a text under 'acc' too"),
    "an error": ("raise KeyError('x')", "it raises KeyError"),
    "an end": ("raise SystemExit(3)", "it raises SystemExit"),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_a_reward_function_of_ones_own_is_tried(model: Path, tmp_path: Path, case: str) -> None:
    body, words = FUNCTIONS[case]
    (tmp_path / "mine.py").write_text(
        f"def score(data_source, solution_str, ground_truth, extra_info=None):\n    {body}\n"
    )
    chosen = {"path": str(tmp_path / "mine.py"), "name": "score", "reward_kwargs": {}}
    given = OmegaConf.merge(config(model, []), {"reward": {"custom_reward_function": chosen}})
    with pytest.raises(UserError, match=r"mine\.py .*name=score: on row 0 ") as error:
        reward_trial.check(given, [(0, row(0))])
    assert words in str(error.value)


def test_a_reward_function_of_ones_own_that_is_right(model: Path, tmp_path: Path) -> None:
    head = "async def score(data_source, solution_str, ground_truth, extra_info=None, most=1):"
    (tmp_path / "mine.py").write_text(f"{head}\n    return {{'score': most}}\n")
    chosen = {"path": str(tmp_path / "mine.py"), "name": "score", "reward_kwargs": {"most": 2}}
    given = OmegaConf.merge(config(model, []), {"reward": {"custom_reward_function": chosen}})
    reward_trial.check(given, [(0, row(0)), (1, row(1))])


def test_as_many_rows_as_verl_keeps(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """verl's own data set on a file of good, long, missing and refused prompts."""
    from verl.utils.dataset.rl_dataset import RLHFDataset

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    prompts = [USER, [{"role": "user", "content": "9" * 500}], None, [{"role": "user", "content": "1" * 10}]]
    file = str(tmp_path / "x.parquet")
    given = [row(number, prompt=prompts[number % 4]) for number in range(COUNT)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(given), file)
    settings = config(model, [file], filter_overlong_prompts_workers=1)
    verls = RLHFDataset(file, make_tokenizer(), settings.data)
    assert rows.examine(settings, "data.train_files", -1).left == len(verls) == COUNT // 2
