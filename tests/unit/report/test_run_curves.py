"""The picture of one run."""

from pathlib import Path

import pytest
from metrics_page import undocumented

from recipes.report import run_curves
from recipes.report.__main__ import main


def test_every_panel_shows_documented_metrics() -> None:
    shown = [metric for metrics in run_curves.panels().values() for metric in metrics]
    assert len(shown) > 10 and not undocumented(shown)


def test_a_picture_of_a_run_that_measures_little(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "data": {"actor/entropy": 0.4}}\n')
    main(["curves", str(tmp_path), "--output", str(tmp_path / "c.png")])
    main(["curves", str(tmp_path)])
    for name in ("c.png", "metrics.png"):  # the latter in the run's folder, not where one stands
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("given, instead", [("x.foo", "x.png"), ("x", "x.png")])
def test_what_is_no_png_is_refused(
    given: str, instead: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["curves", str(tmp_path), "--output", given])
    assert f"--output={given}: the picture is a PNG. Write --output={instead}." in capsys.readouterr().err


@pytest.mark.parametrize("given, words", [("", "it is empty"), ("~nobody-there/x.png", "Write the whole")])
def test_an_output_that_is_no_path(given: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["curves", str(tmp_path), f"--output={given}"])
    assert words in capsys.readouterr().err


def test_a_home_behind_an_equals_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell leaves that ~ as it is."""
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "data": {"actor/entropy": 0.4}}\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    main(["curves", str(tmp_path), "--output=~/new/c.png"])
    assert (tmp_path / "new" / "c.png").is_file()


def test_an_empty_folder_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["curves", str(tmp_path)])
    assert "metrics.jsonl holds no step" in capsys.readouterr().err
