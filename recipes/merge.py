"""The Hugging Face model of a verl checkpoint: `python -m recipes.merge CHECKPOINT [--output FOLDER]`.

CHECKPOINT is a global_step_N folder or its actor folder. Trainings of this project write the Hugging Face copy
themselves (checkpoint.save_contents has hf_model); otherwise verl's merger puts the FSDP shards together, in bfloat16.

Exit codes: 0 done, 2 bad input.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from recipes.common.errors import UserError
from recipes.inputs.merged import merged


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
