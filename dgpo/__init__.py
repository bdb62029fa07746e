"""DGPO (arXiv 2603.14389): decoupled decay of the probability-gradient weight outside the trust region."""

from dgpo.weight import gradient_weight

__all__ = ["gradient_weight"]
