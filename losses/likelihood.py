"""A log-likelihood term on correct responses, as Klear-Reasoner adds to GPPO (arXiv 2508.07629)."""

from dataclasses import dataclass

import torch

from losses import extras
from losses.method import MethodConfig
from losses.tokens import Tokens
from losses.validation import is_number, require

SMALLEST_SHARE = 1e-12  # a single token is a larger one


@dataclass
class LikelihoodConfig(MethodConfig):
    """Base of the methods that offer it.

    Attributes:
        likelihood_coefficient: λ ≥ 0 of the mean of −log π_θ over the tokens of correct responses in the mini-batch
            (official code: 0.1, and the mean over each micro-batch; 0: none).
    """

    likelihood_coefficient: float = 0.0

    def validate(self) -> None:
        """See losses.method.MethodConfig."""
        value = self.likelihood_coefficient
        require(is_number(value) and value >= 0, "likelihood_coefficient", value, "must be a number >= 0", "0.1")

    @property
    def needs(self) -> frozenset[str]:
        """See losses.method.MethodConfig."""
        return frozenset({extras.CORRECT}) if self.likelihood_coefficient else frozenset()

    def likelihood_weight(self, tokens: Tokens) -> torch.Tensor | None:
        """See losses.method.MethodConfig."""
        if not self.likelihood_coefficient:
            return None
        correct = tokens.extras.need(extras.CORRECT, self.method)
        # Under token-mean, dividing by their share makes it λ times the mean over the tokens of correct responses.
        # Where there are none, any divisor will do.
        share = tokens.extras.need(extras.CORRECT_SHARE, self.method).to(tokens.mask).clamp(min=SMALLEST_SHARE)
        return self.likelihood_coefficient / share * correct.to(tokens.mask.dtype).expand_as(tokens.mask)
