"""One full evaluation of responses that exist already: `python -m benchmarks.evaluation`.

49,504 responses (32 samples × 1,547 problems) of about 4,000 tokens, made up, go through `python -m recipes.evaluate
responses=…` in a process of its own: reading, scoring, statistics. Time and the largest memory of it and of the scoring
processes. Writes docs/results/evaluation.json and .md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.reward import PROBLEMS, SAMPLES, one_evaluation
from recipes import manifest

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
BENCHMARK_SIZES = {"aime24": 30, "aime25": 30, "amc23": 40, "math500": 500, "minerva": 272, "olympiadbench": 675}


def write_inputs(folder: Path, tokens: int) -> int:
    """Problems as six parquet files and their responses as JSON lines; returns the bytes of the latter."""
    assert sum(BENCHMARK_SIZES.values()) == PROBLEMS
    problems = one_evaluation(tokens)
    with (folder / "responses.jsonl").open("w") as responses:
        for benchmark, count in BENCHMARK_SIZES.items():
            rows = []
            for number in range(count):
                gold, samples = next(problems)
                rows.append(
                    {
                        "data_source": benchmark,
                        "prompt": [{"role": "user", "content": f"Problem {number}"}],
                        "reward_model": {"style": "rule", "ground_truth": [gold]},
                        "extra_info": {"id": str(number)},
                    }
                )
                for sample, response in enumerate(samples):
                    row = {"benchmark": benchmark, "problem": str(number), "sample": sample, "response": response}
                    responses.write(json.dumps(row) + "\n")
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{benchmark}.parquet")
    return (folder / "responses.jsonl").stat().st_size


def measure(folder: Path) -> dict[str, Any]:
    """Seconds and MiB of one evaluation."""
    command = [sys.executable, "-m", "recipes.evaluate", "eval=paper", "eval.verifiers=[ours]", f"output_root={folder}"]
    command += [f"responses={folder / 'responses.jsonl'}", "name=synthetic"]
    command += [f"eval.files.{name}={folder / f'{name}.parquet'}" for name in BENCHMARK_SIZES]
    started = time.perf_counter()
    process = subprocess.Popen(command)
    peaks = {"driver": 0, "with_scoring_processes": 0}
    while process.poll() is None:
        _note_memory(psutil.Process(process.pid), peaks)
        time.sleep(0.1)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"the evaluation ended with exit code {process.returncode}")
    records = json.loads((folder / "evaluations" / "synthetic" / "results-ours.json").read_text())["records"]
    return {
        "responses": PROBLEMS * SAMPLES,
        "missing": records["average"]["missing"],
        "seconds": round(seconds, 1),
        "peak_mib": {name: round(peak / 2**20) for name, peak in peaks.items()},
    }


def _note_memory(process: psutil.Process, peaks: dict[str, int]) -> None:
    try:
        driver = process.memory_info().rss
        children = sum(child.memory_info().rss for child in process.children(recursive=True))
    except psutil.NoSuchProcess:
        return
    peaks["driver"] = max(peaks["driver"], driver)
    peaks["with_scoring_processes"] = max(peaks["with_scoring_processes"], driver + children)


def page(measured: dict[str, Any]) -> str:
    """What docs show."""
    about, whole = measured["about"], measured["evaluation"]
    return (
        "# Cost of scoring and counting one full evaluation\n\n"
        f"{whole['responses']:,} made-up responses ({whole['input_mib']:,} MiB) through `python -m recipes.evaluate "
        f"responses=…`: reading, scoring, statistics, start-up included.\n`python -m benchmarks.evaluation`, "
        f"{about['date']}. Machine: {about['machine']['processor']}, {about['machine']['cores']} cores.\n\n"
        "| seconds | largest memory of the driver | with scoring processes |\n|---|---|---|\n"
        f"| {whole['seconds']} | {whole['peak_mib']['driver']:,} MiB | "
        f"{whole['peak_mib']['with_scoring_processes']:,} MiB |\n\n"
        "Pages that processes share count for each of them.\n"
    )


def main() -> None:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=4000, help="length of the responses")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    about = {"date": manifest.now()[:10], "machine": manifest.machine(), "versions": manifest.versions()}
    with tempfile.TemporaryDirectory() as name:
        size = write_inputs(Path(name), arguments.tokens)
        measured = {"about": about, "evaluation": {**measure(Path(name)), "input_mib": round(size / 2**20)}}
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "evaluation.json").write_text(json.dumps(measured, indent=1) + "\n")
    (arguments.output / "evaluation.md").write_text(page(measured))
    print(page(measured))


if __name__ == "__main__":
    main()
