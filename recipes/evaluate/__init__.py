"""Evaluate: many samples per problem, their verdicts, and what they say about a model."""
