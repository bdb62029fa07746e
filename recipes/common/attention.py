"""Which attention the trainer computes: flash-attn's kernels where that package is, else one that torch itself has.

verl hands over the sequences of a micro-batch one behind the other, without a mask and with positions that begin anew.
transformers reads the boundaries from the positions for each of the three. They agree; they differ in cost, which
recipes.plan tells.
"""

from importlib.util import find_spec

from omegaconf import DictConfig

FLASH, FLEX, SDPA = "flash_attention_2", "flex_attention", "sdpa"  # transformers' names
IMPLEMENTATIONS = {"flash": FLASH, "flex": FLEX, "sdpa": SDPA}
CHOICES = ("auto", *IMPLEMENTATIONS)


def of(config: DictConfig) -> str:
    """transformers' name of the one that a resolved training config chooses: verl's default where it names none."""
    return str((config.actor_rollout_ref.model.get("override_config") or {}).get("attn_implementation", FLASH))


def has_flash_attn() -> bool:
    """Whether this environment holds the package; recipes.doctor imports it on every node."""
    return find_spec("flash_attn") is not None


def implementation(choice: str, device: str) -> str:
    """transformers' name of a choice; `auto` is the fastest that this environment has.

    Args:
        choice: one of CHOICES; another one comes back as it is, for recipes.checks to refuse.
        device: cuda or cpu.
    """
    if choice == "auto":
        fallback = SDPA if device == "cpu" else FLEX
        return FLASH if device != "cpu" and has_flash_attn() else fallback
    return IMPLEMENTATIONS.get(choice, choice)
