"""Study: `python -m recipes.study [world=bandit] [study.methods=[grpo,dgpo,maspo]] [Hydra overrides]`.

    python -m recipes.study                                                  # the bandit, all methods: half an hour
    python -m recipes.study study.methods=[grpo,dgpo] study.updates=[64,256] study.seeds=24 name=quick
    python -m recipes.study --config-dir my_methods/configs study.methods=[grpo,linear_taper] name=mine

Compares policy losses in small worlds, without verl's trainer (docs/study.md). Results go to outputs/study/<name>/: one
parquet file per cell (a row per rate and seed), table.md and pictures of what the command names; the same command goes
on where it stopped.
Exit codes: 0 done, 2 bad input, 130 interrupted.
"""

import sys
from collections.abc import Sequence

from recipes.common.command import command
from recipes.config import compose
from recipes.study.settings import settings_from


def main(words: Sequence[str] | None = None) -> int:
    """Command line."""
    words = sys.argv[1:] if words is None else words
    with command("Interrupted; the same command continues.") as console:
        config = compose.compose(words, compose.STUDY, __doc__)

        settings = settings_from(config, compose.added(words, compose.STUDY))

        from recipes.study.cells import run_cells  # imports verl for seconds, for which bad input need not wait
        from recipes.study.summary import summarise

        print(summarise(run_cells(settings, console), settings.baseline))
    return 0


if __name__ == "__main__":
    sys.exit(main())
