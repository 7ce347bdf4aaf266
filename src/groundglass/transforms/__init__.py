"""Virtual images from the rows of the current set: scales, tiles. No pixel is written before the release.

It may import `generators` and `made_images`, and the floors below.
"""
