"""What the launcher reads from Slurm's variables."""

import subprocess
from shutil import which

import pytest

from recipes.common.errors import UserError
from recipes.launch import slurm

TASK = {"SLURM_JOB_ID": "17", "SLURM_JOB_NODELIST": "gpu[1-2]", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"}
LISTS = {
    "gpu7": ["gpu7"],
    "gpu[01-03,7]": ["gpu01", "gpu02", "gpu03", "gpu7"],
    "a1,b[9-11],login": ["a1", "b9", "b10", "b11", "login"],
    "rack2-node[3,5]": ["rack2-node3", "rack2-node5"],
}


@pytest.mark.parametrize("node_list", LISTS)
def test_node_lists(node_list: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm, "which", lambda name: None)
    assert slurm.expand(node_list) == LISTS[node_list]


@pytest.mark.parametrize("node_list", LISTS)
def test_scontrol_says_the_same(node_list: str) -> None:
    if which("scontrol") is None:
        pytest.skip("scontrol (Slurm) is not installed")
    result = subprocess.run(["scontrol", "show", "hostnames", node_list], capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"scontrol does not work here: {result.stderr.strip()}")
    assert result.stdout.split() == LISTS[node_list]


def test_a_list_beyond_the_plain_forms_asks_for_scontrol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm, "which", lambda name: None)
    with pytest.raises(UserError, match="scontrol"):
        slurm.expand("r[1-2]n[1-4]")


@pytest.mark.parametrize(
    ("shown", "address"), [("   NodeAddr=10.0.0.7 NodeHostName=gpu7 Version=22", "10.0.0.7"), ("", "gpu7")]
)
def test_the_address_that_slurm_itself_goes_by(shown: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On clusters in a cloud the nodes' names do not resolve."""
    monkeypatch.setattr(slurm, "which", lambda name: name)
    monkeypatch.setattr(slurm.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, stdout=shown))
    assert slurm.address("gpu7") == address


def test_a_requeued_job_meets_in_another_folder() -> None:
    first, second = slurm.job(TASK), slurm.job({**TASK, "SLURM_RESTART_COUNT": "1"})
    assert (first.rank, first.hosts) == (1, ["gpu1", "gpu2"])
    assert first.name != second.name


def test_outside_srun_it_says_how_to_start() -> None:
    with pytest.raises(UserError, match=r"train\.sbatch"):
        slurm.job({"SLURM_JOB_ID": "17"})


def test_two_launchers_on_a_node_are_refused() -> None:
    with pytest.raises(UserError, match="ntasks-per-node"):
        slurm.job({**TASK, "SLURM_NTASKS": "4"})


def test_an_array_task_is_a_seed_unless_one_is_given() -> None:
    job = slurm.job({**TASK, "SLURM_ARRAY_TASK_ID": "3"})
    assert slurm.overrides(job, ["policy_loss=maspo"]) == ["policy_loss=maspo", "seed=3"]
    assert slurm.overrides(job, ["seed=8"]) == ["seed=8"]


def test_a_requeued_job_never_moves_its_own_run_aside() -> None:
    words = ["on_existing=restart", "seed=1"]
    assert slurm.overrides(slurm.job(TASK), words) == words
    again = slurm.job({**TASK, "SLURM_RESTART_COUNT": "1"})
    assert slurm.overrides(again, words) == ["on_existing=continue", "seed=1"]


@pytest.mark.parametrize("plus", ["+", "++"])
def test_a_forced_override_is_the_same_key(plus: str) -> None:
    job = slurm.job({**TASK, "SLURM_ARRAY_TASK_ID": "3", "SLURM_RESTART_COUNT": "1"})
    words = [f"{plus}seed=8", f"{plus}on_existing=restart"]
    assert slurm.overrides(job, words) == [f"{plus}seed=8", "on_existing=continue"]


@pytest.mark.parametrize("variable", ["SLURM_PROCID", "SLURM_NTASKS", "SLURM_RESTART_COUNT", "SLURM_ARRAY_TASK_ID"])
def test_a_number_that_is_none_names_the_variable(variable: str) -> None:
    with pytest.raises(UserError, match=rf"{variable}=x: .*train\.sbatch"):
        slurm.job({**TASK, variable: "x"})


def test_variables_that_are_set_to_nothing() -> None:
    job = slurm.job({**TASK, "SLURM_RESTART_COUNT": "", "SLURM_ARRAY_TASK_ID": ""})
    assert (job.restarts, job.array_task) == (0, None)
    with pytest.raises(UserError, match="SLURM_NTASKS is not set"):
        slurm.job({**TASK, "SLURM_NTASKS": ""})


def test_a_range_without_an_end_asks_for_scontrol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm, "which", lambda name: None)
    with pytest.raises(UserError, match="scontrol"):
        slurm.expand("gpu[-3]")
