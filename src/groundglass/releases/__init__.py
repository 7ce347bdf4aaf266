"""The written dataset: splits, files, manifest, card, checksums, archive.

It may import `generators`, and the floors below.
"""
