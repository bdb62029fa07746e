"""Judge what every node has said about itself (probe.py)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from recipes.common import attention
from recipes.common.files import existing_parent
from recipes.doctor import probe
from recipes.doctor.cluster import Node
from recipes.doctor.finding import Finding, failure, of_message, ok, warning
from recipes.doctor.probe import NodeReport
from recipes.inputs import model_folder

# Ray stops writing to a file system that is fuller than this (RAY_local_fs_capacity_threshold, its default).
RAY_FULL = 0.95
# Docker's default is 64 MiB, in which neither NCCL nor vLLM's processes can talk to each other.
LEAST_SHARED_MEMORY = 2**30
GIB = 2**30


@dataclass(frozen=True)
class Case:
    """One node, and what it is compared with.

    Attributes:
        node: in Ray's eyes.
        report: its own words.
        config: resolved.
        versions: of the driver.
        files: sizes that the driver sees, bytes.
        room: that checkpoints need, bytes.
    """

    node: Node
    report: NodeReport
    config: DictConfig
    versions: dict[str, str]
    files: dict[str, int | str]
    room: int = 0


def _plugin(case: Case) -> list[Finding]:
    if case.report.plugin_problem:
        return [of_message("plug-in", case.report.plugin_problem, case.node.name)]
    return [ok("plug-in", "registered with verl in a Ray task", case.node.name)]


def _packages(case: Case) -> list[Finding]:
    here, there = case.versions, case.report.versions
    different = [
        f"{name} {there.get(name, 'missing')} (driver {here.get(name, 'missing')})"
        for name in sorted(here.keys() | there.keys())
        if here.get(name) != there.get(name)
    ]
    if different:
        cure = (
            "Use one environment for all nodes: this checkout with its .venv on the shared file system, or one image."
        )
        return [failure("packages", ", ".join(different), cure, case.node.name)]
    return [ok("packages", f"Python {here['python']} and the key packages as on the driver", case.node.name)]


def _disk(case: Case) -> list[Finding]:
    findings = []
    output, temporary = case.report.spaces.get("output"), case.report.spaces.get("temporary")
    if output is not None and output.free < case.room:  # a folder that is not there: see "shared folder"
        what = f"checkpoints need {case.room / GIB:.1f} GiB, output_root has {output.free / GIB:.1f} GiB free"
        cure = "Write output_root=<another>, trainer.max_actor_ckpt_to_keep=1, or trainer.save_freq=-1 to keep none."
        findings.append(failure("disk", what, cure, case.node.name))
    if temporary is not None and temporary.free < (1 - RAY_FULL) * temporary.total:
        what = f"Ray's temporary folder is {1 - temporary.free / temporary.total:.0%} full; Ray stops at {RAY_FULL:.0%}"
        findings.append(
            warning("disk", what, "Remove old /tmp/ray/session_*, or set RLVR_RAY_TMP to another disk.", case.node.name)
        )
    return findings or [ok("disk", "room for checkpoints and for Ray's temporary files", case.node.name)]


def _shared_memory(case: Case) -> list[Finding]:
    space, needed = case.report.spaces.get("shared memory"), max(case.node.object_store, LEAST_SHARED_MEMORY)
    if space is None or space.total < needed:
        what = f"/dev/shm has {space.total / GIB if space else 0:.1f} GiB; Ray, NCCL and vLLM want {needed / GIB:.1f}"
        return [
            warning("shared memory", what, "Start the container with --shm-size or an emptyDir of it.", case.node.name)
        ]
    return [ok("shared memory", "/dev/shm is large enough for Ray's object store", case.node.name)]


def _files(case: Case) -> list[Finding]:
    findings = []
    if case.report.model_problem:
        findings.append(of_message("files", case.report.model_problem, case.node.name))
    cure = "Put models and data on the shared file system, or copy them to the same path on this node."
    readable = {file: size for file, size in case.files.items() if isinstance(size, int)}  # the others: see "data"
    for file, size in readable.items():
        there = case.report.files.get(file, "not looked at")
        if isinstance(there, str):
            findings.append(failure("files", f"{file}: {there}", cure, case.node.name))
        elif there != size:
            findings.append(failure("files", f"{file}: {there} bytes, but {size} on the driver", cure, case.node.name))
    return findings or [ok("files", f"{len(readable)} of model and data, readable and equal in size", case.node.name)]


def _attention(case: Case) -> list[Finding]:
    """What computes it there; flash-attn is chosen by what the driver's environment holds."""
    chosen, problem = attention.of(case.config), case.report.attention_problem
    if chosen != attention.FLASH:
        return [ok("attention", f"{chosen}, of torch itself", case.node.name)]
    if problem:
        cure = "Run `bash scripts/setup.sh gpu`, which says why, or write attention=flex, which is slower."
        return [failure("attention", f"flash-attn can't be imported: {problem}", cure, case.node.name)]
    return [ok("attention", "flash-attn loads", case.node.name)]


# In the order of the table. GPUs have a file of their own (gpu_checks.py).
JUDGES: tuple[Callable[[Case], list[Finding]], ...] = (_plugin, _packages, _attention, _disk, _shared_memory, _files)


def question_of(config: DictConfig) -> probe.Question:
    """What the nodes are asked, from a resolved config."""
    path = config.actor_rollout_ref.model.path
    local, folder = model_folder.is_local(path), Path(path).expanduser().absolute()
    # A folder that is not there is a finding of the driver's own.
    files = [file for file in sorted(folder.glob("*")) if file.is_file()] if local else []
    for given in (config.data.train_files, config.data.val_files):
        files += [Path(one).expanduser().absolute() for one in ([given] if isinstance(given, str) else given)]
    output = existing_parent(Path(config.run_dir))
    return probe.Question(output, tuple(dict.fromkeys(files)), None if local else path)
