"""Traces of the 8×8 grid of JPEG."""
