"""The written dataset: splits, files, manifest, card, checksums, archive.

It may import `engines`, `degradations`, `similarity`, `models` and `source_quality`, and the floors below.
"""
