"""The data card: what the folder holds, where it is from, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from recipes.prepare_data.difficulty import Difficulty
from recipes.prepare_data.dropped import Report
from recipes.prepare_data.part import Prepared
from recipes.prepare_data.settings import Settings, Source
from recipes.prepare_data.sources import Fetched


def card(
    settings: Settings,
    prepared: list[Prepared],
    fetched: Mapping[str, Fetched],
    report: Report,
    measured: Difficulty | None = None,
) -> str:
    """The card as Markdown."""
    sections = [
        f"# {settings.name}",
        settings.about.strip(),
        "Prepared by `python -m recipes.prepare_data`. `report.jsonl` names every row that was dropped or is special; "
        "`sha256sum -c checksums.sha256` verifies the files; `build.json` records the configuration.",
        *_sources(settings, fetched),
        *_counts(prepared),
        *_reasons(report),
        *_overlap(settings),
        *_difficulty(measured, prepared),
        *_template(settings, prepared),
    ]
    return "\n\n".join(sections) + "\n"


def sources_of(settings: Settings) -> dict[str, Source | None]:
    """Every file that is needed, by the key under which a local one can be given."""
    found: dict[str, Source | None] = {}
    for name, part in settings.parts.items():
        found[name] = part.source
        if part.alternatives:
            found[f"{name}_alternatives"] = part.alternatives.source
    return found


def _sources(settings: Settings, fetched: Mapping[str, Fetched]) -> list[str]:
    rows = [
        f"| {name} | {_where(source, fetched[name])} | {fetched[name].revision or 'unknown'} | "
        f"{source.licence if source else 'unknown'} | `{fetched[name].sha256}` |"
        for name, source in sources_of(settings).items()
    ]
    return ["## Sources", "\n".join(["| file | from | revision | licence | sha256 |", "|---|---|---|---|---|", *rows])]


def _where(source: Source | None, fetched: Fetched) -> str:
    if source is None or fetched.revision is None:
        return f"a local file, {fetched.path.name}"
    return f"{source.repository} : {source.path}"


def _counts(prepared: list[Prepared]) -> list[str]:
    stages = list(dict.fromkeys(stage for one in prepared for stage in one.counts))
    head = ["| file | " + " | ".join(stages) + " |", "|---" * (len(stages) + 1) + "|"]
    rows = [
        f"| {one.part.file_name}.parquet | "
        + " | ".join(f"{one.counts[stage]:,}" if stage in one.counts else "" for stage in stages)
        + " |"
        for one in prepared
    ]
    return ["## Rows after each stage", "\n".join(head + rows)]


def _reasons(report: Report) -> list[str]:
    rows = [f"| {part} | {action} | {reason} | {n:,} |" for (part, action, reason), n in report.counts.items()]
    if not rows:
        return ["## Dropped, or kept with a remark", "Nothing."]
    return ["## Dropped, or kept with a remark", "\n".join(["| file | | why | rows |", "|---|---|---|---|", *rows])]


def _overlap(settings: Settings) -> list[str]:
    if all(part.benchmark for part in settings.parts.values()):
        return []
    rule = settings.overlap_with
    text = (
        f"`overlap={settings.overlap}` against {', '.join(rule.sets)}: the same text but for typesetting, or "
        f"{rule.words} words in a row in common and a longest common subsequence of at least {rule.similarity} of the "
        "shorter problem's words. Each pair is in `report.jsonl`."
    )
    return ["## Overlap with the benchmarks", "Not checked." if settings.overlap == "ignore" else text]


def _difficulty(measured: Difficulty | None, prepared: list[Prepared]) -> list[str]:
    """How many problems of each share there were, and which are kept."""
    if measured is None:
        return []
    shares = [share for share in measured.shares.values() if share is not None]
    tenths = Counter(min(int(share * 10), 9) for share in shares if 0 < share < 1)
    rows = [("0", shares.count(0.0))]
    rows += [(f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}", tenths[tenth]) for tenth in range(10)]
    rows += [("1", shares.count(1.0))]
    kept = [
        share for one in prepared for problem in one.problems if (share := measured.shares.get(problem.id)) is not None
    ]
    text = (
        f"Share of right answers of each problem, measured by {measured.by}. Kept: from {measured.low:g} to "
        f"{measured.high:g}, both included; their mean share is {sum(kept) / max(len(kept), 1):.3f}. What was not "
        "measured is dropped."
    )
    table = [
        "| share of right answers | problems measured |",
        "|---|---|",
        *(f"| {name} | {n:,} |" for name, n in rows),
    ]
    return ["## Difficulty", text, "\n".join(table)]


def _template(settings: Settings, prepared: list[Prepared]) -> list[str]:
    messages = settings.template.render(prepared[0].problems[0].text)
    example = "\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)
    fence = "`" * 4
    return [
        f"## Prompt template: {settings.template.name}",
        f"{settings.template.source} The first row:",
        f"{fence}text\n{example}\n{fence}",
    ]
