"""docs/data.md followed to the letter: its files prepare a data set of one's own, and a training composes with it."""

import json
import re
import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recipes.config.compose import compose, resolved
from recipes.prepare_data.__main__ import main

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
OWN = PAGE[PAGE.index("## A data set of your own") :]
FILES = dict(re.findall(r"`(mine/\S+\.yaml)`:\n\n```yaml\n((?s:.*?))^```$", OWN, re.M))
((ROW,),) = [re.findall(r"^```json\n(.*)\n```$", OWN, re.M)]
PREPARE, TRAIN = (
    shlex.split(re.findall(rf"^python -m recipes\.{name} (.*)$", OWN, re.M)[0]) for name in ("prepare_data", "train")
)


def test_it_is_prepared_and_composes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    row = json.loads(ROW)
    for name, count in (("problems", 3), ("held-out", 2)):
        rows = [row | {"question": f"{name}: what is 6 · {n}?", "uuid": f"{name}{n}"} for n in range(count)]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    main(PREPARE)
    config = resolved(compose([word for word in TRAIN if word not in ("--cfg", "job")]))
    train, validation = (pq.read_table(config.data[key]).to_pylist() for key in ("train_files", "val_files"))
    assert (len(train), len(validation)) == (3, 2)
    assert train[0]["reward_model"]["ground_truth"] == "42" and validation[0]["data_source"] == "mine"
    assert config.data.train_batch_size / config.actor_rollout_ref.actor.ppo_mini_batch_size == 16
    assert config.actor_rollout_ref.rollout.n == 8 and config.trainer.total_training_steps == 100
