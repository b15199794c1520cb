"""Documents in: files → sections → passages → a new edition."""
