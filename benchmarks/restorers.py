"""Restorers on captured pairs: how near each is to the truth, and how far its tiles must look.

    python -m benchmarks.restorers PAIRS [--models bicubic,waifu2x-photo] [--most 8] [--seams] [--save]

PAIRS holds test_LR and test_HR (RealSR at ×4, as in github.com/cswry/OSEDiff, preset/datasets). HR is moved onto LR
first, as the gates of pairs do it, and 16 px at the border do not count. PSNR is that of RGB, the other figures are of
luma, and each is the mean over the pairs. LQ has 128 px; the time is of one thread. ``--seams`` also cuts the first
three LQ into two tiles, and measures by how many levels of 255 they differ where they meet, for several overlaps.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import save
from groundglass.image.frame import open_frame
from groundglass.image.resize import resize
from groundglass.measures.pairs.align import align, warped
from groundglass.measures.pairs.gradient_similarity import gmsd
from groundglass.measures.pairs.multiscale_ssim import ms_ssim
from groundglass.measures.pairs.psnr_ssim import psnr, ssim
from groundglass.models.restorers.restorer import Restorer, RestorerSettings, open_restorer

BORDER = 16
MODELS = (
    "bicubic",
    "waifu2x-photo",
    "realesr-animevideov3-x4",
    "waifu2x-cunet",
    "realcugan-x4",
    "realesrgan-x4plus",
)
OVERLAPS = (16, 32, 40)
"""px of LQ beyond a border, on each side."""


@dataclass(frozen=True)
class Figures:
    """One pair: likeness to the aligned captured HR, to LQ after area reduction, and the time."""

    psnr: float
    ssim: float
    ms_ssim: float
    gmsd: float
    down_psnr: float
    seconds: float


def pairs_of(folder: Path, most: int) -> Iterator[tuple[Any, Any]]:
    """LR and the aligned HR of the first pairs; a pair that cannot be aligned is left out."""
    for file in sorted((folder / "test_LR").glob("*.png"))[:most]:
        lq = open_frame(file).rgb
        hq = open_frame(folder / "test_HR" / file.name).rgb
        found = align(lq, hq)
        if found is not None:
            yield lq, np.clip(np.round(warped(hq, found.matrix)), 0, 255).astype(np.uint8)


def figures_of(restorer: Restorer, pairs: Sequence[tuple[Any, Any]]) -> list[Figures]:
    """The figures of each pair."""
    found: list[Figures] = []
    for lq, hq in pairs:
        start = time.process_time()
        made = restorer.restore(lq)
        seconds = time.process_time() - start
        inner = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
        truth, ours = hq[inner], made[inner]
        luma = [np.round(each @ np.array([0.299, 0.587, 0.114])).astype(np.uint8) for each in (truth, ours)]
        down = resize(made, lq.shape[1], lq.shape[0], "area")
        found.append(
            Figures(psnr(truth, ours), ssim(*luma), ms_ssim(*luma), gmsd(*luma), psnr(lq, down), seconds)
        )
    return found


def seams_of(restorer: Restorer, lq: Any, overlap: int) -> float:
    """The mean difference of two tiles in the band around their border, in levels."""
    middle, half, scale = lq.shape[1] // 2, overlap // 4, restorer.scale
    left = restorer.restore(np.ascontiguousarray(lq[:, : middle + overlap]))
    right = restorer.restore(np.ascontiguousarray(lq[:, middle - overlap :]))
    one = left[:, (middle - half) * scale : (middle + half) * scale]
    other = right[:, (overlap - half) * scale : (overlap + half) * scale]
    return float(np.abs(one.astype(float) - other).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--most", type=int, default=8, help="how many pairs")
    parser.add_argument("--seams", action="store_true", help="also measure two tiles at their border")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/restorers.csv")
    options = parser.parse_args()
    pairs = list(pairs_of(options.folder, options.most))
    rows: list[dict[str, Any]] = []
    for name in options.models.split(","):
        restorer = open_restorer(RestorerSettings(name, scale=4))
        found = [asdict(one) for one in figures_of(restorer, pairs)]
        row: dict[str, Any] = {"model": name, "pairs": len(found)}
        row |= {key: round(float(np.mean([one[key] for one in found])), 3) for key in found[0]}
        for overlap in OVERLAPS if options.seams else ():
            apart = [seams_of(restorer, lq, overlap) for lq, _ in pairs[:3]]
            row[f"seam_{overlap}_median"] = round(float(np.median(apart)), 2)
            row[f"seam_{overlap}_most"] = round(max(apart), 2)
        rows.append(row)
        print(row, flush=True)
    if options.save:
        print(f"saved {save('restorers', rows).name}")


if __name__ == "__main__":
    main()
