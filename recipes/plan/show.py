"""The plan as tables for a terminal."""

from collections.abc import Sequence
from dataclasses import replace

from rich.table import Table

from recipes.common import attention
from recipes.config.hardware import GIB, GPU
from recipes.inputs.architecture import Architecture
from recipes.plan import advice, budget, memory, step_time
from recipes.plan.scale import Point
from recipes.plan.sizes import Workload
from recipes.plan.step_time import StepTime
from recipes.runs.dumps import ALL, Dumps


def _range(low: float, high: float, form: str = ",.1f") -> str:
    shown = format(low, form), format(high, form)
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} – {shown[1]}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for place, name in enumerate(columns):
        table.add_column(
            name, justify="right" if place and name not in ("largest term", "in phase", "price") else "left"
        )
    return table


def attention_line(workload: Workload) -> str:
    """Which attention is planned, and what training without flash-attn costs."""
    if workload.attention_assumed:
        return (
            "attention=auto, planned as flash-attn: whether the GPUs' nodes have it, recipes.doctor says; plan with "
            "attention=flex if they don't."
        )
    costs = {
        attention.FLEX: "skips what the mask hides, as flash-attn does; compiled on first use. Slower by an amount "
        "that was not measured: times below are flash-attn's",
        attention.SDPA: "reckons every token against all of its micro-batch, which memory and times below include",
    }
    cost = costs.get(workload.attention, "cost unknown: memory and times below are flash-attn's")
    return f"Without flash-attn (attention {workload.attention}): {cost}."


def dropping_line(workload: Workload) -> str:
    """What the plan assumes of dynamic sampling."""
    drawn = f"sampling=dynamic: {workload.generated_per_kept:g} prompts generated for each one that is learnt from"
    measured = "a run measures it as reward/groups/generated_per_kept"
    if workload.generated_per_kept == 1:
        return f"{drawn}, which is the least; {measured}. Write generated_per_kept=2 to plan with that."
    return f"{drawn}, as if all were drawn at once; verl draws in rounds, which takes longer, and {measured}."


def phase_table(found: Sequence[memory.Phase], gpu: GPU) -> Table:
    """One row per phase."""
    table = _table(f"memory of one {gpu.name}, GiB of {gpu.memory_gib:g}", "phase", "needs", "largest term", "GiB")
    for phase in found:
        top = phase.dominant
        needs = _range(phase.low / GIB, phase.high / GIB)
        table.add_row(phase.name, needs, top.name, _range(top.low / GIB, top.high / GIB))
    return table


def term_table(phase: memory.Phase) -> Table:
    """Every term of the largest training phase."""
    table = _table(f"{phase.name}, term by term", "term", "GiB")
    for term in sorted(phase.terms, key=lambda term: -term.high):
        table.add_row(term.name, _range(term.low / GIB, term.high / GIB))
    table.add_section()
    table.add_row("sum", _range(phase.low / GIB, phase.high / GIB))
    return table


def ladder_lines(rungs: Sequence[advice.Rung]) -> list[str]:
    """What buys memory; lines, since overrides are there to be copied."""
    lines = ["Out of memory? What buys most (GiB of a phase's upper end: override):"]
    for rung in rungs:
        lines.append(f"  {rung.saved / GIB:5.1f}  {rung.overrides}  ({rung.phase}; price: {rung.price})")
    return lines


def time_table(
    best: StepTime, centre: StepTime, worst: StepTime, workload: Workload, price: float | None = None
) -> Table:
    """Seconds per rollout step, and what the run takes; its money where a GPU-hour has a price."""
    table = _table("time", "part", "central case", "from fast to slow")

    def add(name: str, low: float, middle: float, high: float) -> None:
        table.add_row(name, f"{middle:,.0f}", _range(low, high, ",.0f"))

    for part in step_time.PARTS:
        add(f"{part}, seconds", best.seconds[part], centre.seconds[part], worst.seconds[part])
    table.add_section()
    add(f"rollout step ({workload.updates} gradient steps), seconds", best.total, centre.total, worst.total)
    hours = [step_time.gpu_hours(workload, step) for step in (best, centre, worst)]
    add("the run, GPU-hours", *hours)
    add(f"the run on {workload.gpus} GPU{'s' * (workload.gpus > 1)}, hours", *(one / workload.gpus for one in hours))
    if price is not None:
        add(f"the run, money at {price:g} per GPU-hour", *(one * price for one in hours))
    return table


def budget_lines(found: Sequence[budget.Offer], money: float, price: float) -> list[str]:
    """What each experiment costs, and the largest within the budget: in the central case, and even on a slow run.

    Lines, since overrides are there to be copied.
    """
    lines = [f"Money at {price:g} per GPU-hour: central case, from fast to slow, what to write"]
    for offer in found:
        fast, central, slow = (hours * price for hours in offer.hours)
        lines.append(
            f"{central:8,.0f}  {_range(fast, slow, ',.0f'):>16}  {offer.overrides}  ({offer.gpus} × {offer.gpu})"
        )
    lines.append(f"budget={money:g} buys {money / price:,.0f} GPU-hours.")
    for case, when in ((1, "In the central case"), (2, "Even on a slow run")):
        largest = budget.largest(list(found), money / price, case)
        lines.append(f"{when} the largest within it: {largest.overrides if largest else 'none of these'}.")
    lines.append(
        "policy_loss= chooses another method at the same cost; scale=tiny costs nothing. Validation not included. "
        "Estimates, not measurements; nothing of ours has run on GPUs yet."
    )
    return lines


def _span(best: float | None, worst: float | None) -> str:
    return "–" if best is None or worst is None else _range(worst, best, ",.2f")


def scale_table(found: Sequence[tuple[Point, Point]]) -> Table:
    """Responses per second by number of GPUs."""
    table = _table(
        "scale: responses trained on per second",
        *("GPUs", "batch", "synchronous", "asynchronous", "generating", "lost to stragglers (sync)"),
    )
    for best, worst in found:
        losses = sorted((best.straggler, worst.straggler))
        shares = sorted((best.rollout_share, worst.rollout_share))
        table.add_row(
            f"{best.gpus:,}",
            "grows" if best.weak else "this run's",
            _span(best.sync_rate, worst.sync_rate),
            _span(best.async_rate, worst.async_rate),
            _range(shares[0], shares[1], ".0%"),
            _range(losses[0], losses[1], ".0%"),
        )
    return table


def verdict_lines(model: Architecture, gpu: GPU, workload: Workload) -> list[str]:
    """What it comes to, in sentences; the cure comes with the bad news."""
    top, verdict = memory.peak(model, gpu, workload), advice.verdict(model, gpu, workload)
    needs = _range(top.low / GIB, top.high / GIB)
    lines = [f"It {verdict}: {top.name} needs {needs} of {gpu.memory_gib:g} GiB; most of it: {top.dominant.name}."]
    certain, perhaps = advice.largest_update_tokens(model, gpu, workload)
    key, least = "actor_rollout_ref.actor.ppo_max_token_len_per_gpu", workload.fewest_tokens
    lines.append(
        f"Largest {key}: {certain:,} for certain, {perhaps:,} perhaps (now {workload.update_tokens:,}; the longest "
        f"sequence needs {least:,})."
    )
    cache = memory.kv_tokens(model, gpu, workload)
    lines.append(f"KV cache of a vLLM engine: {_range(max(0, cache[0]), max(0, cache[1]), ',.0f')} tokens.")
    if verdict != advice.FITS:
        lines += _cures(model, gpu, workload, certain)
    return lines


def _cures(model: Architecture, gpu: GPU, workload: Workload, certain: int) -> list[str]:
    cures = [rung for rung in advice.ladder(model, gpu, workload) if rung.fits]
    if cures:
        return [f"Write {cures[0].overrides} ({cures[0].price})."]
    if certain < workload.fewest_tokens:
        return [
            "No single override is enough: not even one sequence fits into the update. Write a larger trainer.nnodes, "
            "gpu=h200, or several overrides of the list below."
        ]
    return ["No single override is enough: combine those of the list below, or write a larger trainer.nnodes."]


def dump_line(dumps: Dumps, run: Workload, mean_length: float) -> str:
    """What the training responses take on the disk, and what all of them would."""
    kept, every = (one.bytes_of(run.responses, mean_length) * run.steps for one in (dumps, replace(dumps, keep=ALL)))
    written = f"{dumps.count(run.responses):,} of {run.responses:,} responses per step"
    other = "" if dumps.keep == ALL else f"; dumps.keep=all: {every / 1e9:.1f} GB"
    return f"On the disk: {written} under generations/, about {kept / 1e9:.1f} GB by the last step{other}."
