"""Floor 3: every interleaving of a few threads, and what is wrong in any of them."""
