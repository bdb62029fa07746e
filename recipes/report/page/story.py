"""A run in words: what was trained on what, what came out, how long it took, how it ended."""

import re
import statistics
from pathlib import Path
from typing import Any

from recipes.common import durations
from recipes.report.page.ending import ending, seconds_taken
from recipes.report.page.run_files import RunFiles, within
from recipes.report.page.sanitize import display_text
from recipes.report.page.series import not_finite, number
from recipes.runs import alarms
from recipes.runs.metrics import ACCURACY, REWARD, TOKENS

ACTOR = "actor_rollout_ref.actor."
_CACHED = re.compile(r"^(?:inputs|models|tasks)-(.+)-[0-9a-f]{10}$")  # a prepared folder, see recipes.inputs.cache
NORMAL = 1.96  # half a 95 % interval in standard errors


def story(run: RunFiles) -> dict[str, Any]:
    """Everything that the head of the page says about one run; text and finite numbers only."""
    end = ending(run)
    found = [*run.notes, *filter(None, [not_finite(run.rows)])]
    return {
        "status": end.word,
        "ending": end.sentence,
        "cause": end.cause,
        "method": method(run),
        "model": model(run),
        "data": data(run),
        "settings": settings(run),
        "accuracy": accuracy(run.rows),
        "reward": reward(run.rows),
        "steps": run.rows[-1]["step"] if run.rows else 0,
        "planned": number(run.setting("trainer.total_training_steps")),
        "batch": batch(run),
        "time": durations.words(seconds_taken(run)) if run.attempts else "",
        "attempts": len(run.attempts),
        "tokens": sum(number(row["data"].get(TOKENS)) or 0 for row in run.rows),
        "machine": machine(run),
        "notes": [display_text(note, 500) for note in found],
        "alarms": [_alarm(alarm) for alarm in alarms.of_rows(run.rows)],
    }


def method(run: RunFiles) -> str:
    """Name of the method, from its config class: `dgpo.config.DGPOConfig` is DGPO."""
    target = run.setting(f"{ACTOR}policy_loss._target_") or run.setting(f"{ACTOR}policy_loss.loss_mode")
    name = str(target or "").rsplit(".", 1)[-1].removesuffix("Config")
    return display_text(name, 60) or "unknown method"


def settings(run: RunFiles) -> list[str]:
    """The hyper-parameters of the method that a reader would ask for first."""
    policy_loss = run.setting(f"{ACTOR}policy_loss")
    policy_loss = policy_loss if isinstance(policy_loss, dict) else {}
    prefix = str(policy_loss.get("loss_mode", "")).removesuffix("_weighted")
    own = {key: value for key, value in policy_loss.items() if prefix and str(key).startswith(f"{prefix}_")}
    shown = [f"{key}={value}" for key, value in own.items() if isinstance(value, int | float)]
    low, high = run.setting(f"{ACTOR}clip_ratio_low"), run.setting(f"{ACTOR}clip_ratio_high")
    if low is not None and high is not None:
        shown.append(f"ε = {low} / {high}")
    rate = number(run.setting(f"{ACTOR}optim.lr"))
    if rate is not None:
        shown.append(f"learning rate {_plain(rate)}")
    return [display_text(one, 100) for one in shown[:12]]


def _plain(value: float) -> str:
    """1e-6, not 1e-06."""
    return re.sub(r"e([+-])0+", r"e\1", f"{value:g}")


def model(run: RunFiles) -> str:
    """Name of the model, without the way to it."""
    return _short_name(run.setting("actor_rollout_ref.model.path"), "unknown model")


def data(run: RunFiles) -> str:
    """Name of the training data."""
    files = run.setting("data.train_files")
    first = files[0] if isinstance(files, list) and files else files
    if not isinstance(first, str):
        return "unknown data"
    stem = Path(first).stem
    return _short_name(str(Path(first).parent), stem) if stem in ("train", "training") else display_text(stem, 80)


def _short_name(path: Any, unknown: str) -> str:
    name = Path(path).name if isinstance(path, str) else ""
    cached = _CACHED.match(name)
    return display_text(cached[1] if cached else name, 80) or unknown


def batch(run: RunFiles) -> str:
    """Prompts and responses of a step."""
    prompts, responses = run.setting("data.train_batch_size"), run.setting("actor_rollout_ref.rollout.n")
    return f"{prompts} prompts × {responses} responses" if prompts and responses else ""


def machine(run: RunFiles) -> str:
    """What it ran on, in a few words."""
    cards = within(run.manifest, "machine.gpus")
    nodes = run.setting("trainer.nnodes", 1)
    if isinstance(cards, list) and cards:
        what = f"{len(cards)} × {cards[0]}"
    else:
        cores, name = within(run.manifest, "machine.cores"), within(run.manifest, "machine.processor")
        features = within(run.manifest, "machine.features")
        what = f"{cores} cores of {name}" if cores else ""
        if what and isinstance(features, list) and features:
            what += f" ({', '.join(map(str, features))})"
    return display_text(f"{nodes} nodes, the first with {what}" if what and nodes != 1 else what, 120)


def accuracy(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per benchmark its accuracy before and after, with standard errors where they were measured."""
    found: dict[tuple[str, str], list[tuple[int, float, float | None]]] = {}
    for row in rows:
        for name, value in row["data"].items():
            match, mean = re.match(ACCURACY, name), number(value)
            if match and mean is not None:
                error = number(row["data"].get(f"val-aux/{match[1]}/acc/stderr@{match[2]}"))
                found.setdefault((match[1], match[2]), []).append((row["step"], mean, error))
    return [
        {"name": display_text(name, 80), "samples": int(samples), "before": _point(ends[0]), "after": _point(ends[-1])}
        for (name, samples), ends in sorted(found.items())
    ]


def _point(point: tuple[int, float, float | None]) -> dict[str, Any]:
    step, mean, error = point
    return {"step": step, "mean": mean, "half": None if error is None else NORMAL * error}


def reward(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Mean reward over the first and over the last tenth of the steps (at most ten)."""
    values = [number(row["data"].get(REWARD)) for row in rows]
    known = [value for value in values if value is not None]
    if not known:
        return None
    window = max(1, min(10, len(known) // 10))
    return {
        "window": window,
        "before": statistics.mean(known[:window]),
        "after": statistics.mean(known[-window:]),
    }


def _alarm(alarm: alarms.Alarm) -> dict[str, Any]:
    return {
        "name": display_text(alarm.name, 80),
        "first": alarm.first_step,
        "last": alarm.last_step,
        "sentence": display_text(alarm.sentence, 600),
        "anchor": display_text(alarm.anchor, 80),
    }
