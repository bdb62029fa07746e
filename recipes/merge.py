"""The Hugging Face model of a verl checkpoint: `python -m recipes.merge CHECKPOINT [--output FOLDER]`.

CHECKPOINT is a global_step_N folder or its actor folder. Trainings of this project write the Hugging Face copy
themselves (checkpoint.save_contents has hf_model); otherwise verl's merger puts the FSDP shards together, in bfloat16.

Exit codes: 0 done, 2 bad input.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from recipes import model_folder
from recipes.errors import UserError
from recipes.files import new_folder

COPY = "huggingface"
MERGED = "merged"


def merged(actor: Path, output: Path | None = None) -> Path:
    """A folder that `transformers` and vLLM load: the copy in the checkpoint, or what its shards merge to.

    Args:
        actor: the `actor` folder of a checkpoint.
        output: where to merge to; by default beside the copy, and nothing is done twice.

    Raises:
        UserError: there are neither weights nor shards, or verl's merger fails.
    """
    copy = actor / COPY
    if output is None and copy.is_dir() and model_folder.weight_bytes(str(copy)):
        return copy
    target = output or actor / MERGED
    if target.is_dir() and model_folder.weight_bytes(str(target)):
        return target
    if not list(actor.glob("model_world_size_*_rank_*.pt")):
        raise UserError(
            f"{actor}: neither weights in {COPY}/ nor shards (model_world_size_*_rank_*.pt). Write the folder of a "
            "checkpoint that was saved with actor_rollout_ref.actor.checkpoint.save_contents holding model or hf_model."
        )
    if not (copy / "config.json").is_file():
        raise UserError(f"{copy}: config.json is missing, which says what model the shards are of.")
    with new_folder(target) as partial:
        _merge(actor, partial)
    return target


def _merge(actor: Path, target: Path) -> None:
    """verl's merger in a process of its own: it loads the whole model."""
    command = [sys.executable, "-m", "verl.model_merger", "merge", "--backend", "fsdp"]
    command += ["--local_dir", str(actor), "--target_dir", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not model_folder.weight_bytes(str(target)):
        said = (done.stderr or done.stdout).strip().splitlines()
        raise UserError(f"{actor}: verl.model_merger failed: {said[-1] if said else f'exit code {done.returncode}'}")


def main(words: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.merge", description=__doc__.split("\n\n")[0])
    parser.add_argument("checkpoint", type=Path, help="global_step_N, or its actor folder")
    parser.add_argument(
        "--output", type=Path, help="where to write (default: <actor>/merged, or the copy that is there)"
    )
    arguments = parser.parse_args(words)
    folder = arguments.checkpoint
    try:
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder.")
        print(merged(folder / "actor" if (folder / "actor").is_dir() else folder, arguments.output))
    except (UserError, FileExistsError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
