"""Measures: from one image to named numbers, with unit, range and direction. `catalog` lists them all.

It may import `engines`, `degradations`, `similarity`, `models`, `source_quality` and `ratings`, and the floors below.
"""
