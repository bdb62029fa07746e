"""Off-policy sequence masking (DeepSeek-V3.2, arXiv 2512.02556), which any method may have on top."""

import torch

from losses.tokens import Tokens, sequence_mean


def off_policy(tokens: Tokens, delta: float) -> torch.Tensor:
    """Whether a token stands in a bad response that the policy has moved away from: nothing is to be unlearnt there.

        Â < 0  and  mean_t log(π_old/π_θ) > δ   over the response

    Args:
        tokens: of the micro-batch, whole responses.
        delta: δ in nats per token.

    Returns:
        Boolean, (B, T).
    """
    return (sequence_mean(-tokens.log_ratio, tokens.mask) > delta) & (tokens.advantages < 0)
