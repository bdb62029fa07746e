"""An evaluation whose disk fills up, or whose process is killed, at one point after the other; see faulty_tries.

All is as in `python -m recipes.evaluate responses=<file>` but for the config, which is made here.
"""

import json
import sys
from pathlib import Path

from faulty_disk import Disk
from faulty_tries import try_all
from omegaconf import OmegaConf

from recipes.evaluate import session
from recipes.evaluate.evaluation import Evaluation
from recipes.evaluate.problems import Problem
from recipes.evaluate.row_file import SAMPLE, VERDICT, key_of, read_rows
from recipes.runs import manifest
from recipes.runs.evaluation_folder import EvaluationFolder
from reward.task import EXACT

SAMPLES = 2
GOLDS = {"0": "7", "1": "12"}  # digits: compared without a process
SETTINGS = {
    **{"samples": SAMPLES, "temperature": 1.0, "top_p": 1.0, "top_k": -1, "seed": 0, "seed_per_sample": True},
    **{"max_prompt_tokens": 64, "max_response_tokens": 64, "require_box": True, "verifiers": ["ours"]},
    "pass_at": [1, SAMPLES],
}


def small_evaluation(root: Path) -> Evaluation:
    """Two problems and the file of their responses: of each, the first is right."""
    responses = root / "responses.jsonl"
    rows = (
        {"benchmark": "toy", "problem": name, "sample": sample, "response": rf"\boxed{{{gold if not sample else 99}}}"}
        for name, gold in GOLDS.items()
        for sample in range(SAMPLES)
    )
    responses.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = OmegaConf.create({"responses": str(responses), "eval_name": "toy"})
    messages = ({"role": "user", "content": "?"},)
    problems = {("toy", name): Problem("toy", name, messages, (gold,), EXACT) for name, gold in GOLDS.items()}
    return Evaluation(config, SETTINGS, None, problems, EvaluationFolder.named(root / "out", "toy"))


def wrong_in(evaluation: Evaluation) -> str:
    """What is not as a finished evaluation leaves it."""
    folder = evaluation.folder
    records = json.loads(folder.results().read_text())["records"]
    facts = {
        "samples": sorted(map(key_of, read_rows(folder.samples, SAMPLE))) == sorted(evaluation.keys),
        "verdicts": sorted(map(key_of, read_rows(folder.verdicts("ours"), VERDICT))) == sorted(evaluation.keys),
        "results": records["toy"]["avg"] == 1 / SAMPLES and not records["toy"]["missing"],
        "status": folder.manifest.status == "finished",
        "nothing left": not list(folder.path.glob("*.partial")),
    }
    return ", ".join(name for name, holds in facts.items() if not holds)


def main(folder: str, every: int) -> None:
    """Print what came of each point, or of every so many, as JSON."""
    evaluation = small_evaluation(Path(folder))
    session.evaluation_of = lambda config: evaluation  # type: ignore[assignment]
    for name in ("machine", "git_state", "versions"):  # they touch no file of an evaluation and cost time
        setattr(manifest, name, dict)
    output = evaluation.folder.path.parents[1]
    disk = Disk(output)
    try_all(disk, output, lambda: session.run_evaluation(evaluation.config), lambda: wrong_in(evaluation), every)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
