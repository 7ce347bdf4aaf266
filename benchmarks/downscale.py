"""Downscaling by matlab_bicubic compared with common alternatives: the pixels, and the time.

    python benchmarks/downscale.py [--save]

Pixels are compared with the LR_bicubic files that Set5 and Set14 ship (x2 and x4, 38 images). Time is that
of reducing 4K photographs by 4 on one core, in ms per megapixel of HR. "numpy" is MATLAB's rule as two
products with full weight matrices, float64, rounded after each: the correct result, as a short script computes it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from groundglass.image.resize import crop_to_multiple, cubic_weights, resize
from groundglass.measures.pairs.psnr_ssim import psnr
from timing import DATA, median_ms, pin_to_one_core, processor, report

Method = Callable[[np.ndarray, int], np.ndarray]


def ours(hr: np.ndarray, factor: int) -> np.ndarray:
    return resize(hr, hr.shape[1] // factor, hr.shape[0] // factor, "matlab_bicubic")


def pillow(hr: np.ndarray, factor: int) -> np.ndarray:
    size = (hr.shape[1] // factor, hr.shape[0] // factor)
    return np.asarray(Image.fromarray(hr).resize(size, Image.Resampling.BICUBIC))


def opencv(hr: np.ndarray, factor: int) -> np.ndarray:
    size = (hr.shape[1] // factor, hr.shape[0] // factor)
    return cv2.resize(hr, size, interpolation=cv2.INTER_CUBIC)


def opencv_area(hr: np.ndarray, factor: int) -> np.ndarray:
    size = (hr.shape[1] // factor, hr.shape[0] // factor)
    return cv2.resize(hr, size, interpolation=cv2.INTER_AREA)


def numpy_matrices(hr: np.ndarray, factor: int) -> np.ndarray:
    down, across = (full_matrix(length, length // factor) for length in hr.shape[:2])
    rows = rounded(np.tensordot(down, hr.astype(np.float64), axes=(1, 0)))
    columns = rounded(np.tensordot(across, rows, axes=(1, 1)))
    return np.moveaxis(columns, 0, 1).astype(np.uint8)


def full_matrix(length: int, new: int) -> np.ndarray:
    positions, weights = cubic_weights(length, new)
    folded = positions % (2 * length)
    columns = np.where(folded < length, folded, 2 * length - 1 - folded)
    matrix = np.zeros((new, length))
    np.add.at(matrix, (np.arange(new)[:, None], columns), weights)
    return matrix


def rounded(values: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(values + 0.5), 0, 255)


METHODS: dict[str, Method] = {
    "groundglass matlab_bicubic": ours,
    "numpy, full matrices": numpy_matrices,
    "Pillow BICUBIC": pillow,
    "OpenCV INTER_CUBIC": opencv,
    "OpenCV INTER_AREA": opencv_area,
}


def published() -> list[tuple[np.ndarray, np.ndarray, int]]:
    """HR (cropped), LR and factor of every shipped pair."""
    pairs = []
    for path in sorted(DATA.glob("benchmarks/Set*/HR/*.png")):
        for factor in (2, 4):
            lr = path.parents[1] / "LR_bicubic" / f"X{factor}" / f"{path.stem}x{factor}.png"
            pairs.append((crop_to_multiple(read(path), factor), read(lr), factor))
    return pairs


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def agreement(method: Method) -> dict[str, Any]:
    """Distance from the shipped files: the share of values that differ, the largest difference, the mean PSNR."""
    made = [(method(hr, factor), lr) for hr, lr, factor in published()]
    differences = [np.abs(ours.astype(int) - lr) for ours, lr in made]
    scores = [psnr(lr, ours) for ours, lr in made]
    differing = sum(int((d > 0).sum()) for d in differences) / sum(d.size for d in differences)
    return {
        "values_differing": f"{differing:.2%}",
        "largest_difference": max(int(d.max()) for d in differences),
        "mean_db": round(float(np.mean(scores)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true", help="write results/downscale.csv")
    arguments = parser.parse_args()
    pin_to_one_core()
    large = [crop_to_multiple(read(path), 4) for path in sorted((DATA / "large_4k").rglob("*.jpg"))[:3]]
    megapixels = sum(hr.shape[0] * hr.shape[1] for hr in large) / 1e6
    rows = []
    for name, method in METHODS.items():
        repeats = 1 if method is numpy_matrices else 7
        time = median_ms(lambda method=method: [method(hr, 4) for hr in large], repeats) / megapixels
        rows.append({"method": name, **agreement(method), "ms_per_mp": round(time, 2)})
    for row in rows:
        row |= {"times_ours": round(row["ms_per_mp"] / rows[0]["ms_per_mp"], 2), "cpu": processor()}
    report(rows, "downscale", arguments.save)


if __name__ == "__main__":
    main()
