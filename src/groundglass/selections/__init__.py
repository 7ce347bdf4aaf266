"""Rules that keep or drop the rows of a pool, and say why. `catalog` lists them all.

It may import `generators`, and the floors below.
"""
