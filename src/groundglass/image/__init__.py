"""Pixels: a file opened as a frame, its header, decoding, colour, regions, resizing, and statistics for measures.

It may import `files`, and the floors below.
"""
