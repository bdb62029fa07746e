"""MASPO (arXiv 2602.17550): one-sided Gaussian gate with mass-adaptive width and a risk controller."""

from maspo.weight import gate, gradient_weight, sigma

__all__ = ["gate", "gradient_weight", "sigma"]
