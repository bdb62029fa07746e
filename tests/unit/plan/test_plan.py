"""What `python -m recipes.plan` says."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from planning_cases import SEVEN, planned

from recipes.common.errors import UserError
from recipes.plan import __main__ as plan
from recipes.plan import advice, budget, memory, scale, show, step_time
from recipes.plan.efficiency import BEST

ACTOR, ROLLOUT, MODEL = (f"actor_rollout_ref.{part}" for part in ("actor", "rollout", "model"))
ROOT = Path(__file__).resolve().parents[3]
DYNAMIC = (*SEVEN, "sampling=dynamic")
ONCE = f"{ACTOR}.fsdp_config.use_no_sync_for_gradient_accumulation"


# That every preset fits: tests/configs/test_presets.py.


def test_the_presets_gpu_is_the_default_and_gpu_wins():
    assert planned(*SEVEN).gpu.name.startswith("H100")
    assert planned(*SEVEN, "hardware.gpu=a100").gpu.name.startswith("A100")
    assert planned(*SEVEN[:2], "hardware=8x141gb").gpu.name.startswith("H200")
    assert planned(*SEVEN, "hardware.gpu=a100", "gpu=h200").gpu.name.startswith("H200")


def test_gpus_that_only_generate_are_named(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    assert plan.main([*SEVEN, "trainer_mode=separate_async", "mean_length=3000"]) == 0
    assert "the 8 GPUs that only generate come on top" in capsys.readouterr().out


def test_what_fits_exits_with_0(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    assert plan.main([*SEVEN, "mean_length=3000"]) == 0
    out = capsys.readouterr().out
    for words in (
        "7.62B parameters",
        "It fits: generation",
        "GPU-hours",
        "update: logits",
        "Largest",
        "rollout step (16 gradient steps), seconds",
        "300 rollout steps of 512 × 16 responses, 4,800 gradient steps of 32 × 16",
        "3,000 in the central case",
    ):
        assert words in out


def test_a_small_model_has_parameters_too():
    assert [plan._parameters(count) for count in (247_968, 134_515_008, 7_615_616_512)] == ["0.25M", "0.13B", "7.62B"]


def test_what_can_not_fit_says_so_with_the_cure(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    assert plan.main([*SEVEN, f"{ACTOR}.ppo_max_token_len_per_gpu=262144"]) == 1
    out = capsys.readouterr().out
    assert "It does not fit: update: logits" in out and "most of it: logits" in out
    assert "ppo_max_token_len_per_gpu=" in out and "use_fused_kernels" not in out
    assert "GPU-hours" not in out


def test_the_cure_cures():
    asked = planned(*SEVEN, f"{ACTOR}.ppo_max_token_len_per_gpu=131072")
    assert advice.verdict(asked.model, asked.gpu, asked.run) != advice.FITS
    (line,) = [text for text in show.verdict_lines(asked.model, asked.gpu, asked.run) if text.startswith("Write ")]
    overrides = line.split(" (")[0].removeprefix("Write ").split()
    cured = planned(*SEVEN, f"{ACTOR}.ppo_max_token_len_per_gpu=131072", *overrides)
    assert advice.verdict(cured.model, cured.gpu, cured.run) == advice.FITS


def test_fused_kernels_are_advised_only_where_they_work():
    """With an output layer of its own a model fails in them (recipes.checks.sizes)."""
    asked = planned(*SEVEN)
    for tied in (False, True):
        rungs = advice.ladder(replace(asked.model, tied=tied), asked.gpu, asked.run)
        assert any("use_fused_kernels" in rung.overrides for rung in rungs) == tied


def test_without_flash_attn_the_cost_is_stated(capsys):
    flash, flex, sdpa = (planned(*SEVEN, f"attention={choice}") for choice in ("auto", "flex", "sdpa"))
    times = [step_time.span(asked.model, asked.gpu, asked.run)[1].seconds["update"] for asked in (flash, flex, sdpa)]
    assert times[0] == times[1] < times[2]
    needs = [memory.phases(asked.model, asked.gpu, asked.run)[2].low for asked in (flash, flex, sdpa)]
    assert needs[0] < needs[1] == needs[2] - sdpa.run.update_tokens**2  # a copy of the logits; a mask
    plan.main([*SEVEN, "attention=flex"])
    assert "attention flex_attention" in capsys.readouterr().out


@pytest.mark.parametrize("choice", ["auto", "flash"])
def test_a_plan_that_assumes_flash_attn_says_so(choice, capsys):
    """What attention=auto takes is known on the GPUs' nodes only."""
    plan.main([*SEVEN, "mean_length=3000", f"attention={choice}"])
    assert ("attention=auto, planned as flash-attn" in capsys.readouterr().out) == (choice == "auto")


def test_gradients_that_wait_take_their_memory_and_save_reductions():
    """By hand: N fp32 gradients on every GPU; 16 reductions instead of one per micro-batch."""
    each, once = (planned(*SEVEN, f"{ONCE}={choice}") for choice in ("false", "true"))
    held = [
        {phase.name: phase.low for phase in memory.phases(asked.model, asked.gpu, asked.run)} for asked in (each, once)
    ]
    for name in held[0]:
        waiting = 4 * each.model.parameters if name.startswith("update") else 0
        assert held[1][name] - held[0][name] == pytest.approx(waiting)
    # On a link so slow that only it counts: 8,192 × 3,150 tokens on 8 GPUs in micro-batches of 24,576 are 16 × 9.
    slow = replace(each.gpu, nvlink=1e3)
    given = [step_time.training_seconds(asked.model, slow, asked.run, 3000.0, BEST)["update"] for asked in (each, once)]
    assert given[0] - given[1] == pytest.approx((16 * 9 - 16) * 4 * each.model.parameters / (1e3 * BEST.link), rel=1e-3)


def test_fourteen_billion_on_one_gpu_does_not_fit():
    asked = planned("model=deepseek-r1-distill-qwen-14b", *SEVEN[1:])
    alone = replace(asked.run, nodes=1, gpus_per_node=1, ulysses=1, tensor_parallel=1)
    assert advice.verdict(asked.model, asked.gpu, alone) == advice.TOO_LARGE
    assert "larger trainer.nnodes" in " ".join(show.verdict_lines(asked.model, asked.gpu, alone))


def test_every_rung_of_the_ladder_is_an_override_that_composes_and_saves():
    asked = planned(*SEVEN)
    rungs = advice.ladder(asked.model, asked.gpu, asked.run)
    assert len(rungs) > 6 and [rung.saved for rung in rungs] == sorted((rung.saved for rung in rungs), reverse=True)
    for rung in rungs:
        changed = planned(*SEVEN, *rung.overrides.split())
        before, after = (
            {phase.name: phase.high for phase in plan.memory.phases(one.model, one.gpu, one.run)}
            for one in (asked, changed)
        )
        assert before[rung.phase] - after[rung.phase] == pytest.approx(rung.saved), rung.overrides


@pytest.mark.parametrize("gpus", [1, 3, 5, 7])
def test_an_alternative_that_does_not_apply_is_none(gpus):
    """Pairs can't be made of 7 GPUs, and nobody has asked for them."""
    sizes = [f"trainer.n_gpus_per_node={gpus}", f"{ROLLOUT}.tensor_model_parallel_size=1"]
    sizes += [f"data.train_batch_size={16 * gpus}", f"{ACTOR}.ppo_mini_batch_size={gpus}"]  # that they can share
    asked = planned(*SEVEN, *sizes)
    rungs = advice.ladder(asked.model, asked.gpu, asked.run)
    assert rungs and not [rung for rung in rungs if "tensor_model_parallel_size" in rung.overrides]


def test_dropped_prompts_are_generated_and_not_learnt_from(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    least, twice = planned(*DYNAMIC), planned(*DYNAMIC, "generated_per_kept=2")
    assert (least.run.generated, twice.run.generated) == (512 * 16, 2 * 512 * 16)
    before, after = (step_time.centre(asked.model, asked.gpu, asked.run, 3000).seconds for asked in (least, twice))
    assert 1.5 * before["generation"] < after["generation"] < 2.5 * before["generation"]
    assert {**before, "generation": 0} == {**after, "generation": 0}
    slow, slower = (scale.asynchronous_seconds(one.model, one.gpu, one.run, 3000, BEST, 6) for one in (least, twice))
    assert slower > 1.5 * slow
    assert plan.main([*DYNAMIC, "mean_length=3000"]) == 0
    assert "Write generated_per_kept=2" in capsys.readouterr().out
    assert plan.main([*DYNAMIC, "mean_length=3000", "generated_per_kept=2"]) == 0
    assert "sampling=dynamic: 2 prompts generated for each one that is learnt from" in capsys.readouterr().out
    assert plan.main([*SEVEN, "mean_length=3000"]) == 0
    assert "sampling=dynamic" not in capsys.readouterr().out


def test_the_policy_that_sampled_needs_no_pass_for_old_log_probs():
    own, sampled = (
        step_time.centre(asked.model, asked.gpu, asked.run, 3000).seconds
        for asked in (planned(*SEVEN), planned(*SEVEN, "anchor=rollout"))
    )
    assert own["old log-probs"] > 0 == sampled["old log-probs"]
    assert {**own, "old log-probs": 0} == sampled


def test_a_price_puts_money_into_the_plan(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    plan.main([*SEVEN, "mean_length=3000", "price_per_gpu_hour=2"])
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capsys.readouterr().out.splitlines()]
    table = {row[0]: row[1:] for row in rows if len(row) == 3}
    hours, money = table["the run, GPU-hours"], table["the run, money at 2 per GPU-hour"]

    def numbers(cells):
        return [float(text.replace(",", "")) for cell in cells for text in cell.split(" – ")]

    assert numbers(money) == pytest.approx([2 * hour for hour in numbers(hours)], abs=1.01)


def test_a_budget_names_the_largest_experiment_that_it_buys(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    found = budget.offers()
    assert len(found) == len(budget.EXPERIMENTS) and all(
        low <= mid <= high for low, mid, high in (o.hours for o in found)
    )
    middle = found[len(found) // 2]
    assert plan.main([f"budget={2 * middle.hours[1] + 0.01}", "price_per_gpu_hour=2"]) == 0
    out = capsys.readouterr().out
    assert f"In the central case the largest within it: {middle.overrides}." in out
    cautious = budget.largest(found, middle.hours[1], 2)
    assert f"Even on a slow run the largest within it: {cautious.overrides if cautious else 'none of these'}." in out
    assert all(offer.overrides in out for offer in found)
    assert budget.largest(found, 0.5 * found[0].hours[0], 0) is None


@pytest.mark.parametrize(
    "words, message",
    [
        (["generated_per_kept=0.5", *DYNAMIC], "generated_per_kept=0.5: write a number of prompts, 1 or more"),
        (
            [*SEVEN, "generated_per_kept=2"],
            "generated_per_kept=2: without sampling=dynamic every prompt is learnt from",
        ),
        (["budget=500"], "budget=500: needs the price of a GPU-hour. Write price_per_gpu_hour=2.5"),
        (["price_per_gpu_hour=$2"], "price_per_gpu_hour=$2: write money for an hour of one GPU"),
        (["price_per_gpu_hour=2", "budget=-5"], "budget=-5: write an amount of money"),
        (["mean_length=nan"], "mean_length=nan: write a number of tokens"),
        (["gpu=b300"], "gpu=b300: write one of a100, h100, h200, a800, h800, h20"),
        (["mean_length=long"], "mean_length=long: write a number of tokens"),
        (["mean_length=9000"], "mean_length=9000: write a number between 0 and data.max_response_length=8192"),
        (["plot=scale.pdf"], "plot=scale.pdf: the picture is a PNG. Write plot=scale.png"),
        (["plot="], "plot=: it is empty. Write a path, as plot=scale.png"),
        (["gpu="], "gpu=: write one of a100"),
        (["hardware.gpu=b300"], "hardware.gpu=b300: write one of a100, h100, h200, a800, h800, h20"),
        (["hardware=1x80gb"], "hardware=1x80gb has no sizes for model=deepseek-r1-distill-qwen-7b"),
        (["hardware=cpu"], "hardware=cpu: only GPUs are planned. Write hardware=8x80gb"),
        ([f"{ACTOR}.ppo_max_token_len_per_gpu=null"], "ppo_max_token_len_per_gpu=null: must be an integer >= 1"),
        ([f"{ACTOR}.ulysses_sequence_parallel_size=3"], "ulysses_sequence_parallel_size=3"),
        (["nonsense=1"], "nonsense"),
    ],
)
def test_bad_input(words, message, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        plan.main([*SEVEN, *words])
    assert message in capsys.readouterr().err


# What a training refuses, and what it says to write instead.
REFUSED = {
    "data.train_batch_size=7": f"{ACTOR}.ppo_mini_batch_size=7",
    "data.train_batch_size=0": "data.train_batch_size=512",
    "data.train_batch_size=abc": "data.train_batch_size=512",
    "data.max_response_length=0": "data.max_response_length=8192",
    "trainer.total_training_steps=0": "trainer.total_training_steps=300",
    "trainer.total_training_steps=null": "trainer.total_training_steps=300",
    "trainer.nnodes=0": "trainer.nnodes=1",
    "trainer.nnodes=abc": "trainer.nnodes=1",
    "trainer.nnodes=null": "trainer.nnodes=1",
    "trainer.n_gpus_per_node=3": f"{ACTOR}.ppo_mini_batch_size=33",
    f"{ACTOR}.ppo_epochs=0": f"{ACTOR}.ppo_epochs=1",
    f"{ACTOR}.clip_ratio_high=wide": f"{ACTOR}.clip_ratio_high=0.2",
    f"{ACTOR}.use_dynamic_bsz=maybe": f"{ACTOR}.use_dynamic_bsz=true",
    f"{ACTOR}.ppo_max_token_len_per_gpu=9000": f"{ACTOR}.ppo_max_token_len_per_gpu=",
    f"{ACTOR}.fsdp_config.fsdp_size=abc": f"{ACTOR}.fsdp_config.fsdp_size=-1",
    f"{ACTOR}.fsdp_config.fsdp_size=3": f"{ACTOR}.fsdp_config.fsdp_size=-1",
    f"{ACTOR}.fsdp_config.param_offload=ja": f"{ACTOR}.fsdp_config.param_offload=false",
    f"{ROLLOUT}.n=-1": f"{ROLLOUT}.n=16",
    f"{ROLLOUT}.n=1": f"{ROLLOUT}.n=8",
    f"{ROLLOUT}.nnodes=abc": f"{ROLLOUT}.nnodes=0",
    f"{ROLLOUT}.max_model_len=short": f"{ROLLOUT}.max_model_len=",
    f"{ROLLOUT}.tensor_model_parallel_size=0": f"{ROLLOUT}.tensor_model_parallel_size=1",
    f"{ROLLOUT}.tensor_model_parallel_size=8": f"{ROLLOUT}.tensor_model_parallel_size=7",  # of 28 heads
    f"{ROLLOUT}.gpu_memory_utilization=abc": f"{ROLLOUT}.gpu_memory_utilization=0.6",
    f"{ROLLOUT}.max_num_batched_tokens=8": f"{ROLLOUT}.max_num_batched_tokens=4096",
    f"{MODEL}.use_fused_kernels=true": f"{MODEL}.use_fused_kernels=false",
    f"{MODEL}.enable_gradient_checkpointing=1": f"{MODEL}.enable_gradient_checkpointing=true",
    f"{MODEL}.lora_rank=abc": f"{MODEL}.lora_rank=0",
    f"{MODEL}.lora_rank=8": "lora=r64",
    f"lora=r64 {MODEL}.lora_rank=-3": f"{MODEL}.lora_rank=0",
    f"lora=r64 {MODEL}.lora_alpha=0": f"{MODEL}.lora_alpha=32",
    f"lora=r64 {MODEL}.target_modules=[]": "write all-linear",
    f"lora=r64 {MODEL}.target_modules={{a:1}}": "write all-linear",
    f"{ACTOR}.strategy=megatron": f"{ACTOR}.strategy=fsdp2",
    "algorithm.filter_groups=null": "algorithm.filter_groups.<key>=<value>",
}


@pytest.mark.parametrize("overrides", REFUSED)
def test_what_a_training_refuses_is_not_planned(overrides):
    with pytest.raises(UserError) as error:
        planned(*SEVEN, *overrides.split())
    assert overrides.split()[-1].partition("=")[0].rpartition(".")[2] in str(error.value)
    assert REFUSED[overrides] in str(error.value)


def test_a_plan_loads_neither_verl_nor_ray():
    """Nor the scorer: each takes longer than all of it."""
    code = "import sys; from recipes.plan import __main__ as plan; plan.main(sys.argv[1:])"
    code += "; print({'verl', 'ray', 'torch', 'reward'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code, *SEVEN], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "set()"


def test_a_place_that_can_not_be_written_to(tmp_path):
    from recipes.plan import figure, scale

    asked = planned(*SEVEN)
    (tmp_path / "file").write_text("")
    found = [(point, point) for point in [scale.Point(8, weak, 1.0, 1.0, 0.1, 0.5) for weak in (False, True)]]
    with pytest.raises(UserError, match="Write plot="):
        figure.write(found, "title", tmp_path / "file" / "scale.png")
    figure.write(found, "title", tmp_path / "new" / "scale.png")
    first = (tmp_path / "new" / "scale.png").read_bytes()
    figure.write(found, "title", tmp_path / "scale.png")
    assert (tmp_path / "scale.png").read_bytes() == first and len(first) > 5000
    assert asked.gpu.memory_gib == 79.1
