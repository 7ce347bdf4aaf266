"""best_tile compared with pepeline's, on 4K photographs: the speedup, and whether the tile is as good.

    python benchmarks/best_tile_peer.py [--files 3] [--save]

pepeline (PyPI, Rust; `pip install pepeline`) has the same definition, the largest mean |Laplacian|, but it
gets the |Laplacian| as input and tries every pixel; groundglass computes the Laplacian itself and tries every 8th
pixel in both directions. The peer's time is given without (`peer_ms`) and with the Laplacian that its caller must
compute (`peer_whole_ms`, by OpenCV). Luma is decoded beforehand for both. One core.
"""

from __future__ import annotations

import argparse
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from groundglass.transforms.most_detailed_square import most_detailed_square
from timing import DATA, median_ms, pin_to_one_core, processor, report

SIZE = 512


def absolute_laplacian(luma: np.ndarray) -> np.ndarray:
    return np.abs(cv2.Laplacian(luma, cv2.CV_32F))


def compare(path: Path) -> dict[str, Any]:
    """One file: times in ms, scores in grey levels."""
    import pepeline

    luma = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    detail = absolute_laplacian(luma)
    place: list[tuple[int, int]] = []
    ours = median_ms(lambda: most_detailed_square(luma, SIZE), 15)
    laplacian = median_ms(lambda: absolute_laplacian(luma), 5)
    peer = median_ms(lambda: place.append(pepeline.best_tile(detail, SIZE)), 1)
    top, left = place[0]
    best = most_detailed_square(luma, SIZE).score
    theirs = float(detail[top : top + SIZE, left : left + SIZE].mean(dtype=np.float64))
    return {
        "file": path.name,
        "megapixels": round(luma.size / 1e6, 2),
        "ours_ms": round(ours, 2),
        "ours_ms_per_mp": round(1e6 * ours / luma.size, 3),
        "peer_ms": round(peer),
        "peer_whole_ms": round(peer + laplacian),
        "times_faster": round(peer / ours),
        "our_score": round(best, 3),
        "peer_score": round(theirs, 3),
        "share_of_peer_score": round(best / theirs, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, help="only the first n photographs")
    parser.add_argument("--save", action="store_true", help="write results/best_tile.csv")
    arguments = parser.parse_args()
    pin_to_one_core()
    paths = sorted((DATA / "large_4k").rglob("*.jpg"))[: arguments.files]
    rows = [compare(path) | {"peer": f"pepeline {version('pepeline')}", "cpu": processor()} for path in paths]
    report(rows, "best_tile", arguments.save)
    slowest, middle = (f([row["times_faster"] for row in rows]) for f in (min, statistics.median))
    verdict = "met" if slowest >= 90 else "missed"
    print(f"at least {slowest} times faster, median {middle:g}; target 90: {verdict}")


if __name__ == "__main__":
    main()
