"""How things are measured, and against what: times, process trees, results and goals."""
