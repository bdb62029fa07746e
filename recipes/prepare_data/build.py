"""The whole preparation: everything in one new folder that is complete or not there."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from recipes.common.errors import Failure, UserError
from recipes.common.files import (
    RECORD,
    existing_parent,
    is_full,
    lock_beside,
    new_folder,
    read_mapping,
    remove_leftovers,
    write_record,
)
from recipes.prepare_data import difficulty, parquet
from recipes.prepare_data.card import card, sources_of
from recipes.prepare_data.difficulty import Difficulty
from recipes.prepare_data.dropped import Report
from recipes.prepare_data.gold_check import GoldCheck
from recipes.prepare_data.overlap import Benchmarks, load_benchmarks
from recipes.prepare_data.part import PartPreparation, Prepared
from recipes.prepare_data.problems import Problem
from recipes.prepare_data.rows import read_rows, value_at
from recipes.prepare_data.settings import Alternatives, Part, Settings
from recipes.prepare_data.sources import Fetched, fetch, known_checksum, sha256_of
from recipes.prepare_data.stages import Stages

RULES = 1  # raised when the same configuration and source would give other rows
CHECKSUMS = "checksums.sha256"


def prepare(settings: Settings, stages: Stages) -> Path:
    """Make the data set's folder, or find that it is there already.

    Raises:
        UserError: bad input, no network, another data set in the way.
        Failure: the disk is full.
    """
    folder, raw = Path(settings.output_root) / settings.name, Path(settings.raw_folder)
    for key, path in {"output_root": folder.parent, "raw_folder": raw}.items():
        if not (there := existing_parent(path)).is_dir():
            raise UserError(f"{key}={path}: {there} is no folder. Write {key}=<one that is, or can be made>.")
    measured = difficulty.load(settings.difficulty, settings.keep_right_share) if settings.difficulty else None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock_beside(folder)):
            remove_leftovers(folder)
            known = {
                key: known_checksum(one, settings.files.get(key), raw) for key, one in sources_of(settings).items()
            }
            if None not in known.values() and _is_done(folder, identity(settings, known, measured)):
                stages.say(f"{folder} is already prepared.")
                return folder
            _refuse_other(folder, settings)
            _build(folder, settings, raw, stages, measured)
    except Exception as error:  # raised again, a full disk with its cure
        if is_full(error):
            raise Failure(
                f"No space left on the disk of {folder} or of the downloads; nothing was written. Free some, or write "
                "output_root=<a folder elsewhere>."
            ) from error
        raise
    return folder


def _build(folder: Path, settings: Settings, raw: Path, stages: Stages, measured: Difficulty | None) -> None:
    benchmarks = None
    if settings.overlap != "ignore" and not all(part.benchmark for part in settings.parts.values()):
        benchmarks = load_benchmarks(settings.overlap_with)  # before a download that would be in vain
    fetched = {}
    for key, source in sources_of(settings).items():
        stages.say(f"{key}: fetching {source.path if source else settings.files.get(key)}")
        option = "file" if len(settings.parts) == 1 and key in settings.parts else f"files.{key}"
        fetched[key] = fetch(source, settings.files.get(key), raw, option)
    report = Report()
    prepared = _parts(settings, fetched, benchmarks, report, stages, measured)
    checksums = {key: one.sha256 for key, one in fetched.items()}
    new = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.new.partial")
    with new_folder(new) as partial:
        _write_parquet(partial, settings, prepared)
        report.write(partial / "report.jsonl")
        (partial / "data_card.md").write_text(card(settings, prepared, fetched, report, measured), encoding="utf-8")
        write_record(partial, _record(settings, checksums, prepared, report, measured))
        _write_checksums(partial)
    _swap(new, folder)
    if measured is not None:
        stages.say(f"difficulty: measured by {measured.by}; {report.summary()}")
    stages.say(f"{folder}: " + ", ".join(f"{one.part.file_name} {one.counts['written']:,}" for one in prepared))


def _parts(
    settings: Settings,
    fetched: Mapping[str, Fetched],
    benchmarks: Benchmarks | None,
    report: Report,
    stages: Stages,
    measured: Difficulty | None,
) -> list[Prepared]:
    done = []
    of_difficulty = None if measured is None else (measured, settings.template)
    with GoldCheck() as check:
        for name, part in settings.parts.items():
            more = _more_golds(part.alternatives, part, fetched.get(f"{name}_alternatives"))
            one = PartPreparation(name, part, settings.malformed_limit, report, stages)
            act = settings.overlap == "remove"
            done.append(one.run(fetched[name].path, more, check, benchmarks, act, of_difficulty))
    return done


def _more_golds(also: Alternatives | None, part: Part, fetched: Fetched | None) -> dict[str, tuple[str, ...]]:
    """Further accepted answers by id."""
    from recipes.prepare_data.golds import read_golds

    if also is None or fetched is None:
        return {}
    found = {}
    for row in read_rows(fetched.path, part.format_of(fetched.path.name), [also.id, also.gold.column]):
        try:
            golds = read_golds(value_at(row.content, also.gold.column), also.gold)
        except ValueError as error:
            raise UserError(f"{fetched.path}: row {row.number} {error}.") from error
        found[str(value_at(row.content, also.id))] = golds
    return found


def _write_parquet(folder: Path, settings: Settings, prepared: list[Prepared]) -> None:
    def rows(one: Prepared) -> Any:
        problems: list[Problem] = one.problems
        return (parquet.row_of(problem, index, one.part, settings.template) for index, problem in enumerate(problems))

    for one in prepared:
        parquet.write(folder / f"{one.part.file_name}.parquet", rows(one), benchmark=one.part.benchmark)
    by_name = {one.name: one for one in prepared}
    for name, members in settings.combined.items():
        joined = (row for member in members for row in rows(by_name[member]))
        parquet.write(folder / f"{name}.parquet", joined, benchmark=by_name[members[0]].part.benchmark)


def _write_checksums(folder: Path) -> None:
    lines = [f"{sha256_of(file)}  {file.name}\n" for file in sorted(folder.iterdir())]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _record(
    settings: Settings,
    checksums: Mapping[str, str | None],
    prepared: list[Prepared],
    report: Report,
    measured: Difficulty | None,
) -> dict[str, Any]:
    return {
        "target": "recipes.prepare_data",
        "identity": identity(settings, checksums, measured),
        "sources": {key: asdict(one) if one else None for key, one in sources_of(settings).items()},
        "counts": {one.name: one.counts for one in prepared},
        "remarks": [
            {"part": part, "action": action, "reason": reason, "rows": rows}
            for (part, action, reason), rows in report.counts.items()
        ],
        "versions": {name: version(name) for name in ("pyarrow", "math-verify", "latex2sympy2_extended")},
    }


def identity(
    settings: Settings, checksums: Mapping[str, str | None], measured: Difficulty | None = None
) -> dict[str, Any]:
    """What decides every row: the sources' checksums, how they are read, the template and what is removed."""
    parts = {name: asdict(replace(part, source=None)) for name, part in settings.parts.items()}
    for part in parts.values():
        (part["alternatives"] or {}).pop("source", None)  # its checksum stands for it
    rule, compared = settings.overlap_with, {}
    if settings.overlap != "ignore" and not all(part.benchmark for part in settings.parts.values()):
        files = {name: Path(rule.folder) / f"{name}.parquet" for name in rule.sets}
        compared = {name: sha256_of(file) if file.is_file() else None for name, file in files.items()}
    found = {
        "rules": RULES,
        "parts": parts,
        "checksums": dict(checksums),
        "combined": settings.combined,
        "template": settings.template.messages,
        "overlap": settings.overlap,
        "overlap_rule": [rule.words, rule.similarity],
        "benchmarks": compared,
        "malformed_limit": settings.malformed_limit,
        # As it was before there was the choice: sets that were prepared then are the same.
        **({"difficulty": [measured.sha256, measured.low, measured.high]} if measured else {}),
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))  # as it reads back from the record
    return plain


def _is_done(folder: Path, wanted: dict[str, Any]) -> bool:
    record = _read_record(folder)
    if record is None or record.get("identity") != wanted:
        return False
    lines = [line.split("  ", 1) for line in (folder / CHECKSUMS).read_text().splitlines()]
    return all((folder / name).is_file() and sha256_of(folder / name) == checksum for checksum, name in lines)


def _read_record(folder: Path) -> dict[str, Any] | None:
    file = folder / RECORD
    if not file.is_file() or not (folder / CHECKSUMS).is_file():
        return None
    try:
        record = read_mapping(file)
    except ValueError:
        return None
    return record if record.get("target") == "recipes.prepare_data" else None


def _refuse_other(folder: Path, settings: Settings) -> None:
    """Never overwrite what was made by hand, and what was made from something else only when told to."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    if _read_record(folder) is None:
        raise UserError(f"{folder} holds files that were not prepared here: move them away, or write output_root=….")
    if settings.on_existing != "replace":
        raise UserError(
            f"{folder} was prepared from another source or configuration (see its {RECORD}), or was changed since: "
            "write on_existing=replace to prepare it anew, or output_root=<another folder> to keep both."
        )


def _swap(new: Path, folder: Path) -> None:
    old = None
    if folder.exists():
        old = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
        folder.rename(old)
    new.rename(folder)
    if old is not None:
        shutil.rmtree(old)
