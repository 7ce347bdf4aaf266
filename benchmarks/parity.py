"""Our measures compared with published numbers, on the five images with which pyiqa checks its versions against the
authors' code.

    python benchmarks/parity.py ../shared/data/iqa_calibration > benchmarks/results/parity.csv

`results_official.csv` holds the results of the authors' programs. If ours is the same quantity, it should be equal; if
it is another one (`naturalness` is fitted to other photographs than NIQE), only the order can agree.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from groundglass.image.frame import Frame, open_frame
from groundglass.measures.complexity.complexity import complexity
from groundglass.measures.naturalness.naturalness import naturalness
from groundglass.measures.pairs.psnr_ssim import psnr, ssim

Scored = Callable[[Frame, Frame], float]


def grey(frame: Frame) -> np.ndarray:
    """MATLAB's rgb2gray, rounded, as the authors of SSIM use it."""
    return np.rint(frame.rgb.astype(float) @ [0.298936, 0.587043, 0.114021])


OURS: dict[str, tuple[str, Scored]] = {
    "psnr": ("pairs: psnr of RGB", lambda r, d: psnr(r.rgb.astype(float), d.rgb.astype(float))),
    "ssim": ("pairs: ssim of grey", lambda r, d: ssim(grey(r), grey(d))),
    "entropy": ("complexity: entropy", lambda _, d: float(complexity(d)["entropy"])),  # type: ignore[arg-type]
    "niqe": ("naturalness", lambda _, d: float(naturalness(d)["naturalness"])),  # type: ignore[arg-type]
    "niqe_matlab": ("naturalness", lambda _, d: float(naturalness(d)["naturalness"])),  # type: ignore[arg-type]
}


def main(folder: Path) -> None:
    with (folder / "results_official.csv").open() as file:
        official = {row.pop("Method"): row for row in csv.DictReader(file)}
    table = csv.writer(sys.stdout, lineterminator="\n")
    images = list(official["psnr"])
    table.writerow(["published", "ours", *images, "largest_difference", "rank_correlation"])
    for name, (words, score) in OURS.items():
        published = [float(official[name][image]) for image in images]
        found = [
            score(open_frame(folder / "ref_dir" / image), open_frame(folder / "dist_dir" / image))
            for image in images
        ]
        off = max(abs(one - other) for one, other in zip(published, found, strict=True))
        order = float(spearmanr(published, found)[0])  # type: ignore[arg-type]
        pairs = [f"{one:.4g} / {other:.4g}" for one, other in zip(published, found, strict=True)]
        table.writerow([name, words, *pairs, f"{off:.4f}", f"{order:.2f}"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
