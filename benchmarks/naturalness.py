"""The accuracy and the cost of `naturalness`.

    python -m benchmarks.naturalness [--save]

`worse` is the share of photographs that score worse after a distortion, `auc` the chance that any distorted one scores
worse than any clean one. Photographs of CID22 and BSDS500 are split into two halves by turns: each half is judged by a
reference that was fitted to the other one. Pairs and the published NIQE are judged by the built-in reference. Times are
of one core, on a decoded photograph of 8 to 10 megapixels, compared with simplejpeg's decode.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg

from benchmarks.content_measures import spearman
from benchmarks.machine import milliseconds, save
from benchmarks.resolution import auc
from benchmarks.timing import DATA, pin_to_one_core
from groundglass.degradations.banding import Banding
from groundglass.degradations.blur import Defocus, GaussianBlur, MotionBlur
from groundglass.degradations.catalog import distort
from groundglass.degradations.clipping import Clipping
from groundglass.degradations.jpeg import Jpeg
from groundglass.degradations.letterbox import Letterbox
from groundglass.degradations.mirror import Mirror
from groundglass.degradations.noise import GaussianNoise, ShotNoise
from groundglass.degradations.overlay import LogoOverlay, TextOverlay
from groundglass.degradations.resize import FalseResolution, Scale
from groundglass.degradations.sharpen import Sharpen
from groundglass.errors import NoValue
from groundglass.image.color_management import luma
from groundglass.image.frame import open_frame
from groundglass.measures.naturalness.features import patch_features
from groundglass.measures.naturalness.model import Gaussian, SharpSums, distance, fit_gaussian, sharp_sums
from groundglass.measures.naturalness.naturalness import PROFILED
from groundglass.measures.naturalness.profile import SHIPPED, load_natural

Row = dict[str, Any]
Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]
DISTORTIONS: dict[str, Any] = {
    "gaussian_blur 0.6": GaussianBlur(0.6), "gaussian_blur 1": GaussianBlur(1), "gaussian_blur 2": GaussianBlur(2),
    "motion_blur 5": MotionBlur(5), "motion_blur 11": MotionBlur(11), "defocus 1.5": Defocus(1.5),
    "defocus 3": Defocus(3), "gaussian_noise 2": GaussianNoise(2), "gaussian_noise 5": GaussianNoise(5),
    "gaussian_noise 15": GaussianNoise(15), "shot_noise 0.5": ShotNoise(0.5), "jpeg 90": Jpeg(90),
    "jpeg 75": Jpeg(75), "jpeg 50": Jpeg(50), "jpeg 20": Jpeg(20), "false_resolution 1.5": FalseResolution(1.5),
    "false_resolution 2": FalseResolution(2), "false_resolution 4": FalseResolution(4), "scale 0.75": Scale(0.75),
    "sharpen 1": Sharpen(1), "sharpen 3": Sharpen(3), "banding 32": Banding(32),
    "clipping 0.1": Clipping(highlights=0.1), "letterbox 0.1": Letterbox(rows=0.1),
    "text_overlay 0.05": TextOverlay(size=0.05), "logo_overlay 0.1": LogoOverlay(size=0.1),
    "mirror": Mirror(across=True),
}  # fmt: skip
SIDES = (192, 256, 288, 384, 512)
FEW = (10, 20, 40, 80)
PAIRS = (
    ("PolyU: one exposure, not the mean of many", "polyu_noise", "*real*", "real", "mean"),
    ("City100: far, not near", "city100_iphonex", "*L.PNG", "L.PNG", "H.PNG"),
    ("RealSR: made by a diffusion model, not taken", "realsr_x4/results_osediff", "*", "results_osediff", "test_HR"),
    ("DRealSR: the same", "drealsr_x4/results_osediff", "*", "results_osediff", "test_HR"),
)  # fmt: skip


def judged(rgb: Pixels, reference: Gaussian) -> float:
    """The distance from a reference; NaN if there is no value."""
    try:
        return distance(reference, patch_features(luma(rgb)).features)
    except NoValue:
        return float("nan")


def fit(images: Sequence[Pixels]) -> Gaussian:
    return fit_gaussian(sums for rgb in images if (sums := sums_of(rgb)) is not None)


def sums_of(rgb: Pixels) -> SharpSums | None:
    try:
        return sharp_sums(patch_features(luma(rgb)))
    except NoValue:
        return None


def row(what: str, images: int, clean: float, spoilt: float, **more: Any) -> Row:
    empty: Row = {"worse": "", "auc": "", "low": "", "high": ""}
    said = {name: round(value, 3) if isinstance(value, float) else value for name, value in more.items()}
    return {
        "what": what,
        "pictures": images,
        "clean": round(clean, 3),
        "spoilt": round(spoilt, 3),
        **empty,
        **said,
    }


def compared(what: str, clean: Floats, spoilt: Floats) -> Row:
    """One distortion on the photographs that have a value before and after."""
    both = np.isfinite(clean) & np.isfinite(spoilt)
    clean, spoilt = clean[both], spoilt[both]
    worse = (spoilt > clean * (1 + 1e-4)).astype(float)
    draws = np.random.default_rng(0).integers(0, worse.size, (2000, worse.size))
    low, high = np.percentile(worse[draws].mean(axis=1), [2.5, 97.5])
    return row(
        what, worse.size, float(np.median(clean)), float(np.median(spoilt)),
        worse=float(worse.mean()), auc=auc(spoilt.tolist(), clean.tolist()), low=float(low), high=float(high),
    )  # fmt: skip


def spoiling(sets: dict[str, list[Pixels]]) -> Iterator[Row]:
    """Every distortion on each set, judged by references that were fitted to the other halves of both sets."""
    halves = [[rgb for images in sets.values() for rgb in images[half::2]] for half in (0, 1)]
    references = [fit(halves[1]), fit(halves[0])]
    for name, images in sets.items():
        clean = np.array([judged(rgb, references[n % 2]) for n, rgb in enumerate(images)])
        for word, settings in DISTORTIONS.items():
            spoilt = [
                judged(distort(rgb, settings, np.random.default_rng(n)), references[n % 2])
                for n, rgb in enumerate(images)
            ]
            yield compared(f"{name}: {word}", clean, np.array(spoilt))


def small_references(sets: dict[str, list[Pixels]], draws: int = 20) -> Iterator[Row]:
    """Rank correlation of references of few images with one of all images that are not judged."""
    every = [rgb for images in sets.values() for rgb in images]
    tests = [patch_features(luma(rgb)).features for rgb in every[::4]]
    found = [sums_of(rgb) for n, rgb in enumerate(every) if n % 4]
    pool = [sums for sums in found if sums is not None]
    whole = scores(fit_gaussian(pool), tests)
    random = np.random.default_rng(0)
    for size in FEW:
        ranks: list[float] = []
        for _ in range(draws):
            chosen = [pool[n] for n in random.permutation(len(pool))[:size]]
            ranks.append(spearman(scores(unchecked(chosen), tests), whole))
        yield row(
            f"SRCC of references of {size} and {len(pool)}", len(tests), float("nan"), float(np.mean(ranks)),
            low=min(ranks), high=max(ranks),
        )  # fmt: skip


def unchecked(images: Sequence[SharpSums]) -> Gaussian:
    """A fit to fewer images than allowed: each is repeated until there are enough."""
    return fit_gaussian([sums for sums in images for _ in range(20)])


def scores(reference: Gaussian, tests: Sequence[Floats]) -> Floats:
    return np.array([distance(reference, features) for features in tests])


def sizes(sets: dict[str, list[Pixels]]) -> Iterator[Row]:
    """The middles of photographs of 512 px."""
    reference = fit(sets["BSDS500"] + sets["CID22"][::2])
    for side in SIDES:
        start = (SIDES[-1] - side) // 2
        middles = [rgb[start : start + side, start : start + side] for rgb in sets["CID22"][1::2]]
        found = [judged(np.ascontiguousarray(rgb), reference) for rgb in middles]
        yield row(f"CID22: middle of {side} px", len(found), float(np.nanmedian(found)), float("nan"))


def pairs(reference: Gaussian) -> Iterator[Row]:
    """Pairs of real images of the same scene, a doubtful one and a good one."""
    for what, folder, pattern, doubtful, good in PAIRS:
        names = [
            (path, Path(str(path).replace(doubtful, good)))
            for path in sorted((DATA / "pairs" / folder).glob(pattern))
        ]
        both = [(path, other) for path, other in names if other.exists()]
        spoilt, clean = (
            np.array([judged(open_frame(pair[side]).rgb, reference) for pair in both]) for side in (0, 1)
        )
        if both:
            yield compared(what, clean, spoilt)


def published(reference: Gaussian) -> Iterator[Row]:
    """The authors' model on five images in the column `clean`, and ours in `spoilt`."""
    folder = DATA / "iqa_calibration"
    with (folder / "calibration_summary.csv").open(encoding="utf-8") as file:
        rows = {line[0]: line[1:] for line in csv.reader(file)}
    for name, value in zip(rows["Method"], rows["niqe_matlab"], strict=True):
        rgb = open_frame(folder / "dist_dir" / name).rgb
        yield row(f"published NIQE of {name}", 1, float(value), judged(rgb, reference))


def times() -> Iterator[Row]:
    """Milliseconds: decoding in the column `clean`, the measure in `spoilt`."""
    for path in sorted((DATA / "large_4k").glob("*/*.jpg")):
        data = path.read_bytes()
        plane = open_frame(data).luma
        if not 8e6 <= plane.size <= 10e6:
            continue
        decode = milliseconds(lambda data=data: simplejpeg.decode_jpeg(data), 9)
        measure = milliseconds(lambda plane=plane: patch_features(plane), 9)
        yield row(
            f"ms, {plane.shape[1]}×{plane.shape[0]}, decode and measure",
            1,
            decode,
            measure,
            worse=measure / decode,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/naturalness.csv")
    options = parser.parse_args()
    pin_to_one_core()
    folders = {"CID22": "cid22", "BSDS500": "bsds500"}
    sets = {
        name: [open_frame(path).rgb for path in sorted((DATA / "train_photos" / folder).iterdir())]
        for name, folder in folders.items()
    }
    reference = load_natural(SHIPPED, PROFILED).gaussian
    rows: list[Row] = []
    for part in (
        times(),
        published(reference),
        pairs(reference),
        sizes(sets),
        small_references(sets),
        spoiling(sets),
    ):
        for line in part:
            print(
                "  ".join(
                    str(value).ljust(width)
                    for value, width in zip(line.values(), (46, 5, 8, 8, 7, 7, 7, 7), strict=True)
                )
            )
            rows.append(line)
    if options.save:
        print(f"saved {save('naturalness', rows).name}")


if __name__ == "__main__":
    main()
