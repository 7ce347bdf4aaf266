"""Generators of images from text: diffusers pipelines and image servers; the settings that are drawn for each image.

It may import `calls`, and the floors below.
"""
