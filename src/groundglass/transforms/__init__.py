"""Virtual images from the rows of the current set: scales, tiles. No pixel is written before the release.

It may import `engines`, `degradations`, `similarity`, `models` and `source_quality`, and the floors below.
"""
