"""Finds images with the same content: perceptual hashes, near-duplicates in all eight orientations.

It may import `tables`, and what lies below.
"""
