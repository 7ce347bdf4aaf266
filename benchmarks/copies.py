"""Copies that `deduplicate: near` finds, and images that it wrongly calls copies, on real copies and on made ones.

    python -m benchmarks.copies SHARED_DATA [--save]

``known`` is the folder ``dedup`` (flipped, resized, turned and cross-posted photographs); ``made`` changes every
photograph of ``train_photos`` in each way and checks whether it is found among all of them. Precision counts pairs of
different photographs that are called copies, over every pair and all changes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.timing import report
from groundglass.errors import ImageError
from groundglass.image.frame import open_frame
from groundglass.similarity.near_duplicates import near_duplicate_clusters
from groundglass.similarity.orientations import of_images, way
from groundglass.similarity.perceptual_hash import phash

Luma = NDArray[np.uint8]
NAMES = ("phash", "phash_mirror", "phash_flipped", "phash_detail")


def clusters(images: list[Luma], verified: bool) -> NDArray[np.int64]:
    """The cluster of each luma image."""
    rows = [phash(np.ascontiguousarray(image)) for image in images]
    kinds = (pa.uint64(), pa.uint64(), pa.uint64(), pa.string())
    columns = zip(NAMES, zip(*rows, strict=True), kinds, strict=True)
    hashes, details = of_images({name: pa.chunked_array([pa.array(v, kind)]) for name, v, kind in columns})
    return near_duplicate_clusters(hashes[0], hashes[1:], details=details if verified else None)


def score(who: list[str], found: NDArray[np.int64]) -> dict[str, Any]:
    """Pairs of one image that are together, and pairs of two images that are."""
    pairs = list(combinations(range(len(who)), 2))
    real = [(i, j) for i, j in pairs if who[i] == who[j]]
    said = [(i, j) for i, j in pairs if found[i] == found[j]]
    right = len(set(real) & set(said))
    return {
        "pictures": len(who),
        "pairs": len(real),
        "recall": round(right / len(real), 4) if real else "",
        "precision": round(right / len(said), 4) if said else "",
        "wrong_pairs": len(said) - right,
    }


def recompressed(luma: Luma, quality: int) -> Luma:
    return np.asarray(
        cv2.imdecode(cv2.imencode(".jpg", luma, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0), np.uint8
    )


def resized(luma: Luma, factor: float) -> Luma:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(luma, None, fx=factor, fy=factor, interpolation=how), np.uint8)


def cut(luma: Luma, share: float) -> Luma:
    height, width = (int(side * share) for side in luma.shape)
    return luma[height : luma.shape[0] - height, width : luma.shape[1] - width]


CHANGES: Mapping[str, Callable[[Luma], Luma]] = {
    "JPEG 50": lambda luma: recompressed(luma, 50),
    "JPEG 10": lambda luma: recompressed(luma, 10),
    "half the size": lambda luma: resized(luma, 0.5),
    "twice the size": lambda luma: resized(luma, 2),
    "mirrored": lambda luma: way(luma, 1),
    "upside down": lambda luma: way(luma, 2),
    "turned 90": lambda luma: np.rot90(luma, 1),
    "turned 180": lambda luma: np.rot90(luma, 2),
    "turned 270": lambda luma: np.rot90(luma, 3),
    "turned 90, mirrored, .7 the size, JPEG 60": lambda luma: recompressed(
        resized(np.ascontiguousarray(way(luma, 4)), 0.7), 60
    ),
    "1 % cut off each side": lambda luma: cut(luma, 0.01),
    "5 % cut off each side": lambda luma: cut(luma, 0.05),
    "10 % cut off each side": lambda luma: cut(luma, 0.1),
}


def lumas(folder: Path) -> dict[Path, Luma]:
    """Every image below a folder that can be read."""
    found: dict[Path, Luma] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                found[path] = open_frame(path).luma
            except ImageError:
                continue
    return found


def known(folder: Path) -> list[dict[str, Any]]:
    """The copies of the folder ``dedup``, by the names of its files."""
    images = lumas(folder)
    who = ["spacex" if "spacex" in path.name else path.stem.split("_")[0] for path in images]
    return [
        {"set": "known", "change": "as they are", "verified": verified}
        | score(who, clusters(list(images.values()), verified))
        for verified in (False, True)
    ]


def made(folder: Path) -> list[dict[str, Any]]:
    """Each change of every photograph."""
    images = list(lumas(folder).values())
    names = [str(place) for place in range(len(images))]
    return [
        {"set": "made", "change": change, "verified": True}
        | score(names * 2, clusters([*images, *map(alter, images)], True))
        for change, alter in CHANGES.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    report([*known(options.data / "dedup"), *made(options.data / "train_photos")], "copies", options.save)


if __name__ == "__main__":
    main()
