"""The page is one file that loads nothing, runs only its own scripts, and stays small however much a run has left."""

import base64
import hashlib
import itertools
import json
import re
import zlib
from collections import Counter

import pytest
from made_runs import Made, make

from recipes.report.__main__ import main
from recipes.report.page import build, charts, method_weight, series
from recipes.report.page.chunks import within_budget
from recipes.report.page.responses import Response, evenly, read, response_files
from recipes.report.page.sanitize import script_json
from recipes.runs.run_folder import RunFolder
from recipes.train.session import write_page

HOSTILE = "</script><script>window.pwned=1</script><!--\u2028<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def no_weights(monkeypatch):
    monkeypatch.setattr(method_weight, "weight_figure", lambda run: (None, None))


def unpacked(text: str):
    return json.loads(zlib.decompress(base64.b64decode(text)))


def element(html: str, name: str):
    return json.loads(re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', html, re.S)[1])


def made_response(step: int, right: bool = True, status: str = "ok") -> Response:
    return Response("train", step, ("p", "1"), f"text {step}", 1.0, right, status, "1", 3, False)


def test_hostile_text_stays_data_and_arrives_unchanged(tmp_path):
    run = make(tmp_path / "run", Made(steps=2, every=0, name=HOSTILE))
    line = {"input": HOSTILE, "output": HOSTILE, "gts": HOSTILE, "score": 0, "status": HOSTILE}
    (run / "generations" / "train" / "1.jsonl").write_text(json.dumps(line) + "\n")
    build.write([run], tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    scripts = re.findall(r"<script[^>]*>", html)
    assert len(scripts) == 2 + len(re.findall(r"sha256-", html)), "hostile text has opened a script element"
    assert "<img" not in html.split("<script>")[0] and "\u2028" not in html.split('id="data">')[1].split("<script>")[0]
    data, ((batch,),) = element(html, "data"), element(html, "batches")
    assert data["runs"][0]["name"] == HOSTILE[:80]
    assert unpacked(batch["index"])["problems"][0] == [HOSTILE, HOSTILE] and unpacked(batch["blocks"][0])[0] == HOSTILE


def test_script_json_is_json_without_a_way_out():
    text = script_json({"a": HOSTILE})
    assert json.loads(text) == {"a": HOSTILE} and not set("<>&\u2028\u2029") & set(text)
    with pytest.raises(ValueError):
        script_json(float("nan"))


def test_the_policy_allows_exactly_the_scripts_of_the_page(tmp_path):
    build.write([make(tmp_path / "run", Made(steps=2))], tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy and "connect-src 'none'" in policy
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    digests = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
    assert digests == set(re.findall(r"'sha256-([^']+)'", policy)) and len(scripts) >= 8
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=\"?(https?:)?//", html)


def test_thinning_keeps_every_step_and_all_rare_outcomes():
    many = [made_response(step, right=False, status="wrong") for step in range(50) for _ in range(100)]
    many += [made_response(step, right=False, status="timeout") for step in range(0, 50, 10)]
    kept = evenly(many, 400)
    assert len(kept) == 400
    assert sum(one.outcome == "timeout" for one in kept) == 5
    per_step = Counter(one.step for one in kept if one.outcome == "wrong")
    assert set(per_step) == set(range(50)) and max(per_step.values()) - min(per_step.values()) <= 1


def test_responses_stay_within_their_budget_and_the_page_says_how_many_are_left(tmp_path):
    run = make(tmp_path / "run", Made(steps=40, every=0, prompts=8, samples=8))
    everything = read(response_files(run)).responses
    batch, shown = within_budget(everything, 60_000)
    assert len(batch["index"]) + sum(map(len, batch["blocks"])) <= 60_000
    assert shown["read"] == 2560 and 200 < shown["shown"] == batch["count"] < 2560
    assert sum(kept for kept, _ in shown["outcomes"].values()) == shown["shown"]
    assert sum(count for _, count in shown["outcomes"].values()) == 2560


def test_more_than_can_be_read_is_read_in_evenly_spaced_steps(tmp_path):
    run = make(tmp_path / "run", Made(steps=30, every=0))
    files = response_files(run)
    found = read(files, most=sum(file.stat().st_size for _, _, file in files) // 3)
    steps = sorted({one.step for one in found.responses})
    assert found.skipped == 30 - found.files and steps[0] == 1 and steps[-1] == 30
    assert max(after - before for before, after in itertools.pairwise(steps)) <= 5


def test_a_long_run_with_many_responses_makes_a_small_page_soon(tmp_path):
    run = make(tmp_path / "run", Made(steps=300, prompts=8, samples=4, every=50))
    data = build.page_data([run])
    assert data["runs"][0]["responses"]["shown"] == data["runs"][0]["responses"]["read"] == 300 * 32 + 7 * 32
    assert len(build.document(data)) < 9e6  # 5.1 MB are Plotly and KaTeX
    curves = unpacked(data["runs"][0]["series"])
    assert curves["steps"] == list(range(301)) and len(curves["columns"]["actor/entropy"]) == 301


def test_every_chart_says_how_it_looks_when_all_is_well():
    notes = {chart["id"]: chart["note"] for chart in charts.as_data()}
    assert notes["entropy"] == "Healthy: falls slowly; usual is 0.15 at first and 0.10 after 40 steps."
    assert notes["weights"].startswith("1 is the weight at r = 1; 0 means clipped. Healthy: what the method promises")
    assert all("Healthy: " in note and "`" not in note and "](" not in note for note in notes.values())


def test_curves_of_very_long_runs_are_thinned_but_keep_every_validation():
    rows = [{"step": step, "data": {"actor/entropy": 0.5}} for step in range(9001)]
    for step in range(0, 9001, 50):
        rows[step]["data"]["val-core/aime24/acc/mean@32"] = 0.3
    kept = series.columns(series.thinned(rows, charts.is_accuracy), charts.drawn)
    assert len(kept["steps"]) < 3300
    assert sum(value is not None for value in kept["columns"]["val-core/aime24/acc/mean@32"]) == 181


def test_lines_that_are_no_responses_are_said(tmp_path):
    run = make(tmp_path / "run", Made(steps=2))
    (run / "generations" / "train" / "1.jsonl").write_text("no json\n")
    (shown,) = build.page_data([run])["runs"]
    assert "1 line under generations/: no response, left out." in shown["story"]["notes"]


def test_commands_and_exit_codes(tmp_path, capsys, monkeypatch):
    one, other = (make(tmp_path / name, Made(steps=2, name=name)) for name in ("a", "b"))
    monkeypatch.chdir(tmp_path)
    main(["run", str(one)])
    assert (one / "report.html").is_file()
    main(["run", str(one), str(other)])
    data = element((tmp_path / "comparison.html").read_text(), "data")
    assert [run["name"] for run in data["runs"]] == ["a", "b"]
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["run", str(tmp_path / "none")])
    assert "is no folder" in capsys.readouterr().err


def test_the_page_of_a_page_that_exists_replaces_it(tmp_path):
    run = make(tmp_path / "run", Made(steps=2))
    build.write([run], run / "report.html")
    build.write([run], run / "report.html")
    assert [file.name for file in run.glob("*report*")] == ["report.html"]


def test_a_training_whose_page_can_not_be_written_says_so_in_one_line(tmp_path):
    from rich.console import Console

    with (tmp_path / "said").open("w") as file:
        write_page(Console(file=file, soft_wrap=True), RunFolder(tmp_path / "missing"))
        run = make(tmp_path / "run", Made(steps=2))
        write_page(Console(file=file, soft_wrap=True), RunFolder(run))
    first, second = (tmp_path / "said").read_text().splitlines()
    assert "report.html was not written: UserError" in first and second.endswith("run/report.html")
    assert (run / "report.html").is_file()
