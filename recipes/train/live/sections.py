"""What the lines of the live view say: a label, and parts of which as many are shown as fit."""

import math
from collections.abc import Sequence

from rich.text import Text

from recipes.common import durations
from recipes.runs import metrics
from recipes.train.live import charts, step_time
from recipes.train.live.formats import Line, number, share
from recipes.train.live.history import History
from recipes.train.live.startup import Startup

SPARKLINE = 24  # characters


def training(history: History, running: float, width: int, ascii_only: bool) -> list[Line]:
    """Lines once a step is done; what the run does not measure has none.

    Args:
        history: metrics so far.
        running: seconds since the latest step ended.
        width: characters beside the label.
        ascii_only: no Unicode.
    """
    lines = [
        _progress(history, running, width, ascii_only),
        _with_sparkline(history, "reward", metrics.REWARD, width, ascii_only),
        *validation(history, width, ascii_only),
        _responses(history),
        _entropy(history, width, ascii_only),
        *_boundary(history),
        *_scorer(history),
        *step_time.lines(history, width, ascii_only),
    ]
    return [line for line in lines if line[1]]


def starting(history: History, startup: Startup, width: int, ascii_only: bool) -> list[Line]:
    """Lines before the first step is done."""
    *over, (_, seconds) = startup.durations()
    done = [f"{name} {durations.clock(took)}" for name, took in over if took >= 1]
    step = f", {history.first} of {history.last} steps are done" if history.first else f", {history.last} steps to go"
    lines: list[Line] = [
        ("start", [f"{durations.clock(startup.elapsed())}{step}"]),
        ("now", [f"{startup.phase}, {durations.clock(seconds)} so far"]),
    ]
    lines += [("done" if place == 0 else "", [words]) for place, words in enumerate(_wrapped(done, width))]
    return lines + validation(history, width, ascii_only)


def _wrapped(words: Sequence[str], width: int) -> list[Text]:
    """Words over as many lines as they need."""
    lines: list[Text] = []
    rest = list(words)
    while rest:
        taken = len(rest)
        while taken > 1 and len(", ".join(rest[:taken])) > width:
            taken -= 1
        lines.append(Text(", ".join(rest[:taken])))
        rest = rest[taken:]
    return lines


def _progress(history: History, running: float, width: int, ascii_only: bool) -> Line:
    if history.step >= history.last:
        words = ["done"]
    else:
        left = f"left {durations.clock(history.left(running))}"
        words = [left, f"step {history.step + 1}: {durations.clock(running)}"]
    each = history.seconds_per_step()
    if each is not None:
        words.insert(1, f"{each:.1f} s/step")
    room = width - sum(len(word) + 2 for word in words)
    drawn = charts.bar(history.step / max(history.last, 1), max(8, min(room, SPARKLINE)), ascii_only)
    steps = f"{history.step}/{history.last}"
    return (f"step {steps}" if len(steps) <= 6 else steps), [drawn, *words]


def _with_sparkline(history: History, label: str, name: str, width: int, ascii_only: bool) -> Line:
    drawn = charts.sparkline(history.series(name, SPARKLINE), min(SPARKLINE, width - 8), ascii_only)
    return label, [number(history.value(name)), Text(drawn, "green")]


def validation(history: History, width: int, ascii_only: bool) -> list[Line]:
    """Avg@n on the validation problems: the latest, its standard error, all of them, the first and the best."""
    if not history.validations:
        return []
    values = [value for _, value in history.validations]
    now = number(values[-1])
    error = history.standard_error()
    if error is not None and math.isfinite(error):
        now.append(f" {'+-' if ascii_only else '±'} {error:.3f}")
    parts: list[Text | str] = [now, Text(charts.sparkline(values, min(SPARKLINE, width - 8), ascii_only), "green")]
    finite = [(value, step) for step, value in history.validations if math.isfinite(value)]
    if len(values) > 1 and finite:
        best, step = max(finite)
        parts += [f"best {best:.3f} at step {step}", f"first {values[0]:.3f}"]
    return [("validation", parts)]


def _responses(history: History) -> Line:
    truncated = history.value(metrics.TRUNCATED)
    parts: list[Text | str] = []
    if (mean := history.value(metrics.LENGTH)) is not None:
        parts.append(Text.assemble(number(mean, ",.0f" if mean >= 100 else ".1f"), " tokens"))
    if truncated is not None:
        parts.append(Text.assemble(share(truncated), " truncated"))
    if (longest := history.value(metrics.LONGEST)) is not None:
        parts.append(Text.assemble("longest ", number(longest, ",.0f")))
    return "responses", parts


def _entropy(history: History, width: int, ascii_only: bool) -> Line:
    label, parts = _with_sparkline(history, "entropy", metrics.ENTROPY, width, ascii_only)
    parts = list(parts)
    if (kl := history.value(metrics.KL)) is not None:
        parts.append(Text.assemble("kl ", number(kl, ".4f")))
    return label, parts if history.value(metrics.ENTROPY) is not None or kl is not None else []


def _boundary(history: History) -> list[Line]:
    """Tokens outside the trust region that push further out: LN (left, advantage < 0) and HP (right, > 0)."""
    parts: list[Text | str] = []
    for name, case in (("LN", "left_negative"), ("HP", "right_positive")):
        held, weight = history.value(metrics.TOKEN_SHARE + case), history.value(metrics.WEIGHT_MEAN + case)
        if held is None:
            continue
        said = Text.assemble(f"{name} ", share(held))
        if weight is not None:
            said = Text.assemble(said, " weight ", number(weight, ".2f"))
        parts.append(said)
    for name, metric in (("gate", metrics.GATE), ("sigma", metrics.SIGMA)):
        if (value := history.value(metric)) is not None:
            parts.append(Text.assemble(f"{name} ", number(value)))
    return [("boundary", parts)] if parts else []


def _scorer(history: History) -> list[Line]:
    statuses = {name: held for name, held in history.named(metrics.STATUS).items() if held != 0}
    parts = [
        Text.assemble(f"{name} ", share(held), style="red" if name in ("timeout", "crashed") else "")
        for name, held in statuses.items()
    ]
    return [("scorer", parts)] if parts else []
