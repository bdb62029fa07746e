"""Every data set that can be prepared composes with every template, and training finds it where it is put."""

import re
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from recipes.checks import config as config_checks
from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.config.compose import PREPARE, compose, resolved
from recipes.inputs import data_files
from recipes.prepare_data.__main__ import read_settings
from recipes.prepare_data.card import sources_of
from recipes.prepare_data.golds import READERS
from recipes.prepare_data.settings import Settings

DATA = sorted(path.stem for path in (config_dir() / "prepare/data").glob("*.yaml"))
TEMPLATES = sorted(path.stem for path in (config_dir() / "prepare/template").glob("*.yaml"))
TRAINING = [name for name in DATA if name != "benchmarks"]


def settings(*overrides: str) -> Settings:
    return read_settings(compose(overrides, PREPARE))


@pytest.mark.parametrize("data", DATA)
def test_every_data_set(data: str) -> None:
    found = settings(f"data={data}")
    assert found.name == data, "the folder, and the cure that an error names"
    assert set(found.files) <= set(sources_of(found)) and all(
        part.gold.read in READERS for part in found.parts.values()
    )
    for source in sources_of(found).values():
        assert source is not None and re.fullmatch(r"[0-9a-f]{40}", str(source.revision))
        assert source.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", source.sha256)
        assert source.sha256 or source.host == "hub"


def test_downloads_do_not_collide() -> None:
    """What has one name in the raw folder is one file."""
    files = {(one.save_as, one.url) for data in DATA for one in sources_of(settings(f"data={data}")).values() if one}
    assert len({name for name, _ in files}) == len(files)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template(template: str) -> None:
    found = settings("data=math_train", f"template={template}").template
    assert found.name == template and found.source
    text = "".join(message["content"] for message in found.render("P?"))
    assert "P?" in text and (r"\boxed{}" in text or template == "plain")


@pytest.mark.parametrize("data", TRAINING)
def test_training_reads_what_preparation_writes(composed, data: str) -> None:
    config = resolved(composed(f"data={data}", "model=deepseek-r1-distill-qwen-7b", "hardware=8x80gb"))
    config_checks.check_config(config)
    train, held_out = config.data.train_files, config.data.val_files
    written = {f"data/{data}/{part.file_name}.parquet" for part in settings(f"data={data}").parts.values()}
    benchmarks = {f"data/benchmarks/{name}.parquet" for name in settings("data=benchmarks").combined}
    assert train in written and held_out in written | benchmarks
    assert config.data.train_batch_size // config.actor_rollout_ref.actor.ppo_mini_batch_size == 16


def test_the_data_set_of_the_documentation() -> None:
    """docs/data.md: one file makes a data set."""
    page = (Path(__file__).resolve().parents[2] / "docs/data.md").read_text()
    example = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    shared = compose(["data=math_train"], PREPARE)
    found = read_settings(OmegaConf.create({**shared, **example}))
    assert found.name == "mine" and found.parts["train"].gold.read in READERS


@pytest.mark.parametrize("data", DATA)
def test_missing_data_names_the_command(data: str) -> None:
    with pytest.raises(UserError, match=rf"recipes\.prepare_data data={data}`"):
        data_files.check("data.train_files", f"nowhere/{data}/train.parquet")
