"""docs/metrics.md documents every metric that a run emits, and what alarms point to.

Names come from where they are made: our code and verl's functions are called, and real runs were recorded.
"""

import re
from pathlib import Path

import pytest
import torch
import yaml
from metrics_page import PAGE, guidance, names, rows, undocumented
from verl.trainer.ppo import rollout_corr_helper
from verl.trainer.ppo.core_algos import get_policy_loss_fn
from verl.trainer.ppo.v1 import trainer_base, trainer_separate_async, trainer_sync
from verl.utils.debug.metrics import calculate_debug_metrics
from verl.workers.config import ActorConfig

import recipes.plugin.register  # noqa: F401 (registers the losses)
from losses import extras
from losses.metrics import BOUNDARY_CASES, RATIO_EDGES, mean_weights
from losses.ratio_histogram import QUANTILES, RATIO_SHARES, ratio_quantiles
from losses.tokens import Tokens
from recipes.plugin import dynamic_sampling, responses, scorer_watch, validation
from recipes.plugin.actor_worker import count_skipped
from recipes.plugin.methods import METHODS
from recipes.runs.alarm_rules import RULES
from recipes.runs.metrics import CATALOGUE, Chart, pattern
from reward.verdict import STATUSES

ROOT = Path(__file__).resolve().parents[2]
# Real runs of the tiny model on one and on two nodes, with and without validation: all names of their metrics.jsonl.
RECORDED = (Path(__file__).parent / "data" / "emitted_metrics.txt").read_text().split()
CORRECTIONS = sorted((ROOT / "configs" / "rollout_correction").glob("*.yaml"))


def assert_documented(emitted) -> None:
    emitted = list(emitted)
    assert emitted
    missing = sorted(undocumented(emitted))
    assert not missing, f"docs/metrics.md does not say what these are: {', '.join(missing)}"


def test_an_undocumented_metric_would_be_found() -> None:
    assert undocumented(["actor/entropy", "actor/entropie", "actor/entropy/more", "timing_s/gen", "timing_s/nap"]) == {
        "actor/entropie",
        "actor/entropy/more",
        "timing_s/nap",
    }


def test_every_recorded_metric() -> None:
    assert len(RECORDED) > 200
    assert_documented(RECORDED)


def loss_metrics(policy_loss) -> dict[str, float]:
    """What a method reports on one micro-batch, called as verl calls it."""
    torch.manual_seed(0)
    old = -3 * torch.rand(4, 8)
    batch = {
        "old_log_prob": old,
        "log_prob": (old + 0.5 * torch.randn(4, 8)).requires_grad_(),
        "advantages": torch.tensor([[1.0], [-1.0], [0.5], [-0.5]]).expand(4, 8),
        "response_mask": torch.ones(4, 8, dtype=torch.bool),
    }
    config = ActorConfig(strategy="fsdp", rollout_n=1, ppo_micro_batch_size_per_gpu=1, policy_loss=policy_loss)
    config.global_batch_info.update(dp_size=1, batch_num_tokens=32, global_batch_size=4, loss_scale_factor=None)
    available = extras.Extras(entropy=torch.rand(4, 8), correct=batch["advantages"][:, :1] > 0)
    if extras.STATISTICS in policy_loss.needs:
        tokens = Tokens.build(
            batch["log_prob"].detach(), *(batch[n] for n in ("old_log_prob", "advantages")), batch["response_mask"]
        )
        available = extras.Extras(statistics=policy_loss.batch_statistics(tokens, config))
    with extras.provided(available):
        _, metrics = get_policy_loss_fn(policy_loss.loss_mode)(
            loss_agg_mode=config.loss_agg_mode, config=config, **batch
        )
    return metrics


@pytest.mark.parametrize("method", METHODS)
def test_every_loss_and_what_verls_own_reports_in_its_place(method: str) -> None:
    config_class = METHODS[method]
    ours = loss_metrics(config_class(loss_mode=config_class.own_loss))
    assert set(RATIO_SHARES) < set(ours)
    assert_documented([*ours, *loss_metrics(config_class()), *mean_weights(ours), *ratio_quantiles(ours)])


def test_what_the_trainer_adds() -> None:
    info = {"reward_extra_info": {"status": "ok"}}
    assert_documented(
        [
            *scorer_watch.status_metrics([info]),
            *(f"reward/status/{status}" for status in STATUSES),
            *responses.group_shares(["a_0_0", "a_1_0"], [1.0, 0.0], [info] * 2),
            *dynamic_sampling.generated_per_kept({}, 1),
            *responses.truncated_share([responses.End(1, False)]),
            *validation.metrics_of(["gsm8k"] * 4, ["1", "1", "2", "2"], {"acc": [1, 0] * 2, "pred": [*"abcd"]}),
            *(f"actor/{name}" for name in count_skipped({"grad_norm": 1.0})),
            *(f"actor/weight_mean/{case}" for case in BOUNDARY_CASES),
            *(f"actor/ratio_quantile/{name}" for name in QUANTILES),
        ]
    )


@pytest.mark.parametrize("module", [trainer_base, trainer_sync, trainer_separate_async])
def test_every_phase_that_verl_times(module) -> None:
    phases = set(re.findall(r'marked_timer\(\s*"(\w+)"', Path(module.__file__).read_text()))
    # Timed after the step's metrics were collected, so never logged.
    assert_documented(f"timing_s/{phase}" for phase in phases - {"dump_rollout_generations"})


@pytest.mark.parametrize("path", CORRECTIONS, ids=lambda path: path.stem)
def test_every_rollout_correction(path: Path) -> None:
    options = yaml.safe_load(path.read_text())
    torch.manual_seed(0)
    old, mask = -torch.rand(4, 8), torch.ones(4, 8)
    _, _, metrics = rollout_corr_helper.compute_rollout_correction_and_rejection_mask(
        old, old + 0.001 * torch.randn(4, 8), mask, rollout_is_batch_normalize=bool(options["rollout_is"]), **options
    )
    assert_documented(metrics)


def test_the_comparison_of_training_and_inference() -> None:
    from verl import DataProto

    old, ones = -torch.rand(2, 4), torch.ones(2, 4)
    batch = {"rollout_log_probs": old, "old_log_probs": old - 0.01 * ones, "response_mask": ones, "responses": ones}
    assert_documented(calculate_debug_metrics(DataProto.from_dict(batch)))


# What the page says


def test_no_metric_is_documented_twice() -> None:
    found = names()
    assert sorted(found) == sorted(set(found))


def test_the_edges_of_the_ratio_are_those_of_the_code() -> None:
    cell = next(row[1] for row in rows() if row[0].startswith("`actor/ratio_share/"))
    said = [
        float(number)
        for number in re.findall(r"(?<![\d.])\d+(?:\.\d+)?(?![\d.])", cell[cell.index("(") : cell.index(")")])
    ]
    assert said and set(said) <= set(RATIO_EDGES) and {min(said), max(said)} == {RATIO_EDGES[0], RATIO_EDGES[-1]}
    assert RATIO_EDGES[14] < 1 < RATIO_EDGES[15]
    assert "bin 15 holds r = 1" in cell


@pytest.mark.parametrize("chart", CATALOGUE, ids=lambda chart: chart.id)
def test_what_is_drawn_is_documented_in_the_same_words(chart: Chart) -> None:
    assert (chart.healthy, chart.otherwise) == guidance()[chart.row], f"docs/metrics.md: the row of {chart.row}"
    assert not undocumented(metric for metric in chart.metrics if not metric.startswith("^"))
    assert set(chart.glance) <= set(chart.metrics)


def test_every_pattern_of_the_catalogue_finds_metrics_that_a_run_writes() -> None:
    patterns = [metric for chart in CATALOGUE for metric in (*chart.metrics, chart.errors) if metric.startswith("^")]
    assert len(patterns) == 4
    for one in patterns:
        assert any(re.match(pattern(one), name) for name in RECORDED), one
    assert len({chart.id for chart in CATALOGUE}) == len(CATALOGUE)


def anchors() -> set[str]:
    """Ids of the headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", PAGE.read_text(), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_alarm_points_to_a_heading_and_stands_in_the_table(rule) -> None:
    assert rule.anchor in anchors()
    assert any(row[0] == rule.name and f"(#{rule.anchor})" in row[-1] for row in rows())
    assert not undocumented(rule.metrics)


def test_links_to_headings_lead_somewhere() -> None:
    within = set(re.findall(r"\]\(#([\w-]+)\)", PAGE.read_text()))
    assert within and within <= anchors()
