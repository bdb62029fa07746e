"""Plan before paying: `python -m recipes.plan [overrides of recipes.train] [gpu=…] [mean_length=…] [plot=…]`.

    python -m recipes.plan model=deepseek-r1-distill-qwen-7b data=dapo_math_17k hardware=8x80gb
    python -m recipes.plan experiment=dgpo/14b_dgpo hardware=4x8x141gb plot=scale.png
    python -m recipes.plan budget=500 price_per_gpu_hour=2.5

Says whether the training fits into the GPUs' memory, what takes most of it and what to change, how long a step takes
and what the run costs, from formulas (docs/planning.md); numbers that can't be known are ranges. Starts and downloads
nothing. Its own keys, all optional: `gpu=` a100, a100-40gb, a800, h20, h100, h200, h800, l40s or rtx4090, by default
the preset's `hardware.gpu`; `mean_length=` tokens of a response; `generated_per_kept=` with `sampling=dynamic`, prompts
generated for each one that is learnt from; `plot=` a PNG, with 8 to 4,096 GPUs simulated;
`price_per_gpu_hour=` money, in any currency; `budget=` money, for which the largest experiment that it buys is named.
Exit codes: 0 it fits or may, 1 it does not fit, 2 bad input, 130 interrupted.
"""

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from recipes.checks import planned, reading
from recipes.common import attention
from recipes.common.command import command
from recipes.common.errors import UserError
from recipes.common.files import require_png
from recipes.common.paths import given_path
from recipes.config import hardware
from recipes.config.compose import compose
from recipes.inputs import architecture
from recipes.plan import advice, budget, memory, scale, show, sizes, step_time
from recipes.runs.dumps import Dumps


@dataclass(frozen=True)
class Request:
    """The command line.

    Attributes:
        overrides: of recipes.train.
        gpu: name of an entry of recipes/config/gpus.json; None for the preset's hardware.gpu.
        mean_length: tokens of a response; None for a range.
        generated_per_kept: prompts generated for each one that is learnt from; None where nobody said it.
        plot: where the picture goes; None for none.
        price: money for an hour of one GPU; None where the plan has no money in it.
        budget: money; None for none.
    """

    overrides: tuple[str, ...]
    gpu: str | None = None
    mean_length: float | None = None
    generated_per_kept: float | None = None
    plot: Path | None = None
    price: float | None = None
    budget: float | None = None


OWN = ("gpu", "mean_length", "generated_per_kept", "plot", "price_per_gpu_hour", "budget")


def request(words: Sequence[str]) -> Request:
    """Tell plan's own keys from overrides of the training.

    Raises:
        UserError: a value that can't be meant.
    """
    own: dict[str, str] = {}
    overrides = []
    for word in words:
        key, _, value = word.partition("=")
        if key in OWN:
            own[key] = value
        else:
            overrides.append(word)
    mean = _number(own, "mean_length", "a number of tokens", "3000")
    generated = _number(own, "generated_per_kept", "a number of prompts, 1 or more", "2", least=1)
    price = _number(own, "price_per_gpu_hour", "money for an hour of one GPU, without a currency", "2.5")
    budget = _number(own, "budget", "an amount of money, without a currency", "500")
    if budget is not None and price is None:
        raise UserError(
            f"budget={budget:g}: needs the price of a GPU-hour. Write price_per_gpu_hour=2.5, or what you pay."
        )
    if "gpu" in own:
        hardware.find(own["gpu"])
    return Request(tuple(overrides), own.get("gpu"), mean, generated, _picture(own), price, budget)


def _picture(own: Mapping[str, str]) -> Path | None:
    if "plot" not in own:
        return None
    try:
        picture = given_path(own["plot"])
    except argparse.ArgumentTypeError as error:
        raise UserError(f"plot={own['plot']}: {error}, as plot=scale.png.") from error
    require_png(picture, "plot")
    return picture


def _number(own: Mapping[str, str], key: str, what: str, example: str, least: float = 0) -> float | None:
    if key not in own:
        return None
    try:
        value = float(own[key])
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf or value < least:
        raise UserError(f"{key}={own[key]}: write {what}, as {key}={example}.")
    return value


@dataclass(frozen=True)
class Plan:
    """What is planned.

    Attributes:
        model, gpu, run: the three that everything follows from.
        mean_length: tokens of a response; None for a range.
        price: money for a GPU-hour; None where nobody said it.
        dumps: which responses are written down.
    """

    model: architecture.Architecture
    gpu: hardware.GPU
    run: sizes.Workload
    mean_length: float | None = None
    price: float | None = None
    dumps: Dumps = field(default_factory=Dumps)


def of(asked: Request) -> Plan:
    """From the command line to numbers.

    Raises:
        UserError: bad input, or a preset for machines without a GPU.
    """
    config = reading.readable(compose(asked.overrides))
    if config.hardware.device == "cpu":
        raise UserError(
            "hardware=cpu: only GPUs are planned. Write hardware=8x80gb, or an experiment that runs on GPUs; what a "
            "training on a CPU takes is measured in docs/results/quickstart.md."
        )
    planned.check_planned(config)
    gpu = hardware.find(asked.gpu) if asked.gpu else hardware.find(config.hardware.gpu, "hardware.gpu")
    run = sizes.of(config)
    if asked.generated_per_kept is not None:
        if not run.drops_prompts:
            raise UserError(
                f"generated_per_kept={asked.generated_per_kept:g}: without sampling=dynamic every prompt is learnt "
                "from. Leave it out, or write sampling=dynamic."
            )
        run = replace(run, generated_per_kept=asked.generated_per_kept)
    if asked.mean_length is not None and not 0 < asked.mean_length < run.response_limit:
        raise UserError(
            f"mean_length={asked.mean_length:g}: write a number between 0 and data.max_response_length="
            f"{run.response_limit}."
        )
    return Plan(architecture.of(config), gpu, run, asked.mean_length, asked.price, Dumps.of(config))


def report(plan: Plan, shown: Console) -> str:
    """Print the tables; return the verdict."""
    model, gpu, run = plan.model, plan.gpu, plan.run
    adapter = f", of which an adapter of {_parameters(run.trained(model))} is trained," if run.lora_rank else ""
    shown.print(
        f"{_parameters(run.kept(model))} parameters{adapter} on {run.nodes} × {run.gpus_per_node} {gpu.name}; "
        f"{run.prompts} × {run.samples} responses of at most {run.response_limit:,} tokens per step",
        soft_wrap=True,
    )
    if run.attention_assumed or run.attention != attention.FLASH:
        shown.print(show.attention_line(run), soft_wrap=True)
    found = memory.phases(model, gpu, run)
    shown.print(show.phase_table(found, gpu))
    shown.print(show.term_table(max(found[1:], key=lambda phase: phase.high)))
    for line in show.verdict_lines(model, gpu, run):
        shown.print(line, soft_wrap=True)
    for line in show.ladder_lines(advice.ladder(model, gpu, run)):
        shown.print(line, soft_wrap=True)
    verdict = advice.verdict(model, gpu, run)
    if verdict != advice.TOO_LARGE:
        _report_time(plan, shown)
    return verdict


def _parameters(count: int) -> str:
    return f"{count / 1e9:.2f}B" if count >= 1e8 else f"{count / 1e6:.2f}M"


def _report_time(plan: Plan, shown: Console) -> None:
    if plan.run.rollout_gpus:
        shown.print(
            f"Memory and time are those of a synchronous step on the trainer's GPUs; the {plan.run.rollout_gpus} GPUs "
            "that only generate come on top and need less. What separate_async gains: plot=scale.png.",
            soft_wrap=True,
        )
    run = plan.run
    if run.drops_prompts:
        shown.print(show.dropping_line(run), soft_wrap=True)
    best, worst = step_time.span(plan.model, plan.gpu, run, plan.mean_length)
    centre = step_time.centre(plan.model, plan.gpu, run, plan.mean_length)
    shown.print(show.time_table(best, centre, worst, run, plan.price))
    shown.print(
        f"The run: {run.steps:,} rollout steps of {run.prompts} × {run.samples} responses, {run.steps * run.updates:,} "
        f"gradient steps of {run.mini_batch} × {run.samples}. Mean response: {best.mean_length:,.0f} tokens on a fast "
        f"run, {centre.mean_length:,.0f} in the central case, {worst.mean_length:,.0f} on a slow run. Validation and "
        "checkpoints not included. Estimates, not measurements; nothing of ours has run on GPUs yet.",
        soft_wrap=True,
    )
    shown.print(show.dump_line(plan.dumps, run, centre.mean_length), soft_wrap=True)
    if plan.price is None:
        shown.print(
            "In money: price_per_gpu_hour=2.5. What is cheaper: budget=500 price_per_gpu_hour=2.5.", soft_wrap=True
        )


def report_budget(asked: Request, shown: Console) -> None:
    """Print what the experiments cost, and the largest that the budget buys."""
    assert asked.budget is not None and asked.price is not None, "request asks for both"
    found = budget.offers(asked.gpu)
    for line in show.budget_lines(found, asked.budget, asked.price):
        shown.print(line, soft_wrap=True)


def plot(plan: Plan, picture: Path, shown: Console) -> None:
    """Simulate scale; write the picture and print its table."""
    from recipes.plan import figure

    found = list(scale.simulate(plan.model, plan.gpu, plan.run, plan.mean_length))
    mean = sum(step_time.mean_lengths(plan.run, plan.mean_length)) / 2
    title = (
        f"{plan.model.parameters / 1e9:.1f}B on {plan.gpu.name}, simulated: mean response {mean:,.0f} of at most "
        f"{plan.run.response_limit:,} tokens; bands from worst to best efficiency"
    )
    figure.write(found, title, picture)
    shown.print(show.scale_table(found))
    shown.print(f"wrote {picture}")


def main(words: Sequence[str] | None = None) -> int:
    """Command line."""
    words = sys.argv[1:] if words is None else words
    if {"-h", "--help"} & set(words):
        print(__doc__)
        return 0
    shown = Console(highlight=False)
    with command("Interrupted."):
        asked = request(words)
        verdict = ""
        if asked.overrides or asked.budget is None:
            plan = of(asked)
            verdict = report(plan, shown)
            if asked.plot:
                plot(plan, asked.plot, shown)
        if asked.budget is not None:
            report_budget(asked, shown)
    return int(verdict == advice.TOO_LARGE)


if __name__ == "__main__":
    sys.exit(main())
