"""Uniform bands along the edges of an image."""
