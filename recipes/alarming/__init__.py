"""Conditions that a run's metrics should not meet, and how they are found; recipes.alarms puts them together."""
