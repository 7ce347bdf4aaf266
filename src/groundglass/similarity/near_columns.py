"""The columns of the measure `fingerprint` that near-duplicates are found and verified by."""

from __future__ import annotations

NEAR = ("phash", "phash_mirror", "phash_flipped", "phash_detail")
