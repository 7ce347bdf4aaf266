"""Noise in flat blocks."""
