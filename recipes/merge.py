"""The Hugging Face model of a verl checkpoint: `python -m recipes.merge CHECKPOINT [--output FOLDER]`.

CHECKPOINT is a global_step_N folder or its actor folder. Where the training wrote the Hugging Face copy itself (as on a
CPU: checkpoint.save_contents has hf_model), it is that; else verl's merger puts the FSDP shards together, in bfloat16.
Shards are pickles, and loading one runs the code in it: of people you don't trust take a Hugging Face folder instead.

Exit codes: 0 done, 2 bad input, 130 interrupted.
"""

import argparse
from collections.abc import Sequence

from recipes.common.command import command
from recipes.common.errors import UserError, as_user_error
from recipes.common.paths import given_path
from recipes.inputs.merged import merged


def main(words: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.merge", description=__doc__.rpartition("\n\n")[0])
    parser.add_argument("checkpoint", type=given_path, help="global_step_N, or its actor folder")
    parser.add_argument(
        "--output", type=given_path, help="a new folder to write (default: <actor>/merged, or the copy that is there)"
    )
    arguments = parser.parse_args(words)
    folder = arguments.checkpoint
    with command("Interrupted; nothing half-written was left."):
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder.")
        with as_user_error(FileExistsError):
            print(merged(folder / "actor" if (folder / "actor").is_dir() else folder, arguments.output))


if __name__ == "__main__":
    main()
