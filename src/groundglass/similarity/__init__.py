"""Finds images with the same content: perceptual hashes, near-duplicates in all eight orientations.

It may import `tables`, and the floors below.
"""
