"""What verl and vLLM lack on a machine without a GPU; imported nowhere else (switch.py decides)."""
