"""The page of the rehearsal says what pytest's files say."""

import json

from benchmarks import gpu_lock

UNIT = """<testsuites><testsuite errors="1" failures="1" skipped="1" tests="5" time="7.04">
<testcase classname="tests.unit.test_a" name="test_one" time="1"/>
<testcase classname="tests.unit.test_a" name="test_two" time="1"/>
<testcase classname="tests.unit.test_a" name="test_bad" time="1"><failure message="x"/></testcase>
<testcase classname="tests.unit.test_a" name="test_broken" time="1"><error message="x"/></testcase>
<testcase classname="tests.unit.test_a" name="test_left_out" time="0"><skipped message="x"/></testcase>
</testsuite></testsuites>"""
TRAINING = """<testsuites><testsuite errors="0" failures="0" skipped="0" tests="1" time="61.26">
<testcase classname="tests.end_to_end.test_training" name="test_three_steps_of_maspo" time="61.21"/>
</testsuite></testsuites>"""


def test_counts_trainings_and_failures_are_pytests(tmp_path):
    (tmp_path / "unit.xml").write_text(UNIT)
    (tmp_path / "maspo.xml").write_text(TRAINING)
    assert gpu_lock.main([str(tmp_path), "--output", str(tmp_path), "--note", "a note"]) == 0
    page = (tmp_path / "gpu-lock.md").read_text()
    assert "| unit | 2 | 2 | 1 | 7.0 |" in page and "| all | 3 | 2 | 1 | 68.3 |" in page and "a note" in page
    assert "| test_three_steps_of_maspo | passed | 61.2 |" in page
    assert "- unit: `test_bad`" in page and "- unit: `test_broken`" in page and "test_left_out" not in page
    assert json.loads((tmp_path / "gpu-lock.json").read_text())["about"]["versions"]["torch"]


def test_without_results_there_is_no_page(tmp_path, capsys):
    assert gpu_lock.main([str(tmp_path), "--output", str(tmp_path)]) == 2
    assert "no JUnit files" in capsys.readouterr().err and not list(tmp_path.iterdir())
