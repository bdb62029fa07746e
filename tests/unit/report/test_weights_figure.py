"""The picture of the gradient weights shows what the losses compute, for every method."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import pyplot

import dgpo
import maspo
from losses.baselines import grpo
from recipes.plugin.methods import METHODS
from recipes.report import curves, weights
from recipes.report.__main__ import main

pytestmark = pytest.mark.xdist_group("policy losses")  # composed by tests/configs/test_compose.py, too
LOG_RATIO = curves.LOG_RATIO
RATIO = np.exp(LOG_RATIO.numpy())


@pytest.fixture(scope="module")
def by_choice() -> dict[str, curves.Panel]:
    return {choice: panel for panel in curves.panels() for choice in panel.choices}


def pure(choice: str, sign: float, old: float) -> np.ndarray:
    """The pure function of the method at the defaults that the YAMLs ship."""
    advantages, old_log_prob = torch.full_like(LOG_RATIO, sign), torch.full_like(LOG_RATIO, math.log(old))
    if choice == "maspo":
        return maspo.gradient_weight(LOG_RATIO, old_log_prob, advantages, maspo_alpha=0.3).numpy()
    if choice == "grpo":
        w = grpo.gradient_weight(LOG_RATIO, advantages, clip_ratio_low=0.2, clip_ratio_high=0.2).numpy()
        return np.where((sign < 0) & (RATIO > 3.0), 0.0, w)  # verl's dual clip
    return dgpo.gradient_weight(LOG_RATIO, advantages, dgpo_n=2 if choice == "dgpo-1.5b" else 1, dgpo_m=2).numpy()


@pytest.mark.parametrize("choice", ["dgpo", "dgpo-1.5b", "maspo", "grpo"])
def test_a_curve_is_the_pure_function_at_the_shipped_defaults(by_choice, choice: str) -> None:
    for (sign, old), drawn in by_choice[choice].curves.items():
        np.testing.assert_allclose(drawn, pure(choice, sign, old), rtol=1e-9)


def test_every_method_and_every_choice_has_curves_for_both_signs(by_choice) -> None:
    assert {panel.method for panel in by_choice.values()} == set(METHODS)
    assert set(by_choice) == set(curves.all_choices())
    for panel in by_choice.values():
        assert {sign for sign, _ in panel.curves} == {1.0, -1.0}
        assert all(len(curve) == len(RATIO) and np.isfinite(curve).all() for curve in panel.curves.values())


def test_two_old_probabilities_where_they_matter_and_only_there(by_choice) -> None:
    depends = {choice for choice, panel in by_choice.items() if len(panel.curves) > 2}
    assert depends == {"maspo", "maspo-1.5b", "dac", "dppo_tv", "dppo_tv-prime_rl", "dppo_kl", "drpo"}


@pytest.mark.parametrize(
    ("choice", "old", "region"),
    [
        ("dgpo", 0.5, (0.8, 1.2)),
        ("clip_higher", 0.5, (0.8, 1.28)),
        ("aspo", 0.5, (0.8, 1.2)),
        ("bapo", 0.5, (0.6, 1.2)),
        ("gmpo", 0.5, (math.exp(-0.4), math.exp(0.4))),
        ("dppo_tv", 0.5, (0.7, 1.3)),
        ("dppo_tv", 0.1, (0.25, 2.5)),  # at the left end of the grid: the probability can't fall by 0.15
        ("dac", 0.1, (0.5, 2.0)),
    ],
)
def test_the_band_is_the_trust_region_of_the_method(by_choice, choice: str, old: float, region) -> None:
    """To a step of the grid, 0.15%."""
    assert by_choice[choice].regions[old] == pytest.approx(region, rel=2e-3)


def test_no_band_where_the_weight_bends_at_once(by_choice) -> None:
    assert {choice for choice, panel in by_choice.items() if not panel.regions} == {
        *("maspo", "maspo-1.5b", "sapo", "topr", "drpo", "vespo", "respo", "dppo_tv-prime_rl"),
        "gspo",  # its region is narrower than a step
    }


def test_a_preset_says_what_it_changes_and_equal_choices_share_a_panel(by_choice) -> None:
    assert by_choice["dgpo-1.5b"].notes == ("dgpo_n=2",)
    assert by_choice["cispo-scalerl"].notes == ("ε_high=4", "cispo_two_sided=false")
    assert by_choice["dr_grpo"] is by_choice["grpo"]
    assert {choice for choice, panel in by_choice.items() if "8 tokens, all at r" in panel.notes} == {
        *("gspo", "gmpo", "topr", "vespo", "respo")
    }


def test_the_command_draws_all_choices(tmp_path: Path) -> None:
    """That the bytes are the same every time: test_one_choice_is_written_where_one_says_or_under_its_name."""
    picture = tmp_path / "new" / "all.png"
    main(["weights", "--output", str(picture)])
    height, width, _ = pyplot.imread(picture).shape
    assert width == 1920
    assert height > 1000


def test_a_place_that_cannot_be_written_is_an_error_with_a_cure(tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["weights", "--output", str(tmp_path / "file" / "w.png")])
    assert "Write --output=" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["weights", "--output", str(tmp_path / "w.jpg")])
    assert f"Write --output={tmp_path / 'w.png'}" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["weight"])


def test_one_choice_with_hyperparameters_of_ones_own() -> None:
    panel = curves.panel_of(["policy_loss=dgpo", "dgpo_n=3", "clip_ratio_high=0.5"])
    assert panel.choices == ("dgpo",) and panel.notes == ("dgpo_n=3", "ε_high=0.5")
    for (sign, _), drawn in panel.curves.items():
        advantages = torch.full_like(LOG_RATIO, sign)
        expected = dgpo.gradient_weight(LOG_RATIO, advantages, dgpo_n=3, dgpo_m=2, clip_ratio_high=0.5)
        np.testing.assert_allclose(drawn, expected.numpy(), rtol=1e-9)


def test_the_second_picture_is_the_weight_on_the_probabilitys_gradient(by_choice) -> None:
    """Right of the trust region w = √(1.2 r) grows with r, and w/r = √(1.2/r) falls: the point of DGPO's title."""
    left, right = weights.draw_one(by_choice["dgpo"]).axes
    lines = {axes: [line for line in axes.lines if line.get_linewidth() > 1] for axes in (left, right)}
    assert len(lines[left]) == len(lines[right]) == 2
    for on_log, on_probability in zip(lines[left], lines[right], strict=True):
        np.testing.assert_allclose(on_probability.get_ydata(), on_log.get_ydata() / RATIO, rtol=1e-12)
    falling = lines[right][0].get_ydata()[RATIO > 1.21]
    np.testing.assert_allclose(falling, np.sqrt(1.2 / RATIO[RATIO > 1.21]), rtol=1e-9)


def test_one_choice_is_written_where_one_says_or_under_its_name(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    main(["weights", "policy_loss=maspo", "--output", "w.png", "maspo_alpha=0.5"])
    main(["weights", "policy_loss=maspo", "maspo_alpha=0.5"])
    assert "Wrote outputs/weights/policy_loss=maspo_maspo_alpha=0.5.png" in capsys.readouterr().out
    (found,) = (tmp_path / "outputs" / "weights").iterdir()
    assert found.read_bytes() == (tmp_path / "w.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["policy_loss=maspp"], "Write policy_loss=maspo."),
        (["policy_loss=dgpo", "dgpo_nn=2"], "Write actor_rollout_ref.actor.policy_loss.dgpo_n=2."),
        (["policy_loss=dgpo", "dgpo_n=-1"], "policy_loss.dgpo_n=-1"),
        (
            ["policy_loss=dgpo", "actor_rollout_ref.actor.policy_loss.loss_mode=gpg"],
            "Write actor_rollout_ref.actor.policy_loss.loss_mode=dgpo",
        ),
        (["policy_loss=dgpo", "--config-dir=/no/such/folder"], "/no/such/folder: there is no such folder"),
        (["policy_loss=dgpo", "--bogus"], "unrecognized arguments: --bogus"),
    ],
)
def test_what_can_not_be_drawn_says_why(words: list[str], said: str, capsys) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["weights", *words])
    assert said in capsys.readouterr().err


def test_overrides_belong_to_weights_only(capsys) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["compare", "A", "B", "policy_loss=dgpo"])
    assert "unrecognized arguments: policy_loss=dgpo" in capsys.readouterr().err


def test_unlisted_choices_come_last() -> None:
    listed = curves.Panel((weights.ORDER[-1],), "", {}, {}, ())
    unlisted = curves.Panel(("a_new_method",), "", {}, {}, ())
    assert weights.in_order([unlisted, listed]) == [listed, unlisted]
