"""docs/images/house.svg, drawn from the imports: `python tests/contract/house_picture.py` writes it again.

Rooms and floors are those of test_layers.py. An arrow says "imports"; one that a longer way makes superfluous is left
out (recipes.train → recipes.checks, where recipes.train → recipes.doctor → recipes.checks).
"""

import argparse
import ast
import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

from test_layers import MAY_IMPORT, ROOT, arrows, floors, modules, ours

PICTURE = ROOT / "docs" / "images" / "house.svg"
WIDTH, BOX, LINE = 1320, 204, 15  # pixels: of the picture, of a room, of a line of text
LETTERS = 30  # of a line of text in a room
SWEEPS = 12  # over the floors, until neighbours stand below each other
KINDS = {
    "command": "what one runs",
    "shared": "what commands share",
    "own": "what we add to verl: weights and verdicts",
}
STYLE = """
    .command rect { fill: #3949ab } .shared rect { fill: #546e7a } .own rect { fill: #00695c }
    .name { fill: #fff; font-size: 14px; font-weight: 600 } .what { fill: #fff; font-size: 11.5px }
    .line { stroke: #7e8a97; stroke-width: 1.6; fill: none; marker-end: url(#head) }
    .note { fill: #7e8a97; font-size: 13px }
  """
HEAD = (
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 10 5 0 10z" fill="#7e8a97"/></marker></defs>'
)

Arrow = tuple[str, str]
Place = str | tuple[str, str, int]  # a room, or where an arrow passes a floor


def kind(room: str) -> str:
    """One of KINDS."""
    if not room.startswith("recipes"):
        return "own"
    source = modules()[room]
    return "command" if source.name != "__init__.py" or (source.parent / "__main__.py").is_file() else "shared"


def what_for(room: str) -> str:
    """The first sentence of its docstring."""
    text = ast.get_docstring(ast.parse(modules()[room].read_text())) or ""
    first = " ".join(text.split("\n\n")[0].split()).replace("`", "")
    return first.partition(". ")[0].partition(": python")[0].removesuffix(".")


def needed() -> set[Arrow]:
    """Which room imports which, without what follows from the rest."""
    below: dict[str, set[str]] = {room: set() for room in MAY_IMPORT}
    for _, here, there in arrows(MAY_IMPORT, ours()):
        below[here].add(there)
    reached: dict[str, set[str]] = {}
    for room in MAY_IMPORT:  # from the ground up
        reached[room] = below[room].union(*(reached[other] for other in below[room]))
    return {
        (room, other)
        for room, direct in below.items()
        for other in direct
        if not any(other in reached[between] for between in direct)
    }


def ways(found: set[Arrow], floor: dict[str, int]) -> list[list[Place]]:
    """Each arrow as the places that it passes, from floor to floor."""
    return [
        [here, *((here, there, height) for height in range(floor[here] - 1, floor[there], -1)), there]
        for here, there in sorted(found)
    ]


def ordered(lines: Sequence[Sequence[Place]], floor: dict[str, int]) -> dict[int, list[Place]]:
    """Floor → its places from left to right: each near the mean of those that it is joined to."""
    rows: dict[int, list[Place]] = {height: [] for height in sorted(set(floor.values()))}
    for place in dict.fromkeys([*floor, *(place for line in lines for place in line)]):
        rows[floor[place] if isinstance(place, str) else place[2]].append(place)
    joined: dict[Place, list[Place]] = {place: [] for row in rows.values() for place in row}
    for line in lines:
        for upper, lower in pairwise(line):
            joined[upper].append(lower)
            joined[lower].append(upper)
    for sweep in range(SWEEPS):
        for height in sorted(rows, reverse=bool(sweep % 2)):
            x = {place: position for row in rows.values() for place, position in positions(row).items()}
            rows[height].sort(key=lambda place: sum(x[other] for other in joined[place]) / max(1, len(joined[place])))
    return rows


def positions(row: Sequence[Place]) -> dict[Place, float]:
    """Middle of each place of a floor, pixels from the left."""
    widths = [BOX if isinstance(place, str) else 14 for place in row]
    gap = (WIDTH - sum(widths)) / (len(row) + 1)
    edges = [gap * (index + 1) + sum(widths[:index]) for index in range(len(row))]
    return {place: edge + width / 2 for place, edge, width in zip(row, edges, widths, strict=True)}


def box(room: str, x: float, y: float, height: float) -> str:
    """A room as SVG."""
    lines = textwrap.wrap(what_for(room), LETTERS)
    words = "".join(
        f'<text class="what" x="{x:.0f}" y="{y + 38 + LINE * index:.0f}">{escape(line)}</text>'
        for index, line in enumerate(lines)
    )
    return (
        f'<g class="{kind(room)}"><rect x="{x - BOX / 2:.0f}" y="{y:.0f}" width="{BOX}" height="{height:.0f}" rx="8"/>'
        f'<text class="name" x="{x:.0f}" y="{y + 20:.0f}">{room.replace(".", "/")}</text>{words}</g>'
    )


def curve(line: Sequence[tuple[float, float, float]]) -> str:
    """An arrow through (middle, top, bottom) of the places that it passes."""
    path = f"M{line[0][0]:.0f} {line[0][2]:.0f}"
    for (x, _, bottom), (to_x, to_top, to_bottom) in pairwise(line):
        half = (bottom + to_top) / 2
        path += f"C{x:.0f} {half:.0f} {to_x:.0f} {half:.0f} {to_x:.0f} {to_top:.0f}"
        if (to_x, to_top, to_bottom) != line[-1]:
            path += f"V{to_bottom:.0f}"
    return f'<path class="line" d="{path}"/>'


def drawn() -> str:
    """The picture."""
    floor = floors(MAY_IMPORT)
    lines = ways(needed(), floor)
    rows = ordered(lines, floor)
    height = 31 + LINE * max(len(textwrap.wrap(what_for(room), LETTERS)) for room in floor)
    step, top = height + 66, 40
    where = {
        place: (x, top + (max(rows) - level) * step, top + (max(rows) - level) * step + height)
        for level, row in rows.items()
        for place, x in positions(row).items()
    }
    parts = [*_legend(), *(curve([where[place] for place in line]) for line in lines)]
    parts += [box(room, *where[room][:2], height) for room in floor]
    title = "Which folder imports which: " + "; ".join(f"{here} imports {there}" for here, there in sorted(needed()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + len(rows) * step - 60:.0f}" role="img"\n'
        "     font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif\""
        ' text-anchor="middle">\n'
        f"  <!-- Written by tests/contract/house_picture.py. -->\n  <title>{escape(title)}</title>\n"
        f"  <style>{STYLE}</style>\n"
        f"  {HEAD}\n  " + "\n  ".join(parts) + "\n</svg>\n"
    )


def _legend() -> Iterator[str]:
    x = 16.0
    for name, words in KINDS.items():
        yield f'<g class="{name}"><rect x="{x:.0f}" y="8" width="14" height="14" rx="3"/></g>'
        yield f'<text class="note" x="{x + 20:.0f}" y="20" text-anchor="start">{words}</text>'
        x += 60 + 6.6 * len(words)
    yield f'<text class="note" x="{WIDTH - 16}" y="20" text-anchor="end">an arrow: imports</text>'


def main() -> None:
    """Write the picture."""
    argparse.ArgumentParser(description=__doc__.split("\n\n")[0]).parse_args()
    PICTURE.write_text(drawn(), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
