"""Step and start-up: the stock side differs only in what it names; phases and spans are cut where they should be."""

import pytest
from omegaconf import OmegaConf

from benchmarks.measure import trainings
from benchmarks.measure.trainings import OURS, STOCK
from benchmarks.subjects import startup, step


def test_stock_differs_in_loss_trainer_and_reward_only() -> None:
    def config():
        return OmegaConf.create(
            {
                "actor_rollout_ref": {
                    "actor": {"policy_loss": {"_target_": "ours", "fused": False}, "clip_ratio": 0.2}
                },
                "trainer": {"v1": {"trainer_mode": "rlvr"}, "total_training_steps": 3},
                "reward": {"custom_reward_function": {"path": "pkg://reward.verl_entry"}, "num_workers": 1},
            }
        )

    stock = trainings.as_stock(config())
    assert stock.actor_rollout_ref.actor.policy_loss._target_.startswith("verl.")
    assert stock.trainer.v1.trainer_mode == "sync"
    restored = OmegaConf.merge(stock, {})
    restored.actor_rollout_ref.actor.policy_loss = config().actor_rollout_ref.actor.policy_loss
    restored.trainer.v1.trainer_mode = "rlvr"
    restored.reward.custom_reward_function = config().reward.custom_reward_function
    assert restored == config()


def test_stock_reward_is_verls_math_verify() -> None:
    from benchmarks.measure import stock_reward

    assert stock_reward.compute_score("arithmetic", r"it is \boxed{46}", "46", {"index": 1}) == 1.0
    assert stock_reward.compute_score("arithmetic", r"it is \boxed{45}", "46") == 0.0


def test_phases_are_compared_by_their_medians() -> None:
    def rows(*steps: tuple[float, float]) -> list[dict[str, float]]:
        return [{"timing_s/gen": gen, "timing_s/update_actor": 1.0, "timing_s/step": whole} for gen, whole in steps]

    found = step.compare(
        {OURS: rows((1.0, 4.0), (1.0, 4.0), (30.0, 99.0)), STOCK: rows((2.0, 4.0), (2.0, 4.0), (2.0, 4.0))},
        {OURS: [3 * 2**20], STOCK: [2 * 2**20]},
    )
    assert found["phases"]["gen"]["seconds"] == {OURS: 1.0, STOCK: 2.0}
    assert found["phases"]["gen"]["ratio"] == 0.5
    assert found["phases"][step.REST]["ratio"] == 1.5
    assert found["phases"]["adv"]["ratio"] is None, "no time on either side has no ratio"
    assert found["peak_mib"] == {OURS: 3, STOCK: 2} and found["memory_ratio"] == 1.5
    assert "1.5" in step.section({"runs": 1, "steps": 4, **found})


LOG = """\
log file    /somewhere/train.log
2026-11-28 15:36:25,500\tINFO worker.py:2038 -- Started a local Ray instance.
\x1b[36m(TaskRunner pid=7)\x1b[0m Using dataset class: RLHFDataset
(TaskRunner pid=7) INFO:2026-11-28 15:36:41,250:Total training steps: 12
(TaskRunner pid=7) INFO:2026-11-28 15:36:53,250:actor and ref model engine initialized
"""


def test_spans_end_where_the_log_says_so(tmp_path, monkeypatch) -> None:
    log = tmp_path / "train.log"
    began = startup._time_of("2026-11-28 15:36:20,000", 0.0)
    ends = startup.Ends(began, lambda: [log] if log.exists() else [])
    ends.look()
    monkeypatch.setattr(startup.time, "time", lambda: began + 3.0)
    lines = LOG.splitlines(keepends=True)
    log.write_text("".join(lines[:2]) + lines[2][:20])  # the third is still being written
    ends.look()
    monkeypatch.setattr(startup.time, "time", lambda: began + 15.0)
    log.write_text(LOG)
    ends.look()
    found = startup.lengths(ends.seconds)
    assert list(found.values())[:5] == [3.0, 2.5, 9.5, 6.2, 12.0]
    assert set(list(found.values())[5:]) == {None}


def test_a_span_whose_end_nobody_tells_goes_to_the_next() -> None:
    second, third = (span.name for span in startup.SPANS[1:3])
    found = startup.lengths({second: 5.0, third: 6.0})
    assert found[startup.SPANS[0].name] is None and found[second] == 5.0 and found[third] == 1.0


@pytest.mark.parametrize("span", startup.SPANS, ids=lambda span: span.name)
def test_every_span_has_an_end_of_its_own(span) -> None:
    others = [other for other in startup.SPANS if other.name == span.name or other.end.pattern == span.end.pattern]
    assert others == [span]


IMPORTTIME = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   torch._C
import time:      2000 |       2100 | torch
import time:       300 |        300 |   ray.util
import time:        50 |         50 | small
a warning | of | somebody
"""


def test_import_time_is_added_up_by_top_level_package() -> None:
    from benchmarks.measure import imports

    assert imports.by_package(IMPORTTIME.replace("2000 |", "2000000 |"), shown=1) == {"torch": 2.0, "others": 0.0}
    assert list(imports.by_package(IMPORTTIME, shown=2)) == ["torch", "ray", "others"]
