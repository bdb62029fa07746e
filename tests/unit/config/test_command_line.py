"""One way to compose for every command: its flags, folders of the user's own, and what is printed in place of a run."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.config import resolvers
from recipes.config.compose import EVALUATE, PREPARE, TRAIN, Primary, _composed, choices, compose, resolved


def printed(capsys: pytest.CaptureFixture[str], *words: str, primary: Primary = TRAIN) -> str:
    """What is printed in place of a run."""
    with pytest.raises(SystemExit, match=r"^0$"):
        compose(words, primary, "What it is about.")
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize(
    ("primary", "words"),
    [
        (TRAIN, ["experiment=quickstart", "seed=3", "+trainer.mine={a: 1}", "~trainer.total_epochs", "++seed=4"]),
        (TRAIN, ["trainer={nnodes: 2}", "model_engine=veomni", "hydra.job.name=x", "scale=tiny", "seed=5"]),
        (EVALUATE, ["eval=paper"]),
        (PREPARE, ["data=gsm8k"]),
    ],
)
def test_the_printed_config_is_hydras(capsys, primary: Primary, words: list[str]) -> None:
    resolvers.register()
    with initialize_config_dir(str(primary.file.parent), version_base="1.3"):
        theirs = OmegaConf.to_yaml(hydra_compose(primary.file.stem, words))
    assert printed(capsys, words[0], "--cfg", "job", *words[1:], primary=primary) == theirs


def test_hydras_own_part_knows_choices_and_values() -> None:
    compose(["policy_loss=maspo", "seed=5", "hydra.job.name=x"])
    own = HydraConfig.get()
    assert own.overrides.task == ["policy_loss=maspo", "seed=5"] and own.job.name == "x"
    assert own.job.override_dirname == "policy_loss=maspo,seed=5" and own.runtime.choices.policy_loss == "maspo"


def test_files_are_composed_once_per_choice_of_groups() -> None:
    _composed.cache_clear()
    for seed in 1, 2:  # with a word that asks which keys are sections, and one that asks for the keys beside it
        assert compose([f"seed={seed}", "policy_loss=maspo", "+trainer.mine=3"]).seed == seed
    assert compose(["policy_loss=maspo"]).seed == 0  # no value stays in what is shared
    assert _composed.cache_info().misses == 1


def test_a_part_of_it_with_values(capsys) -> None:
    words = "policy_loss=maspo", "--cfg=job", "--resolve", "--package"
    assert printed(capsys, *words, "trainer.experiment_name") == "tiny-maspo-seed0\n"
    part = printed(capsys, *words, "trainer.v1.rlvr")
    assert part.startswith("# @package trainer.v1.rlvr\n") and "${" not in part
    assert yaml.safe_load(part) == OmegaConf.to_container(compose([]).trainer.v1.rlvr, resolve=True)


@pytest.mark.parametrize(
    "word", ["+trainer.api_key=[s3cret-value", "hf_token=s3cret-value)", "+a.password={s3cret-value"]
)
def test_a_secret_that_can_not_be_read_is_not_quoted(word: str) -> None:
    with pytest.raises(UserError, match="not an override") as error:
        compose([word])
    assert "s3cret" not in str(error.value)


def test_a_secret_is_not_printed(capsys) -> None:
    assert "hf_0123456789abcdefgh" not in printed(capsys, "--cfg", "job", "+trainer.my_token=hf_0123456789abcdefgh")


def test_help_lists_the_choices(capsys) -> None:
    said = printed(capsys, "-h", primary=EVALUATE)
    assert "What it is about." in said and "python -m recipes.evaluate" in said
    assert f"  eval: {', '.join(choices('eval', EVALUATE))}\n" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--multirun seed=0,1", "--multirun: a command is one run. Write one command per value"),
        ("seed=1 --info", "--info: write --cfg job"),
        ("--config-name=evaluate", "Write --config-dir"),
        ("--cfg hydra", r"choose from '?job"),
        ("--cfg", "expected one argument"),
        ("--hydra-help", "--hydra-help.*--help"),
        ("--config-dir nowhere", "--config-dir=nowhere: there is no such folder"),
        ("--cfg job --package nothing", "--package=nothing: .* --package=data"),
        ("--cfg job trainer.nnode=1", r"Write trainer\.nnodes=1"),
        ("policy_loss=DGPO", r"policy_loss=DGPO: there is no such choice\. Write policy_loss=dgpo\."),
        ("experiment=7b_dgpo", r"Write experiment=dgpo/7b_dgpo\."),
        ("polcy_loss=dgpo", r"polcy_loss: there is no such key\. Write policy_loss=dgpo\."),
        ("rollout.repetition_penalty=1.2", r"no such key\. .*write a \+ before it: \+rollout\.repetition_penalty=…"),
        (
            "actor_rollout_ref.rollout.repetition_penalty=1.2",
            r"no such key\. .*write a \+ before it: \+actor_rollout_ref\.rollout\.repetition_penalty=…",
        ),
        (
            "data.apply_chat_template_kwargs={enable_thinking:false}",
            r"is there, but not all .* \+data\.apply_chat_template_kwargs\.enable_thinking=…",
        ),
        ("--dry-run", "--dry-run: write dry_run=true"),
        ("actor_rollout_ref.actor.policy_loss=dgpo", r"policy_loss is a section.* Write policy_loss=dgpo\."),
        ("actor_rollout_ref.rollout=vllm", r"Write actor_rollout_ref\.rollout\.<key>=<value>\."),
        ("trainer=[1]", r"Write trainer\.<key>=<value>\. .*--package trainer` lists them"),
        ("reward=mine", r"reward=mine: reward is a section"),
        ("data=mine", r"or write a choice, or --config-dir=<the folder that holds data/mine\.yaml>\."),
        ("model_path=~/mine", r"Write model_path=\$HOME/mine\."),
        ("hydra.searchpath=mine", r"hydra\.searchpath=mine: must be a list"),
        ("seed=1 model=null", r"model=null: there is no such choice"),
        ("seed=1 data=null policy_loss=grpo", r"data=null: there is no such choice"),
        ("model_engine=null", r"model_engine=null: model_engine takes the name of a choice\. Leave model_engine= out"),
        ("seed=1 reward=null", r"reward=null: reward takes the name of a choice"),
        ("prepare=null", r"prepare=null: prepare takes the name of a choice"),
        ("model_engine=true", r"model_engine=true: model_engine takes the name"),
    ],
)
def test_what_makes_no_sense_is_refused(words: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        compose(words.split())


def test_a_variable_for_the_workers_may_be_called_as_it_is() -> None:
    variables = "ray_kwargs.ray_init.runtime_env.env_vars"
    assert OmegaConf.select(compose([f"+{variables}.MKL_NUM_THREADS='4'"]), f"{variables}.MKL_NUM_THREADS") == "4"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("trainer.n_gpus_per_node=null", r"num_gpus: has no value .* reckoned from .*trainer\.n_gpus_per_node=null"),
        ("data.max_response_length=abc", r"has no value .* reckoned from .*data\.max_response_length=abc: write"),
        ("data.max_prompt_length=[1,a]", r"data\.max_prompt_length=…"),
        ("trainer=null", r"trainer\."),
        ("experiment=[dgpo/7b_dgpo,quickstart]", r"^several experiments at once have no name: write trainer\."),
    ],
)
def test_a_key_that_has_no_value_is_said_with_what_it_is_made_of(words: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        resolved(compose(words.split()))
    assert "\n" not in str(error.value) and "***" not in str(error.value)


def test_a_wrong_key_is_answered_without_importing_verl() -> None:
    """verl brings torch, transformers and Ray, and takes longer than all the rest together; then comes the parser."""
    code = """
import sys
from recipes.train.__main__ import main
try:
    main(["trainer.nnode=2"])
except SystemExit as ended:
    print(ended.code, {"verl", "torch", "ray", "transformers", "sympy", "math_verify"} & set(sys.modules))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Write trainer.nnodes=2." in told.stderr and told.stdout == "2 set()\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a choice of its own, whose name Hydra's grammar would trip over."""
    group = tmp_path / "it's, [mine]=1" / "logging"
    group.mkdir(parents=True)
    (group / "quiet.yaml").write_text("# @package _global_\ntrainer:\n  logger: [console]\n")
    return group.parent


def test_a_folder_of_ones_own(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["--config-dir", folder.name], ["--config-dir", str(tmp_path), f"--config-dir={folder}"]):
        config = compose([*words, "logging=quiet", "policy_loss=maspo"])
        assert config.trainer.logger == ["console"]
        assert config.actor_rollout_ref.actor.policy_loss.loss_mode == "maspo"
    with pytest.raises(UserError, match=r"logging=qiet: .* Write logging=quiet\..* Choices: default, .*quiet"):
        compose(["--config-dir", str(folder), "logging=qiet"])
    with pytest.raises(UserError, match="logging=quiet: there is no such choice"):
        compose(["logging=quiet"])


def test_one_folder_serves_a_training_and_its_data(tmp_path: Path) -> None:
    """Beside `data/`, which a training reads, `prepare/data/` is what makes it: as in our configs/."""
    (tmp_path / "prepare" / "data").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("train_files: data/mine/train.parquet\n")
    (tmp_path / "prepare" / "data" / "mine.yaml").write_text("# @package _global_\nname: mine\n")
    for folder in (tmp_path, tmp_path / "prepare"):
        assert compose([f"--config-dir={folder}", "data=mine"], PREPARE).name == "mine"
    assert compose([f"--config-dir={tmp_path}", "data=mine"]).data.train_files == "data/mine/train.parquet"


def test_what_is_not_given_is_asked_for() -> None:
    with pytest.raises(UserError, match=r"^model_path: is not given\. Write model_path=<folder or hub id>\.$"):
        resolved(compose(["model=auto"]))


@pytest.mark.parametrize("own", ["", "pkg://verl.trainer.config,"])
def test_a_search_path(tmp_path: Path, own: str) -> None:
    (tmp_path / "template").mkdir()
    (tmp_path / "template" / "bare.yaml").write_text("# @package _global_\nmine: true\n")
    config = compose([f"hydra.searchpath=[{own}file://{tmp_path}]", "data=gsm8k", "template=bare"], PREPARE)
    assert config.mine is True
    assert "bare" not in choices("template", PREPARE) and (config_dir() / "prepare" / "template").is_dir()
