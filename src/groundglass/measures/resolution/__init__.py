"""Effective resolution: whether an image was upscaled, and from what size."""
