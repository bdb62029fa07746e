"""Collect what recipes.plan can be checked against: `python -m benchmarks.planning outputs/smollm2_smoke/*`.

Writes docs/results/planning.json: median seconds of a step's parts and mean lengths of finished runs, each with its
manifest. The first step, which compiles and warms up, is left out.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from recipes.runs.run_folder import RunFolder

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results" / "planning.json"
PARTS = ("gen", "old_log_prob", "update_actor", "update_weights", "step")


def facts_of(run: Path) -> dict[str, Any]:
    """Everything the check needs from one run folder.

    Raises:
        ValueError: the run is not finished.
    """
    folder = RunFolder(run)
    manifest = folder.manifest.content
    if folder.manifest.status != "finished":
        raise ValueError(f"{run} is not finished (status {folder.manifest.status})")
    rows = [row["data"] for row in folder.rows() if "timing_s/update_actor" in row["data"]][1:]
    config = folder.read_config()
    return {
        "experiment": config.trainer.project_name,
        "run": run.name,
        "steps": len(rows),
        "seconds": {part: statistics.median(row[f"timing_s/{part}"] for row in rows) for part in PARTS},
        "response_length": statistics.mean(row["response_length/mean"] for row in rows),
        "prompt_length": statistics.mean(row["prompt_length/mean"] for row in rows),
        "manifest": {key: manifest[key] for key in ("command", "seed", "versions", "git", "machine")},
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="run folders")
    found = [facts_of(run) for run in parser.parse_args().runs]
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(f"wrote {RESULTS}")


if __name__ == "__main__":
    main()
