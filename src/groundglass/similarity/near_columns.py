"""The columns of the measure `fingerprint` that find and verify near-duplicates."""

from __future__ import annotations

NEAR = ("phash", "phash_mirror", "phash_flipped", "phash_detail")
