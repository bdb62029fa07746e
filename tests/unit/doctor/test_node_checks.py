"""What a node says about itself, doctored one thing at a time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recipes.doctor import gpu_checks, node_checks, nodes, probe
from recipes.doctor.cluster import Node
from recipes.doctor.finding import Finding, Status
from recipes.doctor.node_checks import GIB, Case
from recipes.doctor.nvml import Card, Graphics
from recipes.doctor.probe import NodeReport, Space
from recipes.plan import advice

LARGE = Space(1000 * GIB, 900 * GIB)
GRAPHICS = Graphics((Card("H100", 80 * GIB, GIB),) * 2, "580.1", (13, 0))
HEALTHY = NodeReport(
    versions={"python": "3.11.2", "verl": "0.9.1"},
    graphics=GRAPHICS,
    spaces={"output": LARGE, "temporary": LARGE, "shared memory": LARGE},
    files={"/model": 10},
)


@pytest.fixture
def case(config) -> Case:
    return Case(
        Node("a", "gpu7", "10.0.0.7", 2, 8 * GIB),
        HEALTHY,
        config,
        {"python": "3.11.2", "verl": "0.9.1"},
        {"/model": 10},
    )


def judged(case: Case) -> dict[str, list[Finding]]:
    """All findings by check."""
    found: dict[str, list[Finding]] = {}
    for judge in node_checks.JUDGES:
        for finding in judge(case):
            found.setdefault(finding.check, []).append(finding)
    return found


def changed(case: Case, **facts: object) -> Case:
    return replace(case, report=replace(case.report, **facts))


def test_a_healthy_node_is_well(case: Case) -> None:
    found = judged(case)
    assert set(found) == {"plug-in", "packages", "attention", "disk", "shared memory", "files"}
    assert all(one.status is Status.OK and one.where == "gpu7" for some in found.values() for one in some)


def test_attention_is_named_and_flash_attn_imported(case: Case) -> None:
    (finding,) = judged(case)["attention"]
    assert finding.status is Status.OK and "sdpa" in finding.what
    config = case.config.copy()
    config.actor_rollout_ref.model.override_config = {"attn_implementation": "flash_attention_2"}
    flash = replace(case, config=config)
    (finding,) = judged(changed(flash, attention_problem="undefined symbol: _ZN3c10"))["attention"]
    assert finding.status is Status.FAILURE and "undefined symbol" in finding.what and "attention=flex" in finding.cure
    assert judged(flash)["attention"][0].status is Status.OK


SPACES = HEALTHY.spaces
ILL: dict[str, tuple[dict[str, object], str, Status, str]] = {
    "plug-in": ({"plugin_problem": "not loaded. Run `x`."}, "plug-in", Status.FAILURE, "not loaded."),
    "another verl": ({"versions": {"python": "3.11.2", "verl": "0.9.0"}}, "packages", Status.FAILURE, "0.9.0"),
    "no verl": ({"versions": {"python": "3.11.2"}}, "packages", Status.FAILURE, "verl missing"),
    "full /tmp": ({"spaces": SPACES | {"temporary": Space(100 * GIB, 4 * GIB)}}, "disk", Status.WARNING, "96% full"),
    "small shm": (
        {"spaces": SPACES | {"shared memory": Space(4 * GIB, 4 * GIB)}},
        "shared memory",
        Status.WARNING,
        "8.0",
    ),
    "no shm": ({"spaces": SPACES | {"shared memory": None}}, "shared memory", Status.WARNING, "0.0 GiB"),
    "unreadable": ({"files": {"/model": "PermissionError: denied"}}, "files", Status.FAILURE, "PermissionError"),
    "other size": ({"files": {"/model": 9}}, "files", Status.FAILURE, "9 bytes, but 10"),
    "not looked at": ({"files": {}}, "files", Status.FAILURE, "/model: not looked at"),
    "no hub": ({"model_problem": "model x: not in the cache. Check the name."}, "files", Status.FAILURE, "cache"),
}


@pytest.mark.parametrize("name", ILL)
def test_one_ill_thing_is_found_and_nothing_else(case: Case, name: str) -> None:
    facts, check, status, words = ILL[name]
    found = judged(changed(case, **facts))
    (ill,) = [one for some in found.values() for one in some if one.status is not Status.OK]
    assert (ill.check, ill.status, ill.where) == (check, status, "gpu7") and words in ill.what and ill.cure


def test_room_for_checkpoints(case: Case) -> None:
    case = replace(case, room=300 * GIB)
    small = changed(case, spaces=SPACES | {"output": Space(1000 * GIB, 299 * GIB)})
    assert [one.status for one in judged(small)["disk"]] == [Status.FAILURE]
    enough = changed(case, spaces=SPACES | {"output": Space(1000 * GIB, 300 * GIB)})
    assert [one.status for one in judged(enough)["disk"]] == [Status.OK]


def on_gpus(case: Case) -> Case:
    case.config.hardware.device = "cuda"
    return case


def test_logical_gpus_are_not_looked_at(case: Case) -> None:
    (only,) = gpu_checks.judge(changed(case, graphics=Graphics(problem="no NVML")), None)
    assert only.status is Status.OK and "logical" in only.what


@pytest.mark.parametrize(
    ("graphics", "verdict", "status", "words"),
    [
        (GRAPHICS, advice.FITS, Status.OK, "2 × H100, 80.0 GiB; driver 580.1"),
        (GRAPHICS, None, Status.OK, "driver 580.1"),
        (GRAPHICS, advice.TOO_LARGE, Status.WARNING, "does not fit into 80.0 GiB"),
        (GRAPHICS, advice.TIGHT, Status.WARNING, "may not fit"),
        (replace(GRAPHICS, cuda=(12, 8)), advice.FITS, Status.FAILURE, "CUDA 12.8, this torch is built for 13.0"),
        (replace(GRAPHICS, cards=(Card("H100", 80 * GIB, 40 * GIB),)), advice.FITS, Status.WARNING, "GPU 0 40.0 GiB"),
        (Graphics(problem="ModuleNotFoundError: pynvml"), advice.FITS, Status.WARNING, "pynvml"),
    ],
)
def test_gpus(case: Case, monkeypatch, graphics: Graphics, verdict: str | None, status: Status, words: str) -> None:
    monkeypatch.setattr(gpu_checks, "plan_verdict", lambda config, memory: verdict)
    (only,) = gpu_checks.judge(on_gpus(changed(case, graphics=graphics)), "13.0")
    assert only.status is status and words in only.what


def test_the_plan_is_asked_about_the_memory_that_is_there() -> None:
    from recipes.config.compose import compose

    config = compose(["experiment=dgpo/14b_dgpo", "hardware=8x80gb"])
    assert gpu_checks.plan_verdict(config, 40 * GIB) == advice.TOO_LARGE
    assert gpu_checks.plan_verdict(config, 139 * GIB) == advice.FITS
    config.actor_rollout_ref.model.path = "someone/unknown-model"
    assert gpu_checks.plan_verdict(config, 139 * GIB) is None


def test_nodes_of_two_kinds_are_named(case: Case) -> None:
    other = replace(changed(case, graphics=replace(GRAPHICS, driver="570.9")), node=Node("b", "gpu8", "10.0.0.8", 2))
    assert gpu_checks.compare([case, case]) == []
    (only,) = gpu_checks.compare([case, other])
    assert only.status is Status.WARNING and "gpu7" in only.what and "570.9: gpu8" in only.what


def test_files_are_really_opened(tmp_path: Path) -> None:
    good, absent = tmp_path / "good", tmp_path / "absent"
    good.write_bytes(b"12345")
    sizes = probe.sizes((good, absent, tmp_path))
    assert sizes[str(good)] == 5
    assert "FileNotFoundError" in str(sizes[str(absent)]) and "IsADirectoryError" in str(sizes[str(tmp_path)])


def test_the_question_names_every_file_of_model_and_data(config, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    config.actor_rollout_ref.model.path = str(tmp_path / "model")
    config.data.train_files, config.data.val_files = [str(tmp_path / "a"), str(tmp_path / "b")], str(tmp_path / "a")
    question = node_checks.question_of(config)
    assert [file.name for file in question.files] == ["config.json", "a", "b"] and question.hub_model is None
    config.actor_rollout_ref.model.path = "owner/name"
    assert node_checks.question_of(config).hub_model == "owner/name"


def test_a_node_that_does_not_answer_is_named(local_cluster: Callable, monkeypatch) -> None:
    def silent(*words: object) -> None:
        raise TimeoutError("no answer within 300 s")

    monkeypatch.setattr(nodes.node_checks, "question_of", lambda config: probe.Question(Path("/tmp")))
    monkeypatch.setattr(nodes.manifest, "versions", lambda: HEALTHY.versions)
    monkeypatch.setattr(nodes.file_checks, "checkpoint_bytes", lambda config: (3, 300 * GIB))
    findings = nodes.check(
        local_cluster(
            first=lambda question: replace(HEALTHY, files={}, spaces=SPACES | {"output": Space(1000 * GIB, 899 * GIB)}),
            second=silent,
        )
    )
    full, ill = sorted((one for one in findings if one.status is Status.FAILURE), key=lambda one: one.where)
    assert ill.where == "second" and "no answer within 300 s" in ill.what
    assert full.where == "first" and "need 900.0 GiB" in full.what, "three of 300 GiB, 899 free"
    assert {one.where for one in findings if one.status is Status.OK} == {"first"}


def test_the_disk_that_is_looked_at_is_the_one_that_ray_writes_to(monkeypatch) -> None:
    for launcher, ours, folder in (("/a/rlvr-1", "/b", "/a/rlvr-1"), ("", "/b", "/b"), ("", "", "/tmp")):
        monkeypatch.setenv("RAY_TMPDIR", launcher)
        monkeypatch.setenv("RLVR_RAY_TMP", ours)
        assert probe.temporary_folder() == folder
