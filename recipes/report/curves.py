"""Gradient weight against ratio for every choice of `policy_loss`, computed by the losses from the composed configs.

A curve is w = −slope/Â of losses.surrogate.slope_and_sums, so it holds everything that training does to a token (dual
clip included). Â is ±1, and the token stands in a response of RESPONSE_LENGTH tokens that all have the same ratio.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from losses import extras
from losses.method import MethodConfig
from losses.surrogate import slope_and_sums
from losses.tokens import Tokens
from recipes.common.errors import UserError, as_user_error
from recipes.common.paths import config_dir
from recipes.config import compose

LARGEST_RATIO = 4.0
# An odd number of ratios from 1/4 to 4, so that r = 1 is among them.
LOG_RATIO = torch.linspace(-math.log(LARGEST_RATIO), math.log(LARGEST_RATIO), 1921, dtype=torch.float64)
SIGNS = (1.0, -1.0)
OLD_PROBABILITIES = (0.5, 0.1)
RESPONSE_LENGTH = 8
ENTROPY = 1.0  # nats
# What is drawn of a method whose weight depends on more than ratio, sign and old probability.
STANDS_FOR = {extras.ENTROPY: f"at an entropy of {ENTROPY:g} nat", extras.STATISTICS: "at the bounds it starts from"}
SYMBOLS = {"clip_ratio_low": "ε_low", "clip_ratio_high": "ε_high", "clip_ratio_c": "c", "dppo_quadratic": "τ"}
# What stands beside `policy_loss` in the actor's config and reaches a weight.
OF_THE_ACTOR = ("clip_ratio", "clip_ratio_low", "clip_ratio_high", "clip_ratio_c", "tau_pos", "tau_neg")
ACTOR = "actor_rollout_ref.actor"
# Rounding of log π_old reaches a weight; where a clip begins it does not move it to another point of the grid.
_equal = functools.partial(np.allclose, rtol=1e-9, atol=1e-12)

Curves = dict[tuple[float, float], np.ndarray]  # (sign of Â, π_old) → w at every ratio of the grid


@dataclass(frozen=True)
class Panel:
    """The curves of one choice of `policy_loss`, or of several that have the same.

    Attributes:
        choices: names of the YAMLs.
        method: its name in losses.registry.METHODS.
        curves: one per sign of the advantage and old probability, the latter only if it makes a difference.
        regions: trust region by old probability, bounds of the ratio (see `trust_region`).
        notes: what a reader needs to know beside the name.
    """

    choices: tuple[str, ...]
    method: str
    curves: Curves
    regions: dict[float, tuple[float, float]]
    notes: tuple[str, ...]


def composed_actor(words: Sequence[str]) -> SimpleNamespace:
    """What a weight reads of the actor's config, as a training with these overrides and flags would have it.

    The method is made from its `_target_`, as verl does it, but without verl, whose import takes longer than the rest.

    Returns:
        `policy_loss`, a MethodConfig, and OF_THE_ACTOR.

    Raises:
        UserError: they don't compose, a hyper-parameter is refused, or the method is none of losses.method.
    """
    config = compose.compose(words).actor_rollout_ref.actor
    with as_user_error(InstantiationException, ValueError, TypeError):
        method = instantiate(config.policy_loss, _convert_="partial")
    if not isinstance(method, MethodConfig):
        raise UserError(
            f"policy_loss.loss_mode={config.policy_loss.loss_mode}: no losses.method.MethodConfig, so it has no "
            "gradient weight of its own. Write policy_loss=<one of ours>, as dgpo, or see docs/extending.md."
        )
    return SimpleNamespace(policy_loss=method, **{name: config[name] for name in OF_THE_ACTOR})


def shipped_actor(choice: str) -> SimpleNamespace:
    """See `composed_actor`, with `policy_loss=<choice>` and nothing else changed."""
    return composed_actor([f"policy_loss={choice}"])


def all_choices(configs: Path | None = None) -> list[str]:
    """Names of all YAMLs in the folder policy_loss of `configs` (ours where none is given), sorted."""
    return sorted(path.stem for path in ((configs or config_dir()) / "policy_loss").glob("*.yaml"))


def register_choices(folders: Sequence[str]) -> None:
    """Import the methods whose YAMLs lie in these folders of somebody's own, which registers them.

    Raises:
        UserError: there is no such folder, or one of its methods can't be made.
    """
    for folder in folders:
        for choice in all_choices(Path(folder)) or [""]:
            composed_actor([f"--config-dir={folder}", *([f"policy_loss={choice}"] if choice else [])])


def illustration(actor: Any, log_prob: torch.Tensor) -> extras.Extras:
    """Entropy ENTROPY everywhere, and the statistics of a mini-batch without advantages."""
    method = actor.policy_loss
    statistics = None
    if extras.STATISTICS in method.needs:
        nothing = torch.zeros(1, 1, dtype=log_prob.dtype)
        statistics = method.batch_statistics(Tokens.build(nothing, nothing, nothing, nothing), actor)
    return extras.Extras(entropy=torch.full_like(log_prob, ENTROPY), statistics=statistics)


def weight(actor: Any, sign: float, old_probability: float, whole_response: bool = True) -> np.ndarray:
    """w at every ratio of the grid.

    Args:
        actor: see `composed_actor`.
        sign: Â, +1 or −1.
        old_probability: π_old of the token.
        whole_response: whether the other tokens of the response have the same ratio, or ratio 1.

    Returns:
        w, (N,), float64.
    """
    shape = (len(LOG_RATIO), RESPONSE_LENGTH)
    log_ratio = LOG_RATIO.unsqueeze(1).expand(shape).clone()
    if not whole_response:
        log_ratio[:, 1:] = 0.0
    old_log_prob = torch.full(shape, math.log(old_probability), dtype=torch.float64)
    advantages, mask = torch.full_like(old_log_prob, sign), torch.ones(shape, dtype=torch.bool)
    available = illustration(actor, old_log_prob)
    slope, _ = slope_and_sums(old_log_prob + log_ratio, old_log_prob, advantages, mask, None, available, actor)
    return (-slope / advantages)[:, 0].numpy()


def trust_region(curves: Curves, old_probability: float) -> tuple[float, float] | None:
    """The ratios around 1 within which w follows the same power of r for each sign, here to the end of the grid.

    The power is 1 for importance weighting, and changes where a clip or a decay begins. Read from the curves, the
    region is right for methods whose bounds are not 1−ε_low and 1+ε_high. None where it is a single point: a weight
    that bends right at r = 1, or a region narrower than the grid.
    """
    log_r = LOG_RATIO.numpy()
    middle = len(log_r) // 2
    same = np.ones(len(log_r) - 1, dtype=bool)  # of the steps between neighbouring ratios
    for sign in SIGNS:
        with np.errstate(divide="ignore", invalid="ignore"):
            power = np.diff(np.log(curves[sign, old_probability])) / np.diff(log_r)
        same &= np.isclose(power, power[middle], rtol=0, atol=1e-6)
    bends = [int(step) for step in np.flatnonzero(~same)]  # step i leads from ratio i to ratio i + 1
    if middle - 1 in bends or middle in bends:
        return None
    left = max((bend + 1 for bend in bends if bend < middle), default=0)
    right = min((bend for bend in bends if bend > middle), default=len(log_r) - 1)
    return math.exp(log_r[left]), math.exp(log_r[right])


def _changes(actor: Any, base: Any) -> list[str]:
    """What a preset sets differently from the choice that bears the method's own name."""
    found = []
    own = [field.name for field in fields(actor.policy_loss)]
    for one, other, names in ((actor, base, OF_THE_ACTOR), (actor.policy_loss, base.policy_loss, own)):
        for name in names:
            value = getattr(one, name)
            if isinstance(value, int | float) and value != getattr(other, name):
                shown = str(value).lower() if isinstance(value, bool) else f"{value:g}"
                found.append(f"{SYMBOLS.get(name, name)}={shown}")
    return found


def panel(choice: str, actor: Any, notes: Sequence[str] = ()) -> Panel:
    """The curves of one actor config.

    Args:
        choice: what it is called.
        actor: see `composed_actor`.
        notes: what a reader needs to know, beside what is said of every method.

    Raises:
        UserError: the weight depends on what no curve over the ratio can show.
    """
    if extras.CORRECT in actor.policy_loss.needs:
        raise UserError(
            f"policy_loss={choice} with these options needs to know which responses are correct, which a curve over "
            "the ratio can't show. Leave that option out."
        )
    method = actor.policy_loss.method
    curves = {(sign, old): weight(actor, sign, old) for sign in SIGNS for old in OLD_PROBABILITIES}
    first = OLD_PROBABILITIES[0]
    if all(_equal(curve, curves[sign, first]) for (sign, _), curve in curves.items()):
        curves = {(sign, first): curves[sign, first] for sign in SIGNS}
    regions = {old: trust_region(curves, old) for _, old in curves}
    notes = [*notes, *(STANDS_FOR[name] for name in sorted(actor.policy_loss.needs))]
    if any(not _equal(weight(actor, sign, first, False), curves[sign, first]) for sign in SIGNS):
        notes.append(f"{RESPONSE_LENGTH} tokens, all at r")
    return Panel((choice,), method, curves, {old: found for old, found in regions.items() if found}, tuple(notes))


def _same(one: Panel, other: Panel) -> bool:
    return one.curves.keys() == other.curves.keys() and all(
        _equal(one.curves[case], other.curves[case]) for case in one.curves
    )


@functools.cache
def panels() -> tuple[Panel, ...]:
    """One panel per choice, alphabetically; a choice with the same curves as its method's own joins that panel."""
    actors = {choice: shipped_actor(choice) for choice in all_choices()}
    found: dict[str, Panel] = {}
    for choice in sorted(actors, key=lambda name: (name != actors[name].policy_loss.method, name)):
        method = actors[choice].policy_loss.method
        one = panel(choice, actors[choice], [] if choice == method else _changes(actors[choice], actors[method]))
        base = found.get(method)
        if base is not None and _same(one, base):
            found[method] = replace(base, choices=(*base.choices, choice))
        else:
            found[choice] = one
    return tuple(found[choice] for choice in sorted(found))


def panel_of(words: Sequence[str]) -> Panel:
    """The curves of one choice with hyper-parameters of one's own.

    Args:
        words: of a training's command line; of keys of the method and the actor (`dgpo_n=2`, `clip_ratio_low=0.3`)
            the last part is enough.

    Raises:
        UserError: see `composed_actor` and `panel`.
    """
    choice = next((word.partition("=")[2] for word in words if word.startswith("policy_loss=")), None)
    actor = composed_actor([_whole_key(word) for word in words])
    own = [word for word in words if "=" in word and not word.startswith(("-", "policy_loss=", "hydra."))]
    return panel(choice or actor.policy_loss.method, actor, [_short_key(word) for word in own])


def _whole_key(word: str) -> str:
    """`dgpo_n=2` → `actor_rollout_ref.actor.policy_loss.dgpo_n=2`; flags, groups and whole keys as they are."""
    key, equals, _ = word.partition("=")
    if not equals or word.startswith("-") or "." in key or key in compose.TRAIN.groups:
        return word
    return f"{ACTOR}.{word}" if key in OF_THE_ACTOR else f"{ACTOR}.policy_loss.{word}"


def _short_key(word: str) -> str:
    key, _, value = word.partition("=")
    name = key.rpartition(".")[2]
    return f"{SYMBOLS.get(name, name)}={value}"
