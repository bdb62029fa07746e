"""The picture of the live view shows the step that is asked for and loads nothing from elsewhere."""

import json
import re
from pathlib import Path

import pytest
from live_rows import row
from omegaconf import OmegaConf

from recipes.runs.run_folder import RunFolder
from recipes.train.live import picture

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    trainer = {"total_training_steps": 30, "project_name": "quickstart", "experiment_name": "tiny"}
    OmegaConf.save({"trainer": trainer}, tmp_path / "config.yaml")
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row(step)) + "\n" for step in range(1, 13)))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "train-1.log").touch()
    return RunFolder(tmp_path)


def words(drawn: str) -> str:
    return re.sub("<[^>]*>", " ", drawn).replace("&#160;", " ")


def test_it_is_the_step_that_was_asked_for(folder: RunFolder) -> None:
    said = words(picture.svg(folder, 9, 80))
    assert "step 9/30" in said and "quickstart / tiny" in said and "logs/train-1.log" in said


def test_nothing_is_loaded_from_elsewhere(folder: RunFolder) -> None:
    for drawn in (picture.svg(folder, 12, 80), (ROOT / "docs" / "images" / "live.svg").read_text()):
        assert "@font-face" not in drawn and "@import" not in drawn and "href" not in drawn
        assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", drawn))


@pytest.mark.parametrize(
    ("width", "config", "said"),
    [
        ("0", "", "Write --width=20"),
        ("80", "trainer: {project_name: x}", "total_training_steps=None"),
        ("80", "trainer: x", "is the config of no run"),
    ],
)
def test_what_it_cannot_draw_is_said(folder: RunFolder, capsys, width: str, config: str, said: str) -> None:
    if config:
        folder.config.write_text(config)
    words = [str(folder.path), "--step=9", f"--output={folder.path / 'new' / 'live.svg'}", f"--width={width}"]
    with pytest.raises(SystemExit, match=r"^2$"):
        picture.main(words)
    assert said in capsys.readouterr().err and not (folder.path / "new" / "live.svg").exists()


def test_the_folder_of_the_picture_is_made(folder: RunFolder) -> None:
    picture.main([str(folder.path), "--step=9", f"--output={folder.path / 'new' / 'live.svg'}"])
    assert (folder.path / "new" / "live.svg").is_file()
