"""The papers' tables: `python -m recipes.reproduce dgpo|maspo|both [--scale …]`, called by scripts/reproduce.sh.

Trains every experiment of a paper's tables, evaluates its last checkpoint (merged on the way) and renders the tables.
What is done already is skipped, so the same command continues after any interruption. `--dry-run` prints the plan.
Exit codes: 0 done, 1 something failed (the rest was still done), 2 bad input, 130 interrupted.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from recipes.checks.planned import check_planned
from recipes.checks.reading import readable
from recipes.checks.values import SEEDS
from recipes.common import durations
from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.common.files import existing_parent, write_atomically
from recipes.common.paths import given_path
from recipes.common.processes import Terminated
from recipes.config.compose import choices, compose, quoted
from recipes.config.resolvers import run_name
from recipes.plan import estimate
from recipes.report.cells import published
from recipes.report.toys import TOYS
from recipes.runs.evaluation_folder import EvaluationFolder
from recipes.runs.resume import Resume
from recipes.runs.run_folder import RunFolder

PAPERS = ("dgpo", "maspo")
REFUSED = 2  # exit code of every command here for bad input
TOY_EVALUATION = "arithmetic"  # everything else: paper
# The smallest real experiments that one node can bear, and the data that each needs; no row of a table.
SMALL = {"small/1.5b_gsm8k": ("gsm8k",), "small/1.5b_math_sanity": ("benchmarks", "math_train")}


@dataclass(frozen=True)
class Cell:
    """One run: an experiment at a scale, with a seed.

    Attributes:
        paper, name: configs/experiment/<paper>/<name>.yaml.
        scale, seed: of the run.
        root: output root.
    """

    paper: str
    name: str
    scale: str
    seed: int
    root: Path

    @property
    def run(self) -> RunFolder:
        """Where it trains."""
        return RunFolder(self.root / self.paper / f"{run_name(self.name, self.scale)}-seed{self.seed}")

    @property
    def eval_name(self) -> str:
        """Its eval config."""
        return TOY_EVALUATION if self.scale in TOYS else "paper"

    def is_trained(self) -> bool:
        """Whether its last step is logged and there is a checkpoint of it."""
        if not self.run.exists():
            return False
        last = self.run.read_config().trainer.total_training_steps
        run = Resume.of(self.run)
        return run.is_complete(last) and run.from_step == last

    def is_evaluated(self) -> bool:
        """Whether the last checkpoint has results."""
        step = self.run.checkpointed_step()
        folder = EvaluationFolder.of(self.root, self.run.checkpoint_name(step), self.eval_name)
        return self.is_trained() and folder.results().is_file()

    def training(self, overrides: Sequence[str]) -> list[str]:
        """The command that trains it."""
        words = [sys.executable, "-m", "recipes.train", f"experiment={self.paper}/{self.name}", f"seed={self.seed}"]
        return [*words, f"scale={self.scale}", f"output_root={quoted(str(self.root))}", *overrides]

    def check(self, overrides: Sequence[str]) -> None:
        """Would it train, as far as a plan can tell, and where the evaluation looks for it?

        Raises:
            UserError: the overrides make no config, or none that can be meant.
        """
        config = readable(compose(self.training(overrides)[3:]))  # what stands behind python -m recipes.train
        check_planned(config)
        if RunFolder.of(config).path != self.run.path:
            raise UserError(
                f"The overrides {' '.join(overrides)} let {self.name} train in {config.run_dir}, and {self.run.path} "
                "would be evaluated. Write --output-root and --seeds before the --, and leave names of runs out."
            )

    def evaluation(self) -> list[str]:
        """The command that evaluates it; the hardware is the experiment's. What stands behind model= it quotes."""
        words = [sys.executable, "-m", "recipes.evaluate", f"model={self.run.path}", f"eval={self.eval_name}"]
        words.append(f"hardware={'cpu' if self.scale in TOYS else '8x80gb'}")
        return [*words, f"output_root={quoted(str(self.root))}"]


def cells(papers: Sequence[str], scale: str, seeds: Sequence[int], only: Sequence[str], root: Path) -> list[Cell]:
    """The runs of the papers' tables, seed by seed, so that an early stop leaves whole columns; each run once.

    Args:
        papers: of PAPERS.
        scale: one of configs/scale.
        seeds: of each experiment.
        only: experiments, models or methods to keep, as 7b_dgpo, 7b or dgpo; empty for all.
        root: output root.

    Raises:
        UserError: `only` matches nothing.
    """
    names: list[tuple[str, str]] = []
    for table in published()["tables"]:
        for row in table["rows"]:
            paper, model = table["paper"].lower(), row.get("model", table.get("model"))
            name = f"{model}_{published()['methods'][row['method']]}"
            # GRPO's rows are the same in both papers: one run serves both tables.
            if paper in papers and name not in [known for _, known in names] and (scale not in TOYS or model == "1.5b"):
                names.append((paper, name))
    kept = [one for one in names if not only or any(_is_meant(one[1], word) for word in only)]
    if not kept:
        raise UserError(f"--only {','.join(only)} matches none of {', '.join(name for _, name in names)}.")
    return [Cell(*one, scale, seed, root) for seed in seeds for one in kept]


def _is_meant(name: str, word: str) -> bool:
    return word in (name, name.split("_", 1)[0], name.split("_", 1)[1])


def plan_table(todo: list[Cell], overrides: Sequence[str]) -> Table:
    """What will be done, and GPU-hours where they can be estimated."""
    shown = Table(title="plan", title_justify="left")
    for name in ("experiment", "seed", "train", "evaluate", "GPU-hours (estimate)"):
        shown.add_column(name, justify="right" if name in ("seed", "GPU-hours (estimate)") else "left")
    total = [0.0, 0.0]
    for cell in todo:
        hours = estimate.gpu_hours(f"{cell.paper}/{cell.name}", cell.scale, overrides)
        trained, evaluated = cell.is_trained(), cell.is_evaluated()
        if hours and not trained:
            total = [total[0] + hours[0], total[1] + hours[1]]
        shown.add_row(
            f"{cell.paper}/{cell.name}",
            str(cell.seed),
            "done" if trained else f"from step {cell.run.checkpointed_step()}",
            "done" if evaluated else "to do",
            f"{hours[0]:,.0f} – {hours[1]:,.0f}" if hours else "on a CPU",
        )
    if total[1]:
        shown.add_section()
        shown.add_row("to do, training and evaluation", "", "", "", f"{total[0]:,.0f} – {total[1]:,.0f}")
    return shown


def smallest() -> Iterator[str]:
    """What a person with one node can afford, as commands, with GPU-hours of the training from formulas."""
    yield "The smallest real experiments, on one node; policy_loss= chooses the method, seed= another run:"
    for name, data in SMALL.items():
        low, high = estimate.training_gpu_hours(name)
        for one in data:
            yield f"  python -m recipes.prepare_data data={one}"
        yield f"  python -m recipes.train experiment={name} policy_loss=dgpo   # {low:,.0f} – {high:,.0f} GPU-hours"


def run(todo: list[Cell], overrides: Sequence[str], shown: Console) -> list[str]:
    """Train and evaluate each cell; returns what failed. A cell that fails does not keep the others from running.

    One that is refused before it starts does: this machine would refuse them all (no GPUs, no data).
    """
    failed = []
    for place, cell in enumerate(todo, start=1):
        for what, is_done, words in _stages(cell, overrides):
            title = f"[{place}/{len(todo)}] {what} {cell.paper}/{cell.name} seed {cell.seed}"
            if is_done:
                shown.print(f"{title}: done already")
                continue
            shown.print(f"{title}: {' '.join(words)}")
            started = time.monotonic()
            code = finish(words)
            if code == 130:
                raise KeyboardInterrupt
            if code:
                failed.append(f"{what} {cell.paper}/{cell.name} seed {cell.seed} (exit code {code})")
                if code == REFUSED:
                    shown.print(f"{title}: refused before it started, as the others would be: cure what stands above.")
                    return failed
                break
            shown.print(f"{title}: took {durations.clock(time.monotonic() - started)}")
    return failed


def finish(words: Sequence[str]) -> int:
    """Run a command to its end; return its exit code. What stops this process lets the command end in order first."""
    with subprocess.Popen(words) as process:
        try:
            return process.wait()
        except (KeyboardInterrupt, Terminated) as stop:
            if isinstance(stop, Terminated):  # Ctrl-C reaches the command as well: it is in the same terminal
                process.terminate()
            process.wait()
            raise


def _stages(cell: Cell, overrides: Sequence[str]) -> Iterator[tuple[str, bool, list[str]]]:
    yield "train", cell.is_trained(), cell.training(overrides)
    yield "evaluate", cell.is_evaluated(), cell.evaluation()  # merges the checkpoint first, where it must


def render(root: Path, scale: str, shown: Console) -> None:
    """Tables in all formats, and at toy scale the curves."""
    from recipes.report import seed_curves, table
    from recipes.report.render import FORMATS

    folder = root / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    for form in FORMATS:
        file = folder / f"{scale}.{form}"
        write_atomically(file, table.build(root, scale, "ours", form))
        shown.print(f"wrote {file}")
    picture = folder / f"{scale}-curves.png"
    if seed_curves.draw(root, scale, picture):
        shown.print(f"wrote {picture}")


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/reproduce.sh", description=__doc__.split("\n\n")[0])
    parser.add_argument("papers", choices=(*PAPERS, "both"), help="whose tables")
    parser.add_argument("--scale", choices=choices("scale"), default="paper", help="default: paper")
    parser.add_argument("--only", help="experiments, models or methods, as 7b_dgpo,7b_grpo or 1.5b or dgpo")
    parser.add_argument("--seeds", help="as 0,1,2; default: 0; three at scale tiny, eight at scale bridge")
    parser.add_argument("--output-root", type=given_path, default=Path("outputs"), help="default: outputs")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and start nothing")
    parser.add_argument("overrides", nargs="*", help="Hydra overrides of the trainings, after --")
    return parser.parse_intermixed_args(words)  # parse_args gives `--only x -- key=value` no overrides


def _seeds(given: str) -> list[int]:
    try:
        seeds = [int(seed) for seed in given.split(",")]
    except ValueError as error:
        raise UserError(f"--seeds {given}: write whole numbers, as --seeds 0,1,2.") from error
    if not all(0 <= seed < SEEDS for seed in seeds):
        raise UserError(f"--seeds {given}: a seed is a whole number from 0 to {SEEDS - 1}. Write --seeds 0,1,2.")
    if len(set(seeds)) < len(seeds):
        once = ",".join(map(str, dict.fromkeys(seeds)))
        raise UserError(f"--seeds {given}: one of them stands there twice. Write --seeds {once}.")
    return seeds


def _only(given: str) -> list[str]:
    words = [word for word in given.split(",") if word.strip()]
    if not words:
        raise UserError(f"--only {given}: names nothing. Write --only 7b_dgpo, or leave it out for all.")
    return words


def _root(given: Path) -> Path:
    parent = existing_parent(given)
    if not parent.is_dir():
        raise UserError(
            f"--output-root={given}: {parent} is no folder. Write --output-root=outputs, or another folder."
        )
    return given.absolute()


def main(words: Sequence[str] | None = None) -> int:
    """Command line."""
    arguments, shown = _arguments(words), Console(highlight=False, soft_wrap=True)
    with command("Interrupted; the same command continues."):
        papers = PAPERS if arguments.papers == "both" else (arguments.papers,)
        toy = TOYS.get(arguments.scale)
        only = list(toy.methods if toy else ()) if arguments.only is None else _only(arguments.only)
        seeds = (toy.seeds if toy else (0,)) if arguments.seeds is None else _seeds(arguments.seeds)
        root = _root(arguments.output_root)
        todo = cells(papers, arguments.scale, seeds, only, root)
        for cell in {cell.name: cell for cell in todo}.values():  # a seed changes nothing that is checked
            cell.check(arguments.overrides)
        shown.print(plan_table(todo, arguments.overrides))
        if arguments.dry_run:
            shown.print(toy.time if toy else "\n".join(smallest()))
            return 0
        failed = run(todo, arguments.overrides, shown)
        render(root, arguments.scale, shown)
    for what in failed:
        shown.print(f"failed: {what}; the same command tries it again")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
