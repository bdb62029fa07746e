"""Tables as Markdown, LaTeX and HTML."""

from collections.abc import Callable
from html import escape

from pandas import DataFrame

Frames = dict[str, DataFrame]

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tables</title>
<style>
  :root {{ color-scheme: light dark }}
  body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 80em; padding: 0 1em }}
  div {{ overflow-x: auto }}
  table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
  th, td {{ padding: .2em .7em; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap }}
  th:first-child, td:first-child {{ text-align: left }}
</style>
<p>{note}</p>
{tables}
</html>
"""


def markdown(frames: Frames, note: str) -> str:
    """One section per table."""
    parts = [note]
    for title, frame in frames.items():
        lines = [list(frame.columns), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
        rows = "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
        parts.append(f"## {title}\n\n{rows}")
    return "\n\n".join(parts) + "\n"


def latex(frames: Frames, note: str) -> str:
    """One booktabs table each."""
    tables = [
        frame.to_latex(
            index=False, escape=True, caption=_escaped(title), column_format="ll" + "r" * (frame.shape[1] - 2)
        )
        for title, frame in frames.items()
    ]
    return f"% {note}\n% \\usepackage{{booktabs}}\n" + "\n".join(tables)


def _escaped(text: str) -> str:
    for character in "&%#_":
        text = text.replace(character, f"\\{character}")
    return text


def html(frames: Frames, note: str) -> str:
    """One page for light and dark screens; wide tables scroll."""
    tables = [
        f"<h2>{escape(title)}</h2>\n<div>{frame.to_html(index=False, border=0)}</div>"
        for title, frame in frames.items()
    ]
    return PAGE.format(note=escape(note), tables="\n".join(tables))


FORMATS: dict[str, Callable[[Frames, str], str]] = {"md": markdown, "tex": latex, "html": html}
