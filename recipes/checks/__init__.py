"""Everything that can be wrong before Ray starts, each with the key and the cure; preflight.py has the order."""
