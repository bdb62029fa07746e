"""Evaluate: `python -m recipes.evaluate model=<model> eval=<config> [Hydra overrides]`.

    python -m recipes.evaluate model=outputs/quickstart/tiny-dgpo-seed0 eval=arithmetic
    python -m recipes.evaluate model=deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B eval=paper hardware=8x80gb

The model is a choice of configs/model, a hub id, a folder, a run folder or a checkpoint of verl; one without a Hugging
Face copy is merged, which runs the code in its shards, so of others take a Hugging Face folder. A killed evaluation
goes on where it stopped, at the (problem, sample). Everything is in outputs/evaluations/<name>/: samples.jsonl (one row
per sample), verdicts-<verifier>.jsonl, results-<verifier>.json.
Exit codes: 0 done, 1 the engines failed or the disk is full, 2 bad input, 130 interrupted.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.common import private_ray
from recipes.common.command import command
from recipes.common.paths import config_dir
from recipes.config import command_line
from recipes.config.compose import EVALUATE, compose, quoted


def with_checkpoint(words: Sequence[str]) -> list[str]:
    """`model=<no choice of configs/model, nor of a folder of one's own>` becomes `checkpoint=<it>`."""
    folders = [config_dir(), *map(Path, command_line.parse(words, EVALUATE.command).config_dir)]
    choices = {file.stem for folder in folders for file in (folder / "model").glob("*.yaml")}
    return [
        f"checkpoint={quoted(word.removeprefix('model='))}"
        if word.startswith("model=") and word.removeprefix("model=") not in choices
        else word
        for word in words
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    with command("Interrupted; the same command continues."):
        config = compose(with_checkpoint(sys.argv[1:] if words is None else words), EVALUATE, __doc__)
        from recipes.evaluate.session import run_evaluation

        return run_evaluation(config)


if __name__ == "__main__":
    with private_ray.private_ray():  # before composing, which imports verl and with it Ray
        sys.exit(main())
