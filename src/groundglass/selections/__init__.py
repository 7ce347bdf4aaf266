"""Rules that keep or drop the rows of a pool, and say why. `catalog` lists them all.

It may import `engines`, `degradations`, `similarity`, `models` and `source_quality`, and the floors below.
"""
