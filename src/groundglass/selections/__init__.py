"""Rules that keep or drop the rows of a pool, and say why."""
