"""The written dataset: splits, files, manifest, card, checksums, archive.

It may import `engines`, `degradations`, `similarity`, `models`, `source_quality` and `ratings`, and the floors below.
"""
