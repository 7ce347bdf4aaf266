"""Rules that keep or drop the rows of a pool, and say why. `catalog` lists them all.

It may import `engines`, `degradations`, `similarity`, `models`, `source_quality` and `ratings`, and the floors below.
"""
