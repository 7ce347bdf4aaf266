"""The written dataset: splits, files, manifest, card, checksums, archive.

It may import `generators` and `made_images`, and the floors below.
"""
