"""`python -m recipes.study`: from a command line to a table; continued, refused, with a method of one's own."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from recipes.common.errors import UserError
from recipes.config import compose
from recipes.study import arithmetic, figures
from recipes.study.__main__ import main
from recipes.study.cells import MANIFEST, SHARED, files_of, world_of
from recipes.study.comparison import read
from recipes.study.methods import Method
from recipes.study.settings import settings_from
from recipes.study.summary import summarise

ROOT = Path(__file__).resolve().parents[3]
SMALL = (
    "study.updates=[4,8]",
    "study.rates=[0.03,0.1]",
    "study.seeds=3",
    "study.tuning_seeds=2",
    "study.total_updates=32",
    "world.arms=8",
)
OWN = """# @package actor_rollout_ref.actor
defaults: [base/common, _self_]
policy_loss:
  _target_: dgpo.config.DGPOConfig
  loss_mode: dgpo
  dgpo_n: 3
"""


def study(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "recipes.study", f"output_root={folder}", *SMALL, *words]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A study of a shipped method and of one's own; its output root, and what it said."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "mine/policy_loss").mkdir(parents=True)
    (folder / "mine/policy_loss/steeper.yaml").write_text(OWN)
    return folder, study(folder, "--config-dir", str(folder / "mine"), "study.methods=[grpo,steeper]")


def test_one_row_per_cell_and_seed_and_a_table(done: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, said = done
    assert said.returncode == 0, said.stderr[-2000:]
    results = folder / "study/bandit"
    frame = read(files_of(results))
    assert len(frame) == 2 * 2 * 2 * 5 and frame.groupby(["method", "updates", "rate"]).seed.nunique().eq(5).all()
    assert (frame.curve_reward.map(lambda curve: curve[-1]) == frame.end).all()
    assert said.stdout.count("| steeper |") == 2 and (results / "table.md").read_text().strip() == said.stdout.strip()
    assert all((results / name).stat().st_size > 10_000 for name in ("difference.png", "curves.png"))
    assert "cells: 4" in said.stderr
    (manifest, *_) = [json.loads(pq.read_schema(file).metadata[MANIFEST]) for file in results.glob("*.parquet")]
    assert {"git", "machine", "versions"} <= manifest.keys() and manifest["seconds"] > 0


def test_more_methods_than_there_are_colours_are_drawn(done, tmp_path: Path) -> None:
    """All that are shipped are more than twenty."""
    names = [f"method{number:02}" for number in range(25)]
    for file in (done[0] / "study/bandit").glob("*-updates4-*.parquet"):
        frame = pd.read_parquet(file)
        for name in ["grpo"] if file.name.startswith("grpo") else names:
            frame.assign(method=name).to_parquet(tmp_path / f"{name}.parquet")
    table = summarise(list(tmp_path.iterdir()), "grpo")
    assert all(f"| {name} |" in table for name in names) and (tmp_path / "curves.png").stat().st_size > 10_000
    looks = [(one["color"], one["linestyle"]) for one in itertools.islice(figures._looks(), 60)]
    assert len(set(looks)) == 60


def test_the_same_command_goes_on_and_another_is_refused(done, capsys: pytest.CaptureFixture[str]) -> None:
    """In this process: a start imports verl for five seconds, and so does each of a study's workers."""
    folder, _ = done
    results = folder / "study/bandit"
    (gone, *kept) = sorted(results.glob("grpo-*.parquet"))
    before, times = pd.read_parquet(gone), {file: file.stat().st_mtime_ns for file in kept}
    gone.unlink()
    words = [f"output_root={folder}", *SMALL, "study.methods=[grpo]"]
    assert main(words) == 0
    pd.testing.assert_frame_equal(pd.read_parquet(gone), before)
    assert {file: file.stat().st_mtime_ns for file in kept} == times, "a finished cell was run again"
    with pytest.raises(SystemExit, match=r"^2$"):
        main([*words, "study.seeds=4"])
    assert "holds results of other settings (seeds). Write name=" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "override, said",
    [
        ("study.updates=[16,16]", r"study.updates=\[16, 16\]: must be a list, each of it once and an integer >= 1"),
        ("study.updates=[7]", "study.total_updates=2048 is no multiple of study.updates=7.*study.total_updates=2051"),
        ("study.rates=[0]", r"study.rates=\[0\]: must be .* a number in \(0, 1\]"),
        ("study.rates=[.inf]", r"study.rates=\['.inf'\]: must be"),
        ("study.rates=[]", r"study.rates=\[\]: must be"),
        ("study.rates=[[0.1]]", r"study.rates=\[\[0.1\]\]: must be"),
        ("study.seeds=1", "study.seeds=1: must be an integer >= 2"),
        ("study.seeds=2000", "an integer >= 2 and <= 1000"),
        ("study.group=[1]", r"study.group=\[1\]: must be .* an integer >= 2"),
        ("study.group=[1000000000000]", "study.group=.*<= 4096"),
        ("study.warm_up=-5", "study.warm_up=-5: must be an integer >= 0"),
        ("study.warm_up=null", "study.warm_up=null: must be an integer >= 0"),
        ("study.points=1000000000", "study.points=1000000000: must be"),
        ("study.baseline=foo", r"foo is not among study.methods.*Write study.methods=\[foo,grpo,"),
        ("study.baseline=null", "study.baseline=null: must be"),
        ("study.methods=[dgpo]", r"study.baseline=grpo is not among study.methods.*Write study.methods=\[grpo,dgpo\]"),
        ("~study.baseline", "study.baseline=null: must be"),
        ("+study.foo=1", "study.foo: there is no such key"),
        ("study=null", "study.methods=null: must be"),
        ("name=a/b", "name='a/b': must be the name of a folder"),
        ("name=..", "name='..': must be the name of a folder"),
        ("output_root=null", "output_root=null: must be a folder"),
        ("world.contexts=0", "world.contexts=0: must be an integer >= 1"),
        ("world.arms=abc", "world.arms='abc': must be an integer >= 1"),
        ("world.features=1.5", "world.features=1.5: must be"),
        ("world.scale=abc", "world.scale='abc': must be a number"),
        ("world._target_=foo.Bar", "world: can't be made .*foo"),
        ("+world.foo=1", "world: can't be made .*foo"),
        ("~world.arms", "world: can't be made .*arms"),
        (["world=reversal", "world.heads=3"], "world.heads=3 does not divide world.width=32"),
        (["world=reversal", "world.length=40"], "world.length=40 .* over 2.40 prompts, and at most"),
        (["world=reversal", "world.prompts=0"], "world.prompts=0: must be"),
        (["world=arithmetic", "world.length=0"], "world.length=0: must be"),
    ],
)
def test_bad_input_names_the_key(override: str | list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        world_of(settings_from(compose.compose(override if isinstance(override, list) else [override], compose.STUDY)))


def test_an_answer_that_would_be_cut_off_is_refused_before_any_model_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "prepare", lambda *_: pytest.fail("a base model"))
    with pytest.raises(UserError, match=r"world\.length=8: must be an integer >= "):
        arithmetic.Arithmetic(length=8, prompts=2).begin(1, (0,))


def test_only_what_a_command_names_is_compared(done, capsys: pytest.CaptureFixture[str]) -> None:
    """Another method's cells of other settings lie in the folder; Holm's correction is over what is asked."""
    folder, _ = done
    results = folder / "study/bandit"
    other = pq.read_table(results / "steeper-updates8-group16-staleness0.parquet")
    identity = json.loads(other.schema.metadata[b"cell"]) | {"total_updates": 4}
    stray = results / "other-updates8-group16-staleness0.parquet"
    pq.write_table(other.replace_schema_metadata({b"cell": json.dumps(identity)}), stray)
    try:
        assert main([f"output_root={folder}", *SMALL, "study.methods=[grpo]"]) == 0
        assert "steeper" not in (said := capsys.readouterr().out) and said.count("| grpo |") == 2
        with pytest.raises(UserError, match="two studies, which differ in total_updates"):
            files_of(results)
    finally:
        stray.unlink()
    assert {"world", "rates", "total_updates"} <= set(SHARED)
    with pytest.raises(UserError, match="holds no cell of a study"):
        files_of(folder)


def test_bad_input_does_not_wait_for_verl(run_python) -> None:
    result = run_python(
        "import sys; from recipes.study.__main__ import main\n"
        "try: main(['study.seeds=1'])\n"
        "except SystemExit as end: print(end.code, 'verl' in sys.modules, 'torch' in sys.modules)"
    )
    assert result.stdout.split() == ["2", "False", "False"], result.stderr


def test_a_folder_of_ones_own_is_named_by_flag_or_override(done: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    mine = done[0] / "mine"
    for words in (["--config-dir", str(mine)], [f"hydra.searchpath=[file://{mine}]"]):
        settings = settings_from(compose.compose(words, compose.STUDY), compose.added(words, compose.STUDY))
        assert settings.added == (f"file://{mine}",)
        assert Method("steeper", 1, settings.added).actor.policy_loss.dgpo_n == 3
