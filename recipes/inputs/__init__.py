"""What a run starts from: models and data files, those made on the spot, and the cache that holds them."""
