"""What each lever of speed and memory does, by the plan: `python -m recipes.plan.levers` prints the table of the docs.

A lever is in the presets where the plan says that it fits and it changes nothing else; it is an option where only a
measurement on GPUs can say whether it pays. Each row composes the training before and after.
"""

from dataclasses import dataclass
from functools import cache

from recipes.config import compose, hardware
from recipes.config.hardware import GIB
from recipes.inputs import architecture
from recipes.plan import advice, memory, sizes, step_time

_ACTOR, _ROLLOUT, _MODEL = (f"actor_rollout_ref.{part}" for part in ("actor", "rollout", "model"))


@dataclass(frozen=True)
class Lever:
    """One change.

    Attributes:
        title: what it does.
        where: overrides that name the training: model, method, preset, data.
        before, after: overrides without and with it; none for what the preset says.
        key: the key that one would write.
    """

    title: str
    where: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    key: str

    @property
    def preset(self) -> bool:
        """Whether the presets have it."""
        return not self.after


def _training(size: str, method: str = "dgpo", preset: str = "8x80gb") -> tuple[str, ...]:
    return f"model=deepseek-r1-distill-qwen-{size}", f"policy_loss={method}", f"hardware={preset}", "data=dapo_math_17k"


SHARE, SEQUENCES = f"{_ROLLOUT}.gpu_memory_utilization", f"{_ROLLOUT}.max_num_seqs"
ENTROPY, RECOMPUTE = f"{_ACTOR}.entropy_checkpointing", f"{_MODEL}.enable_gradient_checkpointing"
TOKENS, ONCE = f"{_ACTOR}.ppo_max_token_len_per_gpu", f"{_ACTOR}.fsdp_config.use_no_sync_for_gradient_accumulation"
LEVERS = (
    Lever("cache while the trainer is offloaded", _training("7b"), (f"{SHARE}=0.6",), (), SHARE),
    Lever("cache while the trainer is offloaded", _training("14b"), (f"{SHARE}=0.55",), (), SHARE),
    Lever("cache, more sequences", _training("1.5b"), (f"{SHARE}=0.6", f"{SEQUENCES}=256"), (), f"{SHARE} {SEQUENCES}"),
    Lever("entropy computed twice", _training("1.5b", "entropy_adv"), (f"{ENTROPY}=false",), (), ENTROPY),
    Lever("entropy computed twice", _training("7b", "entropy_adv"), (f"{ENTROPY}=false",), (), ENTROPY),
    Lever("more sequences at once", _training("7b"), (), (f"{SEQUENCES}=512",), f"{SEQUENCES}=512"),
    Lever(
        "no recomputation",
        _training("1.5b"),
        (),
        (f"{RECOMPUTE}=false", f"{TOKENS}=16384"),
        f"{RECOMPUTE}=false {TOKENS}=16384",
    ),
    Lever("gradients reduced once per mini-batch", _training("1.5b"), (), (f"{ONCE}=true",), f"{ONCE}=true"),
    Lever(
        "gradients reduced once per mini-batch",
        _training("1.5b", preset="4x8x80gb"),
        (),
        (f"{ONCE}=true",),
        f"{ONCE}=true",
    ),
)


@dataclass(frozen=True)
class Effect:
    """What the plan says of one training.

    Attributes:
        centre, slow: seconds per rollout step.
        generating, training: pessimistic ends while vLLM generates, and of the trainer's largest phase, GiB.
        fits: whether both are certain to fit.
    """

    centre: float
    slow: float
    generating: float
    training: float
    fits: bool


@cache
def effect(overrides: tuple[str, ...]) -> Effect:
    """Of a training."""
    config = compose.resolved(compose.compose(overrides))
    model, gpu, run = architecture.of(config), hardware.find(config.hardware.gpu), sizes.of(config)
    generating, *training = memory.phases(model, gpu, run)
    return Effect(
        step_time.centre(model, gpu, run).total,
        step_time.span(model, gpu, run)[1].total,
        generating.high / GIB,
        max(phase.high for phase in training) / GIB,
        advice.verdict(model, gpu, run) == advice.FITS,
    )


def table() -> list[str]:
    """Lines of Markdown."""
    head = ("lever", "training", "keys", "central step, s", "slow step, s", "generating, GiB", "training, GiB", "where")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for lever in LEVERS:
        before, after = (effect((*lever.where, *words)) for words in (lever.before, lever.after))
        cells = (
            lever.title,
            ", ".join(word.partition("=")[2].removeprefix("deepseek-r1-distill-qwen-") for word in lever.where[:3]),
            ", ".join(f"`{key}`" for key in lever.key.split()),
            *(
                f"{getattr(before, name):,.0f} → {getattr(after, name):,.0f}"
                for name in ("centre", "slow", "generating", "training")
            ),
            "presets" if lever.preset else "option",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
