"""The thin scripts: they parse, they call the launcher and nothing else, and secrets stay out of commands."""

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

from recipes.launch.submit import command

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = sorted([*ROOT.glob("scripts/**/*.sh"), *ROOT.glob("scripts/**/*.sbatch")])
LAUNCHERS = [ROOT / name for name in ("scripts/train.sh", "scripts/slurm/train.sbatch", "scripts/ray/submit.sh")]


def tool(name: str) -> str:
    found = which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if found is None:
        pytest.skip(f"{name} is not installed (extra `dev`)")
    return found


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_bash_parses_it(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("script", SCRIPTS, ids=ids)
def test_shellcheck_has_no_complaint(script: Path) -> None:
    command = [tool("shellcheck"), "--severity=warning", "--shell=bash", str(script)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_hadolint_has_no_complaint() -> None:
    result = subprocess.run([tool("hadolint"), str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("script", LAUNCHERS, ids=ids)
def test_each_passes_all_overrides_to_the_one_launcher(script: Path) -> None:
    calls = re.findall(r"-m recipes\.\w+ \w+ .*\"\$@\"", script.read_text())
    assert len(calls) == 1 and "recipes.launch" in calls[0]


@pytest.mark.parametrize("script", LAUNCHERS, ids=ids)
def test_none_ends_the_processes_of_others(script: Path) -> None:
    assert not re.search(r"ray stop|pkill|killall|kill -9|sleep", script.read_text())


def submit(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "RAY_", "RLVR_"))}
    environment |= {"RLVR_PYTHON": sys.executable, "RLVR_SUBMIT_PRINT": "1", "PYTHONPATH": str(ROOT), **variables}
    script = str(ROOT / "scripts/ray/submit.sh")
    return subprocess.run(["bash", script, *words], env=environment, capture_output=True, text=True, timeout=60)


def test_submit_forwards_names_and_shows_no_value() -> None:
    address = "http://127.0.0.1:8265"
    variables = {"HF_TOKEN": "hf_verysecret", "WANDB_API_KEY": "k" * 40, "NCCL_DEBUG": "INFO", "HF_HOME": "/here"}
    result = submit("policy_loss=maspo", "data.x='a b'", RAY_API_SERVER_ADDRESS=address, **variables)
    assert result.returncode == 0, result.stderr
    command, forwarded = result.stdout.strip().splitlines()
    assert f"--address={address}" in command and "--runtime-env=" in command
    assert "recipes.launch join policy_loss=maspo" in command and "a b" in command
    assert "hf_verysecret" not in result.stdout + result.stderr and "k" * 40 not in result.stdout
    assert {"HF_TOKEN", "WANDB_API_KEY", "NCCL_DEBUG"} <= set(forwarded.split())
    assert not {"HF_HOME", "PATH"} & set(forwarded.split())


def test_the_job_is_what_was_written(tmp_path: Path) -> None:
    """Ray joins the words of a job to the line that a shell of the cluster runs; what arrives in Python is as given."""
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\nimport os, sys, json\nprint(json.dumps([os.getcwd(), sys.argv[1:]]))\n")
    python.chmod(0o755)
    given = ["policy_loss=maspo", "data.x='a b'", 'trainer.logger=["console","file"]', "x=$HOME"]
    words = command(
        tmp_path / "env.yaml",
        given,
        {"RAY_API_SERVER_ADDRESS": "x", "RLVR_REMOTE_DIR": str(tmp_path), "RLVR_REMOTE_PYTHON": str(python)},
    )
    line = shlex.join(words[words.index("--") + 1 :])  # as ray/dashboard/modules/job/cli.py
    result = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=60)
    assert json.loads(result.stdout) == [str(tmp_path), ["-m", "recipes.launch", "join", *given]], result.stderr


def test_submit_says_which_address_it_needs() -> None:
    result = submit("seed=1")
    assert result.returncode == 2 and "RAY_API_SERVER_ADDRESS" in result.stderr


def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = job["spec"]["rayClusterSpec"]
    return [group["template"]["spec"] for group in [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]]


STRING, NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}


def structure(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


TEMPLATE = structure({"spec": {"type": "object", "required": ["containers", "volumes", "securityContext"]}})
GROUP = {"rayStartParams": {"type": "object", "additionalProperties": STRING}, "template": TEMPLATE}
WORKERS = {**GROUP, "groupName": STRING, "replicas": NUMBER, "minReplicas": NUMBER, "maxReplicas": NUMBER}
CLUSTER = structure(
    {
        "rayVersion": STRING,
        "authOptions": structure({"mode": {"const": "token"}}),
        "headGroupSpec": structure(GROUP),
        "workerGroupSpecs": {"type": "array", "items": structure(WORKERS)},
    }
)
# The part of ray.io/v1 RayJob that our file uses; a misspelt key would be dropped in silence by the API server.
RAY_JOB = structure(
    {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": structure({"generateName": STRING}, {"labels": {"type": "object"}}),
        "spec": structure(
            {
                "entrypoint": STRING,
                "submissionMode": {"enum": ["K8sJobMode", "HTTPMode"]},
                "backoffLimit": NUMBER,
                "shutdownAfterJobFinishes": {"type": "boolean"},
                "ttlSecondsAfterFinished": NUMBER,
                "rayClusterSpec": CLUSTER,
            }
        ),
    }
)


def test_the_ray_job_fits_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed (extra `dev`)")
    jsonschema.validate(yaml.safe_load((ROOT / "scripts/k8s/rayjob.yaml").read_text()), RAY_JOB)


def test_the_ray_job_runs_the_launcher_as_nobody_special() -> None:
    job = yaml.safe_load((ROOT / "scripts/k8s/rayjob.yaml").read_text())
    assert "recipes.launch join" in job["spec"]["entrypoint"]
    for pod in pods(job):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert not [variable for variable in container["env"] if "TOKEN" in variable["name"]], "secrets: secretRef"


def test_slurm_gives_the_whole_node() -> None:
    """--exclusive alone gives all CPUs, the memory of DefMemPerCPU, and tasks bound to some of the CPUs."""
    script = (ROOT / "scripts/slurm/train.sbatch").read_text()
    assert {"#SBATCH --exclusive", "#SBATCH --mem=0"} <= set(script.splitlines())
    assert re.search(r"^srun .*--cpu-bind=none", script, re.M)


def test_the_image_holds_what_verl_loads_by_name() -> None:
    """`ctypes.CDLL("libnuma.so")` (verl/utils/distributed.py): the name without a version comes with -dev."""
    assert re.search(r"\blibnuma-dev\b", (ROOT / "Dockerfile").read_text())


def test_the_ray_job_says_that_several_nodes_talk_tcp() -> None:
    assert re.search(r"# Several nodes talk TCP.*RDMA", (ROOT / "scripts/k8s/rayjob.yaml").read_text(), re.S)


def test_ray_is_the_locked_one() -> None:
    job = yaml.safe_load((ROOT / "scripts/k8s/rayjob.yaml").read_text())
    assert f"ray=={job['spec']['rayClusterSpec']['rayVersion']} ;" in (ROOT / "requirements/gpu.lock").read_text()


def test_the_small_environment_holds_what_composing_imports() -> None:
    """Else `scripts/train.sh --cfg job` ends in a traceback where nothing else is installed."""
    code = (
        "import sys; from recipes.train.__main__ import main\n"
        "try: main(['experiment=dgpo/7b_dgpo', 'hardware=8x80gb', '--cfg', 'job'])\n"
        "except SystemExit: pass\n"
        "files = [(name.split('.')[0], getattr(m, '__file__', None) or '') for name, m in list(sys.modules.items())]\n"
        "print('\\n', *sorted({name for name, file in files if 'site-packages' in file}))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = result.stdout.splitlines()[-1].split()
    script = (ROOT / "scripts/setup_compose.sh").read_text()
    held = set("|".join(re.findall(r'packages="(?:\$packages\|)?(.*)"', script)).split("|"))
    locked = {line.split("==")[0] for line in (ROOT / "requirements/gpu.lock").read_text().splitlines() if "==" in line}
    assert "hydra" in imported and held <= locked
    owners = packages_distributions()
    needed = {name for module in imported for name in owners.get(module, [])} & locked
    assert {name.lower().replace("_", "-") for name in needed} - {
        "setuptools"
    } <= held  # a .pth file of it is always read


@pytest.mark.parametrize("script", ["scripts/ray/submit.sh", "scripts/slurm/train.sbatch"])
def test_a_checkout_that_is_not_set_up_is_named(script: str, tmp_path: Path) -> None:
    """By the script, before it asks a cluster for anything."""
    environment = {**os.environ, "RLVR_PYTHON": str(tmp_path / "python"), "SLURM_SUBMIT_DIR": str(tmp_path)}
    result = subprocess.run(["bash", str(ROOT / script)], env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and f"has no {tmp_path}/python" in result.stderr, result.stderr
    assert "scripts/setup.sh" in result.stderr


def test_a_word_that_is_none_is_refused_before_the_set_up(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "docs.sh").write_bytes((ROOT / "scripts/docs.sh").read_bytes())
    (tmp_path / "scripts" / "setup.sh").write_text("touch was-set-up\n")
    command = ["bash", str(tmp_path / "scripts" / "docs.sh"), "sevre"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and "write build or serve" in result.stderr
    assert not (tmp_path / "was-set-up").exists()
