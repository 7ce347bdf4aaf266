"""Transforms: virtual images from the rows of the current set. No pixel is written before the release."""
