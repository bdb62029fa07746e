"""Whether two answers are the same: tiers, cheapest first."""
