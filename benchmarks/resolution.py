"""How well does `resolution` separate upscaled photographs from native ones? The matrix, false alarms, and speed.

    python -m benchmarks.resolution PHOTOS [PHOTOS …] [--processes 2] [--save]

PHOTOS are files or folders of images that were never upscaled; only the half of them that
`benchmarks.calibrate_resolution` never saw (by the hash of their names) is used. Every cell of the matrix is the
AUC of upscaled_score: the photographs scaled down and upscaled again by the factor, then treated, against the
same photographs treated in the same way but not upscaled. An abstention (unknown) counts as a miss: a fake that is
unknown scores lowest of all. A second figure uses the untreated natives instead. Images too flat to have any value
are counted as abstentions too.

Speed is one thread's, on the largest images, without decoding. `--save` writes benchmarks/results/resolution.csv.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.stats import rankdata

from benchmarks import resolution_fakes as fakery
from benchmarks.machine import milliseconds, save
from groundglass.errors import NoValue
from groundglass.image.color_management import luma
from groundglass.measures.resolution.resolution import resolution

ABSTAINED = -1.0


@dataclass(frozen=True)
class Plain:
    """An image in memory, with the parts of a frame that the measure reads."""

    luma: Any

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])


@dataclass(frozen=True)
class Seen:
    """The outcome of one image; kernel "none" and factor 1 are native."""

    folder: str
    photo: str
    kernel: str
    factor: float
    condition: str
    state: str
    score: float
    scale: float
    low: float
    high: float
    witnessed: float


def made(photo: fakery.Photo) -> Iterator[tuple[str, float, str, fakery.Pixels]]:
    """Every image of the benchmark: natives first, then the cells."""
    for condition in fakery.NATIVES:
        yield "none", 1.0, condition, fakery.treated(photo.rgb, condition, photo.seed + 2)
    for kernel in fakery.KERNELS:
        for factor in fakery.FACTORS:
            large = fakery.upscaled(photo.rgb, factor, kernel)
            for condition in fakery.CONDITIONS:
                yield kernel, factor, condition, fakery.treated(large, condition, photo.seed + 3)


def seen_of(file: Path) -> list[Seen]:
    """All images made from one photograph, measured."""
    cv2.setNumThreads(1)
    return [
        Seen(photo.folder, photo.name, kernel, factor, condition, *outcome(image))
        for photo in fakery.pieces(file)
        for kernel, factor, condition, image in made(photo)
    ]


def outcome(image: fakery.Pixels) -> tuple[str, float, float, float, float, float]:
    """State, score, scale, its interval and the witnessed factor."""
    try:
        found = resolution(Plain(luma(np.ascontiguousarray(image))))  # type: ignore[arg-type]
    except NoValue:
        return "unknown", ABSTAINED, np.nan, np.nan, np.nan, np.nan
    numbers = [
        np.nan if found[name] is None else float(found[name])  # type: ignore[arg-type]
        for name in ("effective_scale", "effective_scale_low", "effective_scale_high", "resampling_factor")
    ]
    score = ABSTAINED if found["resolution_state"] == "unknown" else float(found["upscaled_score"])  # type: ignore[arg-type]
    return str(found["resolution_state"]), score, *numbers


def auc(fakes: Sequence[float], natives: Sequence[float]) -> float:
    """How often a fake scores higher than a native one; ties count half.

    >>> auc([2, 3], [1, 2])
    0.875
    """
    ranks = rankdata([*fakes, *natives])[: len(fakes)]
    return float((ranks.sum() - len(fakes) * (len(fakes) + 1) / 2) / (len(fakes) * len(natives)))


def matrix(seen: list[Seen]) -> list[dict[str, Any]]:
    """One row per cell: both AUCs, shares flagged and abstained, the error of the scale, coverage of its interval."""
    cells: dict[tuple[str, float, str], list[Seen]] = defaultdict(list)
    for one in seen:
        cells[one.kernel, one.factor, one.condition].append(one)
    plain = [one.score for one in cells["none", 1.0, "plain"]]
    return [
        cell_row(found, [one.score for one in cells["none", 1.0, condition]], plain)
        for (kernel, _, condition), found in cells.items()
        if kernel != "none"
    ]


def cell_row(found: list[Seen], alike: list[float], plain: list[float]) -> dict[str, Any]:
    first, scores = found[0], [one.score for one in found]
    known = [one for one in found if one.scale == one.scale]
    errors = [abs(np.log2(one.scale * one.factor)) for one in known]
    return {
        "kernel": first.kernel,
        "factor": first.factor,
        "condition": first.condition,
        "photos": len(found),
        "auc": round(auc(scores, alike), 4),
        "auc_untreated": round(auc(scores, plain), 4),
        "flagged": round(share(found, lambda one: one.state == "upscaled"), 3),
        "abstained": round(share(found, lambda one: one.state == "unknown"), 3),
        "scale_error_octaves": round(float(np.median(errors)), 3),
        "interval_covers": round(
            share(known, lambda one: one.low - 1e-3 <= 1 / one.factor <= one.high + 1e-3), 3
        ),
        "factor_exact": round(share(found, lambda one: abs(one.witnessed / one.factor - 1) < 0.01), 3),
    }


def share(found: Sequence[Seen], holds: Callable[[Seen], bool]) -> float:
    return sum(map(holds, found)) / max(1, len(found))


def false_alarms(seen: list[Seen]) -> list[dict[str, Any]]:
    """Natives called upscaled, by treatment and by folder; "all" is every one of them."""
    natives = [one for one in seen if one.kernel == "none"]
    groups: dict[str, list[Seen]] = defaultdict(list)
    for one in natives:
        for name in ("all", one.condition, f"from {one.folder}"):
            groups[name].append(one)
    return [
        {
            "kernel": "none",
            "factor": 1.0,
            "condition": name,
            "photos": len(found),
            "flagged": round(share(found, lambda one: one.state == "upscaled"), 3),
            "abstained": round(share(found, lambda one: one.state == "unknown"), 3),
        }
        for name, found in groups.items()
    ]


def show(cells: list[dict[str, Any]], alarms: list[dict[str, Any]]) -> None:
    """Print the matrix as text."""
    print("AUC against natives treated alike".ljust(20), *(word.rjust(9) for word in fakery.CONDITIONS))
    at = {(row["kernel"], row["factor"], row["condition"]): row for row in cells}
    for kernel in fakery.KERNELS:
        for factor in fakery.FACTORS:
            values = [at[kernel, factor, condition]["auc"] for condition in fakery.CONDITIONS]
            print(f"{kernel} x{factor:g}".ljust(33), *(f"{value:9.3f}" for value in values))
    for key in ("auc", "auc_untreated", "flagged", "interval_covers", "factor_exact"):
        values = [row[key] for row in cells]
        print(f"{key}: mean {np.mean(values):.4f}, minimum {np.min(values):.4f}")
    low = [f"{row['kernel']} x{row['factor']:g} {row['condition']}" for row in cells if row["auc"] < 0.75]
    print(f"cells under .75: {', '.join(low) or 'none'}")
    print("natives called upscaled, and abstained:")
    for row in alarms:
        print(f"  {row['condition']:<28}{row['photos']:>6}{row['flagged']:>8.3f}{row['abstained']:>8.3f}")


def speed(files: list[Path]) -> list[dict[str, Any]]:
    """Milliseconds on the three largest images and the smallest, from luma."""
    from PIL import Image

    sizes = {file: Image.open(file).size for file in files}
    chosen = sorted(files, key=lambda file: -sizes[file][0] * sizes[file][1])
    rows: list[dict[str, Any]] = []
    for file in (*chosen[:3], chosen[-1]):
        grey = Plain(luma(np.asarray(Image.open(file).convert("RGB"))))
        time = milliseconds(lambda grey=grey: resolution(grey), 5)
        rows.append(
            {"kernel": "speed", "condition": f"{grey.width} x {grey.height} px", "ms": round(time, 1)}
        )
        print(f"  {rows[-1]['condition']:<28}{time:8.1f} ms")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/resolution.csv")
    options = parser.parse_args()
    files = [file for file in fakery.files_below(options.photos) if fakery.for_testing(file)]
    print(f"{len(files)} photographs that calibration never saw")
    with get_context("forkserver").Pool(options.processes) as pool:
        seen = [one for found in pool.imap(seen_of, files, 2) for one in found]
    cells, alarms = matrix(seen), false_alarms(seen)
    show(cells, alarms)
    times = speed(files)
    if options.save:
        columns = dict.fromkeys([*cells[0], "ms"], "")
        print(f"saved {save('resolution', [{**columns, **row} for row in (*cells, *alarms, *times)]).name}")


if __name__ == "__main__":
    main()
