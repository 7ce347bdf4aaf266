"""Rules that keep or drop the rows of a pool, and say why. `catalog` lists them all.

It may import `generators` and `made_images`, and the floors below.
"""
