"""Uniform bands along the edges."""
