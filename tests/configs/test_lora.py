"""`lora=`: composes and validates; what it can't be is refused with the key and what to write."""

import pytest

from recipes.checks import config as config_checks
from recipes.checks import files
from recipes.common.errors import UserError
from recipes.common.paths import config_dir
from recipes.config.compose import resolved

MODEL, ACTOR = "actor_rollout_ref.model", "actor_rollout_ref.actor"
CHOICES = {"none": 0, "r16": 16, "r64": 64}


def test_the_choices_are_those_that_are_tested() -> None:
    assert {file.stem for file in (config_dir() / "lora").glob("*.yaml")} == set(CHOICES)


@pytest.mark.parametrize(("choice", "rank"), CHOICES.items())
def test_rank_rate_and_how_it_reaches_vllm(composed, choice: str, rank: int) -> None:
    config = resolved(composed("experiment=dgpo/7b_dgpo", "hardware=8x80gb", f"lora={choice}"))
    config_checks.check_config(config)
    model = config.actor_rollout_ref.model
    assert model.lora_rank == rank and bool(model.lora.merge) == (rank > 0)
    assert config.actor_rollout_ref.actor.optim.lr == (1e-5 if rank else 1e-6)


def test_a_rate_of_ones_own_and_that_of_a_scale_win(composed) -> None:
    own = resolved(composed("lora=r16", f"{ACTOR}.optim.lr=2e-3", f"{MODEL}.lora_rank=8"))
    assert own.actor_rollout_ref.actor.optim.lr == 2e-3 and own.actor_rollout_ref.model.lora_rank == 8
    tiny = resolved(composed("experiment=dgpo/1.5b_dgpo", "scale=tiny", "lora=r16"))
    assert tiny.actor_rollout_ref.actor.optim.lr == 1e-4


@pytest.mark.parametrize(
    ("words", "key", "cure"),
    [
        ([f"{MODEL}.lora_rank=8"], f"{MODEL}.lora.merge=false", f"lora=r64 {MODEL}.lora_rank=8"),
        (["lora=r64", f"{MODEL}.lora.merge=false"], f"{MODEL}.lora.merge=false", "lora=r64"),
        (["lora=r64", f"{MODEL}.target_modules=[q_proj,lm_head]"], f"{MODEL}.target_modules", "all-linear"),
        (["lora=r64", f"{MODEL}.target_modules=[[q_proj]]"], f"{MODEL}.target_modules", "all-linear"),
        (["lora=r64", f"{MODEL}.target_modules=[]"], f"{MODEL}.target_modules", "all-linear"),
        (["lora=r64", f"{MODEL}.target_modules=everything"], f"{MODEL}.target_modules", "all-linear"),
        (["lora=r64", f"+{MODEL}.target_parameters=[experts]"], f"{MODEL}.target_parameters", "null"),
        (["lora=r64", f"{MODEL}.lora_rank=0"], f"{MODEL}.lora_rank=0", "lora=none"),
        (["lora=r64", f"{MODEL}.lora_alpha=0"], f"{MODEL}.lora_alpha=0", f"{MODEL}.lora_alpha=32"),
        (["lora=r64", f"{MODEL}.lora_rank=1.5"], f"{MODEL}.lora_rank=1.5", f"{MODEL}.lora_rank=0"),
        (["lora=r64", f"{ACTOR}.strategy=fsdp"], f"{ACTOR}.strategy=fsdp", "fsdp2"),
        (["lora=r64", f"+{ACTOR}.checkpoint.save_lora_only=true"], "save_lora_only=true", "save_lora_only=false"),
        (["lora=r64", "trainer_mode=separate_async"], "separate_async", "trainer_mode=sync"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_it_can_not_be_is_refused(composed, words: list[str], key: str, cure: str) -> None:
    with pytest.raises(UserError) as error:
        config_checks.check_config(resolved(composed(*words)))
    assert key in str(error.value) and cure in str(error.value).partition("rite ")[2]


@pytest.mark.parametrize("modules", ["q_proj", "[gate_proj,up_proj,down_proj]"])
def test_some_of_the_layers(composed, modules: str) -> None:
    config_checks.check_config(resolved(composed("lora=r64", f"{MODEL}.target_modules={modules}")))


def test_a_checkpoint_holds_the_moments_of_the_adapter_alone(composed, monkeypatch) -> None:
    """Of 7B: 28 layers of 64 · (2(h + q) + 2(h + kv) + 3(h + i)) parameters of 7,615,616,512."""
    monkeypatch.setattr(files.model_folder, "weight_bytes", lambda path: 1_000_000)
    whole, adapter = (
        files.checkpoint_bytes(resolved(composed("experiment=dgpo/7b_dgpo", "hardware=8x80gb", f"lora={choice}")))
        for choice in ("none", "r64")
    )
    share = 28 * 64 * (2 * (3_584 + 3_584) + 2 * (3_584 + 512) + 3 * (3_584 + 18_944)) / 7_615_616_512
    assert whole[1] == 2_000_000 * 3
    assert adapter[1] == pytest.approx(2_000_000 * (1 + 2 * share), rel=1e-6)
