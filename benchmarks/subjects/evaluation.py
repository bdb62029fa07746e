"""One full evaluation of responses that exist already: `python -m benchmarks.run evaluation`.

49,504 responses (32 samples × 1,547 problems) of about 4,000 tokens, made up, go through `python -m recipes.evaluate
responses=…` in a process of its own: reading, scoring, statistics. Time and the largest memory of it and of the scoring
processes, beside the time that verl's `math_verify` alone would take at its speed on some of the same responses.
"""

import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import process_tree, timing
from benchmarks.measure.responses import PROBLEMS, SAMPLES, one_evaluation
from recipes.config.compose import quoted
from recipes.runs.evaluation_folder import EvaluationFolder

TITLE = "Scoring and counting one full evaluation"
BENCHMARK_SIZES = {"aime24": 30, "aime25": 30, "amc23": 40, "math500": 500, "minerva": 272, "olympiadbench": 675}
LIMIT = 1800.0  # seconds
SCORED_BY_VERL = 200  # responses


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


def evaluate(folder: Path) -> dict[str, Any]:
    """Seconds and MiB of one evaluation.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-m", "recipes.evaluate", "eval=paper", "eval.verifiers=[ours]", "name=synthetic"]
    command += [f"output_root={quoted(str(folder))}", f"responses={quoted(str(folder / 'responses.jsonl'))}"]
    command += [f"eval.files.{name}={quoted(str(folder / f'{name}.parquet'))}" for name in BENCHMARK_SIZES]
    process = subprocess.Popen(command)
    memory = process_tree.TreeMemory(process.pid)
    seconds = process_tree.wait(process, LIMIT, [(0.1, memory.look)])
    if process.returncode:
        raise RuntimeError(f"the evaluation ended with exit code {process.returncode}")
    records = json.loads(EvaluationFolder.named(folder, "synthetic").results().read_text())["records"]
    return {
        "responses": PROBLEMS * SAMPLES,
        "missing": records["average"]["missing"],
        "seconds": round(seconds, 1),
        "peak_mib": {"driver": round(memory.driver / 2**20), "with_scoring_processes": round(memory.tree / 2**20)},
    }


def verls_speed(tokens: int) -> float:
    """Responses per second of verl's `math_verify`, on the last sample of the first problems."""
    from verl.utils.reward_score.math_verify import compute_score

    pairs = [(samples[-1], gold) for gold, samples in islice(one_evaluation(tokens), SCORED_BY_VERL)]
    compute_score(*pairs[0])  # starts its processes
    return len(pairs) / timing.seconds(lambda: [compute_score(*pair) for pair in pairs])


def measure(quick: bool = False) -> dict[str, Any]:
    """The whole evaluation once; quick with responses of 500 tokens."""
    tokens = 500 if quick else 4000
    with tempfile.TemporaryDirectory() as name:
        size = write_inputs(Path(name), tokens)
        found = {**evaluate(Path(name)), "tokens": tokens, "input_mib": round(size / 2**20)}
    speed = verls_speed(tokens)
    scoring = found["responses"] / speed
    return {**found, "verl_per_second": round(speed, 1), "ratio": round(scoring / found["seconds"], 1)}


def section(measured: dict[str, Any]) -> str:
    """Markdown."""
    peak, count = measured["peak_mib"], measured["responses"]
    of_verl = round(count / measured["verl_per_second"])
    ours = ["`recipes.evaluate`, everything", measured["seconds"], peak["driver"], peak["with_scoring_processes"]]
    rows = [[*ours, measured["ratio"]], ["verl's `math_verify`, scoring alone (reckoned)", of_verl, "–", "–", 1.0]]
    head = ["", "seconds", "driver, MiB", "with scoring processes, MiB", "ratio"]
    return f"""{count:,} made-up responses of about {measured["tokens"]:,} tokens ({measured["input_mib"]:,} MiB) \
through `python -m recipes.evaluate
responses=…`: reading, scoring, statistics, start-up included. verl's line is reckoned from its speed on \
{SCORED_BY_VERL} of the same
responses, {measured["verl_per_second"]} per second.

{timing.table(head, rows)}

Pages that processes share count for each of them."""
