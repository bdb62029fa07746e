"""Evaluate: `python -m recipes.evaluate model=<model> eval=<config> [Hydra overrides]`.

    python -m recipes.evaluate model=outputs/quickstart/tiny-dgpo-seed0 eval=arithmetic
    python -m recipes.evaluate model=deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B eval=paper hardware=8x80gb

The model is a choice of configs/model, a hub id, a folder, a run folder or a checkpoint of verl. A killed evaluation
goes on where it stopped, at the (problem, sample). Everything is in outputs/evaluations/<name>/: samples.jsonl (one row
per sample), verdicts-<verifier>.jsonl, results-<verifier>.json.
Exit codes: 0 done, 1 the engines failed, 2 bad input, 130 interrupted.
"""

import sys

import hydra
from omegaconf import DictConfig

from recipes.common import private_ray
from recipes.common.command import command
from recipes.common.paths import config_dir
from recipes.config import compose, resolvers


def with_checkpoint(words: list[str]) -> list[str]:
    """`model=<no choice of configs/model>` becomes `checkpoint=<it>`."""
    choices = {file.stem for file in (config_dir() / "model").glob("*.yaml")}
    return [
        f"checkpoint={_quoted(word.removeprefix('model='))}"
        if word.startswith("model=") and word.removeprefix("model=") not in choices
        else word
        for word in words
    ]


def _quoted(path: str) -> str:
    """For Hydra's grammar, in which = and commas have a meaning."""
    return path if path[:1] in "'\"" else "'" + path.replace("\\", "\\\\").replace("'", "\\'") + "'"


@hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="evaluate")
def main(config: DictConfig) -> None:
    """Hydra entry point."""
    with command("Interrupted; the same command continues."):
        from recipes.evaluate.session import run_evaluation

        sys.exit(run_evaluation(config))


if __name__ == "__main__":
    resolvers.register()
    sys.argv[1:] = with_checkpoint(sys.argv[1:])
    # The token first: composing imports verl, and with it Ray.
    with private_ray.private_ray(), command("Interrupted; nothing was started."):
        compose.check_command_line(sys.argv[1:], compose.EVALUATE)
        main()
