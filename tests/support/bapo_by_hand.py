"""BAPO's search (arXiv 2510.18927, algorithm 1) as a while loop over single tokens of the whole mini-batch."""

from fractions import Fraction

Token = tuple[float, float]  # ratio, advantage

LOW = ("0.6", "0.9", "0.02")  # start, end, step
HIGH = ("1.2", "3.0", "0.05")


def contributions(tokens: list[Token], c_low: float, c_high: float, statistic: str) -> tuple[float, float]:
    """S+ and S- at these bounds."""
    positive = negative = 0.0
    for ratio, advantage in tokens:
        if advantage > 0:
            if statistic == "literal":
                positive += min(ratio, c_high) * advantage
            elif ratio <= c_high:
                positive += ratio * advantage
        if advantage < 0:
            if statistic == "literal":
                negative += max(ratio, c_low) * -advantage
            elif ratio >= c_low:
                negative += ratio * -advantage
    return positive, negative


def search(
    tokens: list[Token], target: float = 0.4, low=LOW, high=HIGH, statistic: str = "literal"
) -> tuple[float, float, float]:
    """c_low, c_high and the share of the positive tokens there; exact steps, the last one cut short if need be."""
    c_low, low_end, low_step = map(Fraction, low)
    c_high, high_end, high_step = map(Fraction, high)
    while True:
        positive, negative = contributions(tokens, float(c_low), float(c_high), statistic)
        if positive + negative == 0:
            return float(c_low), float(c_high), 0.0
        share = positive / (positive + negative)
        if share < target and c_high < high_end:
            c_high = min(c_high + high_step, high_end)
        elif share < target and c_low < low_end:
            c_low = min(c_low + low_step, low_end)
        else:
            return float(c_low), float(c_high), share
