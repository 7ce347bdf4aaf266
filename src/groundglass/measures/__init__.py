"""Measures: from one image to named numbers, with unit, range and direction. `catalog` lists them all.

It may import `engines`, `degradations`, `similarity`, `models` and `source_quality`, and the floors below.
"""
