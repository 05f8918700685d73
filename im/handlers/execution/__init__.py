"""How handlers run: their registry and lanes, and lists that are read for many at once."""
