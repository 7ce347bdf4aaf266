"""Measures: from one image to named numbers, with unit, range and direction. `catalog` lists them all.

It may import `generators` and `made_images`, and the floors below.
"""
