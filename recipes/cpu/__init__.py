"""What verl and vLLM lack to run the whole stack on a machine without a GPU.

Nothing here is imported unless the platform is the CPU (recipes.cpu_platform decides). Every module is one seam and
says which line of verl 0.9.1 or vLLM makes it necessary.
"""
