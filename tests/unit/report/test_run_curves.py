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


def test_an_empty_folder_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["curves", str(tmp_path)])
    assert "metrics.jsonl holds no step" in capsys.readouterr().err
