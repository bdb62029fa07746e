"""A Ray cluster of our own for the length of one job."""
