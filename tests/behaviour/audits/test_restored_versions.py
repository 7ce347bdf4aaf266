"""Restored versions of an audit: what the run's store keeps of one is never used for another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundglass import testing
from groundglass.audits.defect_job import Injure, Listed, Specimens
from groundglass.audits.defects import DEFECTS
from groundglass.files.hashes import sha256_of
from groundglass.image.frame import MadeImage
from groundglass.image.header import ImageLimits
from groundglass.image.region import Made
from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import ask_of

REGION = "restored(64x48,x1,0123456789abcdef)"


def test_versions_with_other_pixels_have_other_keys(tmp_path: Path):
    """Noise differs with the audit's seed, so a restorer may not answer with what it kept of another seed."""
    seen: dict[str, bytes] = {}

    def makes(rgb: Any, sha256: str, region: str, made: Made) -> MadeImage:
        assert seen.setdefault(sha256, rgb.tobytes()) == rgb.tobytes()
        return MadeImage(rgb, "unchanged", {})

    photo = testing.png(testing.photo(64, 48, 1))
    (tmp_path / "a.png").write_bytes(photo)
    listed = Listed(str(tmp_path / "a.png").encode(), sha256_of(photo), None, None)
    item = Specimens(listed, DEFECTS["noise"], ((REGION, (0,)),))
    asks = (ask_of(MEASURES["sharpness"], {}),)
    for seed in (1, 2):
        rows = Injure(asks, tmp_path / f"store-{seed}", ImageLimits(), seed, False, makes).one(item)
        assert not [row.error for row in rows if row.error]
    assert len(seen) == 2 * len(DEFECTS["noise"].severities)
