"""Tables hold what the files say: published numbers as they are, measured ones with their seeds, nothing else."""

import json
import statistics
from math import sqrt

import pytest

from recipes.common.errors import UserError
from recipes.config.compose import choices
from recipes.evaluate.verifiers import VERIFIERS as EVALUATED_BY
from recipes.report import table
from recipes.report.__main__ import main
from recipes.report.cells import published, read_results
from recipes.runs.evaluation_folder import VERIFIERS, EvaluationFolder

BENCHMARKS = ("aime24", "aime25", "amc23", "math500", "minerva", "olympiadbench")


def put(root, paper, name, step=300, avg=0.4, **content):
    """Results of a run as recipes.evaluate writes them."""
    records = {
        benchmark: {"avg": avg + place / 100, "verl_best": 0.7, "interval": [avg - 0.05, avg + 0.05]}
        for place, benchmark in enumerate((*BENCHMARKS, "average"))
    }
    folder = root / "evaluations" / f"{paper}-{name}-step{step}-paper"
    folder.mkdir(parents=True)
    run = {"project": paper, "name": name, "seed": 0}
    everything = {"run": run, "step": step, "eval": "paper", "samples": 32, "records": records, **content}
    (folder / "results-ours.json").write_text(json.dumps(everything))


def rows_of(text: str, title: str) -> dict[tuple[str, str], list[str]]:
    """(method, line) → cells of one Markdown table."""
    section = text.split(f"## {title}")[1].split("## ")[0]
    found, method = {}, ""
    for line in section.strip().splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        method = cells[0] or method
        found[method, cells[1]] = cells[2:]
    return found


DGPO_15B = "DGPO (2603.14389), main results, 1.5b: Avg@32"


def test_published_averages_are_the_means_of_their_rows():
    for one in published()["tables"]:
        if "model" in one:
            for row in one["rows"]:
                for metric in ("avg@32", "pass@32"):
                    *values, average = row[metric]
                    assert average == pytest.approx(statistics.mean(values), abs=0.051), (one["paper"], row)


def test_nothing_measured_leaves_every_cell_empty(tmp_path):
    text = table.build(tmp_path, "paper", "ours", "md")
    rows = rows_of(text, DGPO_15B)
    assert rows["DGPO", "published"] == ["43.3", "32.8", "86.0", "77.9", "28.2", "48.0", "52.7"]
    assert rows["DGPO", "measured"] == rows["DGPO", "difference"] == [""] * 7
    assert "Nothing measured yet" in text


def test_measured_numbers_stand_beside_the_published(tmp_path):
    put(tmp_path, "dgpo", "1.5b_dgpo-seed0")
    text = table.build(tmp_path, "paper", "ours", "md")
    rows = rows_of(text, DGPO_15B)
    assert rows["DGPO", "measured"][:2] == ["40.0 [35.0, 45.0]", "41.0 [35.0, 45.0]"]
    assert rows["DGPO", "difference"][:2] == ["-3.3", "+8.2"]
    assert rows["GRPO", "measured"] == [""] * 7
    assert rows_of(text, DGPO_15B.replace("Avg@32", "Pass@32"))["DGPO", "difference"][0] == "-9.3"


def test_seeds_are_averaged_with_the_interval_over_seeds(tmp_path):
    values = (0.40, 0.44, 0.45)
    for seed, value in enumerate(values):
        put(tmp_path, "dgpo", f"1.5b_dgpo-seed{seed}", avg=value)
    cell = rows_of(table.build(tmp_path, "paper", "ours", "md"), DGPO_15B)["DGPO", "measured"][0]
    mean, half = statistics.mean(values), 4.302653 * statistics.stdev(values) / sqrt(3)  # Student's t, 2 d.o.f.
    assert cell == f"{100 * mean:.1f} [{100 * (mean - half):.1f}, {100 * (mean + half):.1f}]"


def test_grpo_once_serves_both_tables_and_the_last_checkpoint_counts(tmp_path):
    put(tmp_path, "dgpo", "1.5b_grpo-seed0", step=200, avg=0.1)
    put(tmp_path, "dgpo", "1.5b_grpo-seed0", step=300, avg=0.5)
    text = table.build(tmp_path, "paper", "ours", "md")
    for title in (DGPO_15B, "MASPO (2602.17550), main results, 1.5b: Avg@32"):
        assert rows_of(text, title)["GRPO", "measured"][0].startswith("50.0")


def test_scales_do_not_mix(tmp_path):
    put(tmp_path, "dgpo", "1.5b_dgpo-7b-short-seed0")
    assert rows_of(table.build(tmp_path, "paper", "ours", "md"), DGPO_15B)["DGPO", "measured"] == [""] * 7
    text = table.build(tmp_path, "7b-short", "ours", "md")
    assert rows_of(text, DGPO_15B)["DGPO", "measured"][0].startswith("40.0") and "NOT the papers' set-up" in text


def test_toy_scale_compares_with_grpo_seed_by_seed(tmp_path):
    for seed in range(3):
        put(tmp_path, "dgpo", f"1.5b_grpo-tiny-seed{seed}", avg=0.3 + 0.1 * seed)
        put(tmp_path, "maspo", f"1.5b_maspo-tiny-seed{seed}", avg=0.32 + 0.1 * seed)
    text = table.build(tmp_path, "tiny", "ours", "md")
    line = next(line for line in text.splitlines() if line.startswith("| MASPO"))
    assert "+2.0 [+2.0, +2.0] (+2.0, +2.0, +2.0)" in line and "38.0, 48.0, 58.0" in line
    assert (
        "| GRPO | 46.0 [" in text
        and next(x for x in text.splitlines() if x.startswith("| DGPO")) == "| DGPO |  |  |  |  |"
    )


def test_the_bridge_has_its_own_five_methods(tmp_path):
    put(tmp_path, "maspo", "1.5b_sapo-bridge-seed3", avg=0.5)
    text = table.build(tmp_path, "bridge", "ours", "md")
    lines = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][2:]
    assert lines == ["GRPO", "CISPO", "DGPO", "MASPO", "SAPO"] and "| SAPO | 56.0" in text


def test_results_of_different_evaluations_are_refused(tmp_path):
    put(tmp_path, "dgpo", "1.5b_dgpo-seed0")
    put(tmp_path, "dgpo", "1.5b_grpo-seed0", samples=8)
    with pytest.raises(UserError, match="different evaluations"):
        table.build(tmp_path, "paper", "ours", "md")


def test_other_evaluations_and_broken_files(tmp_path):
    put(tmp_path, "train", "tiny-dgpo-seed0")
    put(tmp_path, "dgpo", "my_own_run")
    put(tmp_path, "x", "y", run=None)
    assert read_results(tmp_path, "ours") == []
    folder = tmp_path / "evaluations" / "broken"
    folder.mkdir()
    (folder / "results-ours.json").write_text('{"run": ')
    with pytest.raises(UserError, match=r"broken/results-ours.json: no results of recipes.evaluate"):
        read_results(tmp_path, "ours")


def test_every_format_holds_every_number(tmp_path, capsys):
    put(tmp_path, "dgpo", "1.5b_dgpo-seed0")
    for form in ("md", "tex", "html"):
        main(["table", str(tmp_path), "--output", str(tmp_path / f"out.{form}")])
        text = (tmp_path / f"out.{form}").read_text()
        assert all(number in text for number in ("43.3", "40.0 [35.0, 45.0]", "+8.2")), form
    assert "\\toprule" in (tmp_path / "out.tex").read_text()
    assert "http" not in (tmp_path / "out.html").read_text()
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["table", str(tmp_path), "--format", "pdf"])
    assert "format 'pdf' is unknown" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, message",
    [
        (["nowhere"], "nowhere is no folder. Write the output root"),
        (["file"], "file is no folder. Write the output root"),
        ([""], "argument folder: it is empty"),
        (
            [".", "--scale", "foo"],
            "--scale=foo: there is no such scale. Write --scale=<one of paper, 7b-short, tiny, bridge>",
        ),
        ([".", "--verifier", "foo"], "argument --verifier: invalid choice: 'foo'"),
        ([".", "--output", "file/x.md"], "file: File exists. Make it one"),
    ],
)
def test_what_can_not_be_meant_is_no_table_of_empty_cells(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["table", *words])
    found = capsys.readouterr()
    assert message in found.err and not found.out


def test_an_output_root_that_nobody_has_named_may_be_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["table"])
    assert "Nothing measured yet" in capsys.readouterr().out


def test_scales_and_verifiers_are_those_there_are():
    assert set(table.SCALES) == set(choices("scale")) and set(EVALUATED_BY) == set(VERIFIERS)


def test_two_evaluations_are_compared_on_their_problems(tmp_path, capsys, monkeypatch):
    for name, shares in (("a", [0.1, 0.5, 0.9]), ("b", [0.4, 0.6, 1.0]), ("c", [0.1, 0.5])):
        record = {"per_problem": {str(place): share for place, share in enumerate(shares)}}
        (tmp_path / f"{name}.json").write_text(json.dumps({"records": {"aime24": record, "average": {}}}))
    main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    out = capsys.readouterr().out
    assert "+16.7" in out and "0.25" in out  # all 8 sign flips: 2 as large
    for name in ("a", "b"):
        named = EvaluationFolder.named(tmp_path / "outputs", name)
        named.path.mkdir(parents=True)
        named.results().write_bytes((tmp_path / f"{name}.json").read_bytes())
    monkeypatch.chdir(tmp_path)
    main(["compare", "a", "b"])
    assert "+16.7" in capsys.readouterr().out, "by their names"
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["compare", str(tmp_path / "a.json"), str(tmp_path / "c.json")])
    assert "different problems" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["compare", str(tmp_path / "a.json"), str(tmp_path / "nowhere")])


@pytest.mark.parametrize(
    "records",
    [
        *({"aime24": {"per_problem": {"1": value}}} for value in ("x", [1], {}, 2, -0.1)),
        {"aime24": {"per_problem": [0.5]}},
        {"aime24": {"per_problem": {}}},
        {"average": {}},
        {},
        [],
    ],
)
def test_results_that_are_none_are_not_compared(tmp_path, capsys, records):
    (tmp_path / "a.json").write_text(json.dumps({"records": records}))
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["compare", str(tmp_path / "a.json"), str(tmp_path / "a.json")])
    assert "a.json: no results of recipes.evaluate" in capsys.readouterr().err


def test_one_problem_says_nothing(tmp_path, capsys):
    """scipy's permutation test takes two."""
    for name, share in (("a", 0.25), ("b", 0.75)):
        records = {"aime24": {"per_problem": {"1": share}}}
        (tmp_path / f"{name}.json").write_text(json.dumps({"records": records}))
    main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    out = capsys.readouterr().out
    assert "+50.0" in out and "1.0000" in out
