"""verl's generation, as far as it differs: agent loops, servers, the way of the weights."""
