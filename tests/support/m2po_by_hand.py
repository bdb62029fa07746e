"""M2PO's bound on |log r|, exact, over single tokens of the whole mini-batch (arXiv 2510.01161)."""

import math

Token = tuple[float, float]  # log-ratio, advantage


def exact_threshold(tokens: list[Token], budget: float) -> float:
    """tau at which the mean of min(|log r|, tau)^2 over tokens moving away is the budget; infinite if it never is."""
    squares = sorted(x * x for x, advantage in tokens if x * advantage > 0)
    smaller = 0.0  # sum of the squares below tau
    for number, square in enumerate(squares):
        rest = len(squares) - number
        tau_squared = (budget * len(squares) - smaller) / rest
        if tau_squared <= square:
            return math.sqrt(max(tau_squared, 0.0))
        smaller += square
    return math.inf


def threshold(tokens: list[Token], budget: float) -> float:
    """The exact one, rounded down to 0.01 * 2000^(i / 1024), i from 0 to 1024, or to 0."""
    exact = exact_threshold(tokens, budget)
    if exact < 0.01:
        return 0.0
    return 20.0 if exact >= 20 else 0.01 * 2000 ** (math.floor(math.log(exact / 0.01, 2000) * 1024) / 1024)
