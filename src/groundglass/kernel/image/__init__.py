"""Pixels: the only door to codecs."""
