"""Ray clusters of our own for the length of one job; see docs/cluster.md."""
