"""Virtual images from the rows of the current set: scales, tiles. No pixel is written before the release.

It may import `engines`, `degradations`, `similarity`, `models`, `source_quality` and `ratings`, and the floors below.
"""
