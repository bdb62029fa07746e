"""The folder of one run and what may be read from it: metrics, checkpoints, manifest, alarms, statistics."""
