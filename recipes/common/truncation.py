"""Whether a response was truncated: training and evaluation ask here, because verl's rollout drops vLLM's reason."""

from collections.abc import Collection, Sequence
from typing import Any


def stop_tokens(tokenizer: Any, model: Any) -> frozenset[int]:
    """Tokens with which a response ends by itself, as vLLM has them: the tokenizer's and the generation config's.

    Args:
        tokenizer: of the model.
        model: config `actor_rollout_ref.model`.
    """
    from verl.utils.model import get_generation_config  # seconds of imports that a command's start does not need

    generation = get_generation_config(model.path, trust_remote_code=model.get("trust_remote_code", False))
    also = getattr(generation, "eos_token_id", None)
    listed = also if isinstance(also, list | tuple) else [also]
    return frozenset(token for token in (tokenizer.eos_token_id, *listed) if token is not None)


def is_truncated(tokens: Sequence[int], limit: int, stops: Collection[int]) -> bool:
    """Whether a response was ended by the length limit: one whose last token there is a stop token was not.

    Args:
        tokens: of the response, its stop token included.
        limit: most tokens that a response may have, at least 1.
        stops: see `stop_tokens`.
    """
    return len(tokens) >= limit and int(tokens[-1]) not in stops
