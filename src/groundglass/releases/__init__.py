"""The written dataset: splits, files, manifest, card, checksums, archive."""
