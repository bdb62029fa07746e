"""Doctor: `python -m recipes.doctor [--json] [overrides of recipes.train]`.

    python -m recipes.doctor experiment=quickstart
    RAY_ADDRESS=10.0.0.1:20000 python -m recipes.doctor experiment=dgpo/7b_dgpo hardware=8x80gb trainer.nnodes=4

Says whether the training with these overrides would start here: the environment, the config, model and data, and on
every node of the cluster (the one RAY_ADDRESS names, else one started here for the purpose and ended again) the
plug-in, packages, GPUs, disk, files, shared folder, clock and an all-reduce over all of them. Trains nothing.
docs/doctor.md lists every check. `--json` prints the findings for scripts.
Exit codes: 0 all is well or there are warnings, 1 a failure, 2 bad input, 130 interrupted.
"""

import json
import os
import sys
from collections.abc import Sequence

from omegaconf import DictConfig
from rich.console import Console

from recipes.checks.reading import readable
from recipes.common import private_ray
from recipes.common.command import command
from recipes.config.compose import compose


def examine(config: DictConfig, as_json: bool) -> int:
    """Run every check and print what it found; return the exit code.

    Args:
        config: resolved.
        as_json: for scripts.
    """
    from recipes.doctor import examination, show
    from recipes.doctor.finding import Status, worst

    findings = examination.of_driver(config) + examination.of_cluster(config)
    status = worst(findings)
    if as_json:
        print(json.dumps({"status": status.value, "findings": [found.as_json() for found in findings]}, indent=1))
    else:
        show.report(findings, Console(highlight=False))
    return int(status is Status.FAILURE)


def main(words: Sequence[str] | None = None) -> int:
    """Command line."""
    words = sys.argv[1:] if words is None else words
    if {"-h", "--help"} & set(words):
        print(__doc__)
        return 0
    if os.environ.get("RAY_ADDRESS"):
        os.environ.setdefault("RLVR_JOIN_CLUSTER", "1")  # whoever names a cluster means it, also with hardware=cpu
    with command("Interrupted; nothing is left running."), private_ray.private_ray():
        return examine(readable(compose([word for word in words if word != "--json"])), "--json" in words)


if __name__ == "__main__":
    sys.exit(main())
