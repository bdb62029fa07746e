"""Train: checks, then one attempt at a run, shown while it goes on."""
