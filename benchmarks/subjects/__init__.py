"""What `benchmarks.run` measures, a file per subject."""
