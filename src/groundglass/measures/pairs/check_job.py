"""The job that judges pairs of LQ and HQ files, and notes what only all pairs together can show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.engines.shards import Summary
from groundglass.errors import ImageError, NoValue
from groundglass.files.locators import read_listed
from groundglass.image.frame import Frame, open_frame
from groundglass.image.header import ImageLimits
from groundglass.libraries import cv2
from groundglass.measures.pairs.align import luma
from groundglass.measures.pairs.open_pair import ListedFile, Pair
from groundglass.measures.pairs.score_job import reason_and_detail, save_rows, schema_of
from groundglass.measures.pairs.verdict import judge_pixels
from groundglass.similarity.perceptual_hash import phash
from groundglass.similarity.test_images.fingerprints import pixel_hash
from groundglass.similarity.test_images.known_sets import load_index
from groundglass.similarity.test_images.search import find_leak

THUMBNAIL = 16
"""Cells per side of the thumbnails that are compared across pairs."""


@dataclass(frozen=True)
class CheckPairs:
    """Judges pairs of HQ (`Pair.hr`) and LQ (`Pair.sr`); a finished shard is a part below ``folder``.

    against  test images that no pair may show, as of the measure ``leaks``; "" for none
    """

    folder: Path
    limits: ImageLimits
    against: str = "all"

    def one(self, item: Pair) -> dict[str, Any]:
        """The row of a pair: a verdict with its values, or a reason."""
        try:
            return {"number": item.number, **self._judged(item)}
        except Exception as error:  # a decoder may raise anything, and one bad file must not end the shard
            return self.lost(item, *reason_and_detail(error))

    def lost(self, item: Pair, reason: str, detail: str) -> dict[str, Any]:
        """A row without a verdict."""
        return {"number": item.number, "error": f"{reason}: {detail}" if detail else reason}

    def name(self, item: Pair) -> str:
        """The pair's name."""
        return item.name

    def save(self, results: Sequence[dict[str, Any]]) -> Summary:
        """One part of all rows."""
        columns: dict[str, type] = {
            "verdict": str,
            "reasons": str,
            "notes": str,
            "values": str,
            "ratio": float,
            "lq_pixels": str,
            "hq_pixels": str,
            "lq_thumbnail": bytes,
            "hq_thumbnail": bytes,
            "phash": str,
        }
        return save_rows(results, schema_of(columns), self.folder)

    def _judged(self, item: Pair) -> dict[str, Any]:
        assert item.sr is not None
        lq, hq = self._opened(item.sr, "LQ"), self._opened(item.hr, "HQ")
        reasons: list[str] = []
        notes: list[str] = []
        unknown: list[str] = []
        for frame, which in ((lq, "LQ"), (hq, "HQ")):
            if frame.header.frames > 1:
                unknown.append(f"animated: {which} has {frame.header.frames} frames; the first was compared")
            if frame.header.bit_depth > 8:
                notes.append(f"{which} has {frame.header.bit_depth} bits a sample; it was compared at 8")
        row = {
            "lq_pixels": pixel_hash(lq.rgb),
            "hq_pixels": pixel_hash(hq.rgb),
            "lq_thumbnail": _thumbnail(lq.rgb),
            "hq_thumbnail": _thumbnail(hq.rgb),
            "phash": _hashes(hq),
            "ratio": hq.rgb.shape[1] / lq.rgb.shape[1],
        }
        judged = judge_pixels(lq.rgb, hq.rgb)
        {"rejected": reasons, "unknown": unknown, "accepted": notes}[judged.verdict].extend(judged.reasons)
        if self.against and (leak := find_leak(hq.luma, load_index(self.against))):
            reasons.append(
                f"leak: HQ shows the test image {leak.of} ({leak.relation}), score {leak.score:.2f}"
            )
        verdict = "rejected" if reasons else "unknown" if unknown else "accepted"
        said = [*reasons, *unknown]
        return row | {
            "verdict": verdict,
            "reasons": json.dumps(said),
            "notes": json.dumps(notes),
            "values": json.dumps(judged.values | {"box": judged.box}),
        }

    def _opened(self, file: ListedFile, which: str) -> Frame:
        try:
            frame = open_frame(read_listed(file.path, file.bytes, file.mtime_ns), self.limits)
            _ = frame.rgb
        except ImageError as error:
            raise ImageError(error.reason, f"{which}: {error.detail or 'the file'}") from error
        return frame


def alike(one: bytes, other: bytes) -> float:
    """The correlation of two thumbnails, -1 to 1.

    >>> square = np.arange(256, dtype=np.float32)
    >>> round(alike(square.tobytes(), square.tobytes()), 3)
    1.0
    """
    a, b = (np.frombuffer(each, np.float32) - np.frombuffer(each, np.float32).mean() for each in (one, other))
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > 1e-6 else 0.0


def _thumbnail(rgb: NDArray[Any]) -> bytes:
    small = cv2.resize(rgb, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return luma(small).tobytes()


def _hashes(frame: Frame) -> str | None:
    """The hashes in three orientations and the detail, as JSON; None for a flat image."""
    try:
        plain, mirror, flipped, detail = phash(frame.luma)
    except NoValue:
        return None
    return json.dumps([str(plain), str(mirror), str(flipped), detail])
