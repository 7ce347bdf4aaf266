"""Measures of two images: fidelity, alignment, colour, and the gates that a pair must pass."""
