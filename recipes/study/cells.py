"""Run the cells of a study, each into a parquet file of its own: one row per rate and seed, curves included."""

import json
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from rich.console import Console

from recipes.common.errors import UserError
from recipes.common.files import new_file
from recipes.common.progress_bar import counting
from recipes.runs.manifest import git_state, machine, now, versions
from recipes.study.bench import CURVES, Unit, run
from recipes.study.methods import Method
from recipes.study.settings import FIRST_TUNING_SEED, Cell, Settings
from recipes.study.world import World

COLLAPSE = 0.75  # a training has collapsed if it ends below this share of the best point of its own curve
IDENTITY, MANIFEST = b"cell", b"manifest"  # in a file's metadata
SHARED = ("world", "rates", "seeds", "tuning_seeds", "total_updates", "warm_up", "points")  # by all cells of a study


def run_cells(settings: Settings, console: Console) -> list[Path]:
    """Run what has no file yet, `settings.processes` cells at a time.

    Returns:
        The files of all cells.

    Raises:
        UserError: a method the study can't run, or a file of other settings.
    """
    identities = {cell: identity(cell, settings) for cell in settings.cells()}
    files = {cell: settings.folder / f"{cell.name}.parquet" for cell in identities}
    missing = [cell for cell, file in files.items() if not _is_done(file, identities[cell])]
    settings.folder.mkdir(parents=True, exist_ok=True)
    with counting(console, "cells", len(files), len(files) - len(missing)) as counter:
        for cell in _in_parallel(missing, settings):
            counter.to(counter.done + 1, cell.name)
    return list(files.values())


def _in_parallel(cells: list[Cell], settings: Settings) -> Iterator[Cell]:
    """Cells as they are done; whatever ends this process ends its workers."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(settings.processes, len(cells)) or 1, mp_context=spawned) as pool:
        futures = {pool.submit(run_cell, cell, settings): cell for cell in cells}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        except BaseException:  # also Ctrl-C; passed on below
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


def run_cell(cell: Cell, settings: Settings) -> None:
    """Run one cell and write its file, whole or not at all."""
    begun = time.monotonic()
    torch.set_num_threads(1)  # the same sums whatever the machine; cells run side by side instead
    world = world_of(settings)
    unit = Unit(
        updates=cell.updates,
        batches=settings.total_updates // cell.updates,
        group=cell.group,
        staleness=cell.staleness,
        rates=settings.rates,
        seeds=settings.all_seeds(),
        warm_up=settings.warm_up,
        points=settings.points,
    )
    curves = run(world, method_of(cell.method, world.length, settings.added), unit)
    table = pa.Table.from_pylist(rows(cell, settings, curves))
    manifest = {
        "finished": now(),
        "seconds": round(time.monotonic() - begun, 3),
        "git": git_state(),
        "machine": machine(),
        "versions": versions(),
    }
    metadata = {IDENTITY: identity(cell, settings).encode(), MANIFEST: json.dumps(manifest).encode()}
    table = table.replace_schema_metadata(metadata)
    file = settings.folder / f"{cell.name}.parquet"
    with new_file(file) as partial:
        pq.write_table(table, partial)


@cache
def method_of(name: str, length: int, added: tuple[str, ...]) -> Method:
    """Composed once per process."""
    return Method(name, length, added)


def rows(cell: Cell, settings: Settings, curves: dict[str, Any]) -> list[dict[str, Any]]:
    """One per rate and seed.

    `end`: expected reward at the end; `area`: its mean over the training (trapezoids); `collapsed`: see COLLAPSE; means
    over the training of `outside`, `kl`, `gradient_norm`; `entropy`: of the last point; the curves with their `batch`.
    """
    reward = curves["reward"]  # (points + 1, rows)
    batch = torch.tensor(curves["batch"], dtype=reward.dtype)
    width = batch.diff() / batch[-1]
    values = {
        "end": reward[-1],
        "area": torch.trapezoid(reward, batch, dim=0) / batch[-1],
        "collapsed": reward[-1] < COLLAPSE * reward.max(0).values,
        **{name: (curves[name] * width[:, None]).sum(0) for name in ("outside", "kl", "gradient_norm")},
        "entropy": curves["entropy"][-1],
    }
    found = []
    seeds = settings.all_seeds()
    for index in range(reward.shape[1]):
        seed = seeds[index % len(seeds)]
        own = {name: value[index].item() for name, value in values.items()}
        curve = {f"curve_{name}": curves[name][:, index].tolist() for name in CURVES}
        where = {"rate": settings.rates[index // len(seeds)], "seed": seed, "tuning": seed >= FIRST_TUNING_SEED}
        found.append({**asdict(cell), **where, **own, "curve_batch": curves["batch"], **curve})
    return found


def identity(cell: Cell, settings: Settings) -> str:
    """Everything that the numbers of a cell depend on, but for the code."""
    method = method_of(cell.method, world_of(settings).length, settings.added)
    what = {**asdict(cell), **{name: getattr(settings, name) for name in SHARED}, "settings": method.settings()}
    return json.dumps(what, sort_keys=True, default=str)


def world_of(settings: Settings) -> World:
    """A new one.

    Raises:
        UserError: it can't be made of what `world` says.
    """
    try:
        world: World = instantiate(settings.world)
    except InstantiationException as error:
        cause = error.__cause__ or error
        if isinstance(cause, UserError):
            raise cause from error
        why = f"world: can't be made ({cause})."
        raise UserError(f"{why} `python -m recipes.study --cfg job --package world` shows one that can.") from error
    return world


def files_of(folder: Path) -> list[Path]:
    """All cells in a folder.

    Raises:
        UserError: there are none, or they are of studies that can't be compared.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise UserError(f"{folder}: holds no cell of a study. Write the folder of one, as outputs/study/bandit.")
    first, *others = [json.loads(_identity_in(file) or "{}") for file in files]
    for file, other in zip(files[1:], others, strict=True):
        if differs := [name for name in SHARED if first.get(name) != other.get(name)]:
            raise UserError(
                f"{file} and {files[0].name} are of two studies, which differ in {', '.join(differs)}. Move one away."
            )
    return files


def _identity_in(file: Path) -> str:
    try:
        return (pq.read_schema(file).metadata or {}).get(IDENTITY, b"").decode()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(f"{file} is damaged ({error}). Remove it: that cell is computed again.") from error


def _is_done(file: Path, wanted: str) -> bool:
    if not file.exists():
        return False
    held = _identity_in(file)
    if held != wanted:
        differs = _differing(held, wanted)
        raise UserError(
            f"{file} holds results of other settings ({differs}). Write name=<another name> for a folder of its own, "
            "or remove the file."
        )
    return True


def _differing(held: str, wanted: str) -> str:
    if not held:
        return "not of a study"
    old, new = json.loads(held), json.loads(wanted)
    return ", ".join(key for key in new if old.get(key) != new[key])
