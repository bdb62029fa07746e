"""Figures, tables and pages made from the code and from finished runs: `python -m recipes.report`."""
