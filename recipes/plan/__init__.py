"""What a training needs before it is paid for: memory per GPU, time per step, GPU-hours."""
