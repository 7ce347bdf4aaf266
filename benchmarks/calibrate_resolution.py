"""Calibrate the score of `resolution` on fakes of real photographs, and write it into the package.

    python -m benchmarks.calibrate_resolution PHOTOS [PHOTOS …] [--processes 2]

PHOTOS are files or folders of images that were never upscaled. Half of them, by the hash of their names, are
used; the other half is left to `benchmarks.resolution` for testing. Every photograph is used unchanged, with
grain, sharpened, as a JPEG, cut out of a JPEG, as taken by a camera with a Bayer mosaic, scaled down, and a little
out of focus (native), and upscaled in 36 ways (fakes). Limits and intervals come from five-fold cross-validation
by scene.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from benchmarks import resolution_fakes as fakery
from benchmarks.boosting import Settings, fit_trees
from groundglass.image.color_management import luma
from groundglass.measures.resolution import judge
from groundglass.measures.resolution.features import Row, cues_of

Values = npt.NDArray[np.float64]
FROZEN = Path(judge.__file__).with_name("frozen.json")
FOLDS = 5
FALSE_ALARMS = 0.03
"""Share of native images called upscaled in cross-validation; we expect about 5 % on other images."""
SETTINGS = Settings(trees=160, depth=3, rate=0.12)
WILD_KERNELS = (*fakery.KERNELS, "sharp_cubic", "bilinear")
SHRINKS = ("matlab_bicubic", "lanczos", "area", "cut")


@dataclass(frozen=True)
class Example:
    """One made image: its photograph and folder, the factor of upscaling (1: native), and its cues."""

    photo: str
    folder: str
    factor: float
    row: Row


def natives(photo: fakery.Photo, random: np.random.Generator) -> Iterator[fakery.Pixels]:
    """Native images, which must not be called fakes."""
    for condition in fakery.NATIVES:
        yield fakery.treated(photo.rgb, condition, photo.seed)
    for _ in range(4):
        yield fakery.treated(photo.rgb, wild_condition(random), photo.seed)
    yield fakery.treated(photo.rgb, f"blur_{random.uniform(0.3, 0.5):.2f}", photo.seed)
    for _ in range(3):
        taken = fakery.treated(photo.rgb, f"camera_{random.uniform(0, 8):.2f}", photo.seed)
        yield fakery.treated(taken, wild_condition(random), photo.seed)
    factor = random.uniform(1.2, 2.0)
    if min(photo.rgb.shape[:2]) / factor >= 192:
        size = (round(photo.rgb.shape[1] / factor), round(photo.rgb.shape[0] / factor))
        smaller = np.asarray(cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        yield fakery.treated(smaller, wild_condition(random), photo.seed)


def fakes(photo: fakery.Photo, random: np.random.Generator) -> Iterator[tuple[float, fakery.Pixels]]:
    """24 of the benchmark's cells, and 12 of other factors, kernels and strengths."""
    cells = [
        (factor, kernel, condition)
        for factor in fakery.FACTORS
        for kernel in fakery.KERNELS
        for condition in fakery.CONDITIONS
    ]
    for index in random.permutation(len(cells))[:24]:
        factor, kernel, condition = cells[index]
        yield factor, fakery.treated(fakery.upscaled(photo.rgb, factor, kernel), condition, photo.seed + 1)
    for _ in range(12):
        factor = float(np.exp(random.uniform(np.log(1.25), np.log(4.5))))
        kernel, shrink = str(random.choice(WILD_KERNELS)), str(random.choice(SHRINKS))
        quality = int(random.choice([100, 100, 95, 85]))
        camera = shrink == "cut" and random.random() < 0.5
        small = (
            fakery.treated(photo.rgb, f"camera_{random.uniform(0, 8):.2f}", photo.seed)
            if camera
            else photo.rgb
        )
        large = fakery.upscaled(small, factor, kernel, shrink, random.uniform(0.25, 0.5), quality)
        yield factor, fakery.treated(large, wild_condition(random), photo.seed + 1)


def wild_condition(random: np.random.Generator) -> str:
    """A treatment of any strength."""
    return str(
        random.choice(
            [
                "plain",
                f"grain_{random.uniform(0.5, 6):.2f}",
                f"unsharp_{random.uniform(30, 200):.0f}",
                f"jpeg_{random.integers(60, 98)}",
                f"jpeg_crop_{random.integers(60, 98)}",
            ]
        )
    )


def examples_of(file: Path) -> list[Example]:
    """Every image made from a photograph, measured; images without enough texture are left out."""
    cv2.setNumThreads(1)
    found: list[Example] = []
    for photo in fakery.pieces(file):
        random = np.random.default_rng(photo.seed)
        made = [(1.0, image) for image in natives(photo, random)] + list(fakes(photo, random))
        for factor, image in made:
            try:
                row = cues_of(luma(np.ascontiguousarray(image))).row
            except ValueError:
                continue
            found.append(Example(file.name, photo.folder, factor, row))
    return found


def weights(examples: list[Example]) -> Values:
    """Natives weigh as much as fakes, and a folder with four times as many images only twice as much."""
    folders = Counter(example.folder for example in examples)
    each = np.array([folders[example.folder] ** -0.5 for example in examples])
    native = np.array([example.factor == 1 for example in examples])
    for which in (native, ~native):
        each[which] *= len(examples) / 2 / each[which].sum()
    return each


def calibrate(examples: list[Example]) -> dict[str, Any]:
    """All numbers of `frozen.json`."""
    names = tuple(examples[0].row)
    rows = np.array([[example.row[name] for name in names] for example in examples])
    octaves = np.log2([example.factor for example in examples])
    fake = (octaves > 0).astype(np.float64)
    weight = weights(examples)
    folds = np.array(
        [fakery.number_of(fakery.scene_of(example.photo) + "fold") % FOLDS for example in examples]
    )
    unseen = np.zeros((2, len(rows)))
    for fold in range(FOLDS):
        others = folds != fold
        fitted = fit_both(rows[others], fake[others], octaves[others], weight[others], names)
        unseen[:, ~others] = [trees.sums(rows[~others]) for trees in fitted]
    chance = isotonic(unseen[0], fake, weight)
    limit = weighted_quantile(unseen[0][fake == 0], weight[fake == 0], 1 - FALSE_ALARMS)
    upscaled, factor = fit_both(rows, fake, octaves, weight, names)
    return {
        "made_by": "python -m benchmarks.calibrate_resolution",
        "photographs": len({(example.folder, example.photo) for example in examples}),
        "folders": dict(Counter(example.folder for example in examples)),
        "upscaled_at": float(np.interp(limit, chance["logit"], chance["probability"])),
        "chance": chance,
        "errors": errors_of(np.maximum(0, unseen[1]), octaves, weight),
        "upscaled": upscaled.to_plain(),
        "factor": factor.to_plain(),
    }


def fit_both(
    rows: Values, fake: Values, octaves: Values, weight: Values, names: tuple[str, ...]
) -> tuple[Any, Any]:
    """The trees of the score, and those of the factor."""
    return (
        fit_trees(rows, fake, weight, names, "logistic", SETTINGS),
        fit_trees(rows, octaves, weight, names, "squared", SETTINGS),
    )


def isotonic(logits: Values, fake: Values, weight: Values, knots: int = 40) -> dict[str, list[float]]:
    """A rising line from logit to probability: isotonic regression of 40 bins' means, never quite flat."""
    order = np.argsort(logits)
    bins = [part for part in np.array_split(order, knots) if len(part)]
    centre = np.array([np.average(logits[part], weights=weight[part]) for part in bins])
    share = np.array([np.average(fake[part], weights=weight[part]) for part in bins])
    risen = isotonic_regression(share, weights=[weight[part].sum() for part in bins]).x
    slope = np.linspace(0, 1, len(risen) + 2)
    values = 0.998 * np.concatenate([[0], risen, [1]]) + 0.002 * slope
    ends = np.concatenate([[centre[0] - 5], centre, [centre[-1] + 5]])
    return {"logit": np.round(ends, 4).tolist(), "probability": np.round(values, 6).tolist()}


def errors_of(guess: Values, octaves: Values, weight: Values) -> dict[str, list[float]]:
    """The 5 % and 95 % quantiles of true minus guessed log2 factor, around six guesses."""
    knots = np.array([0.0, 0.3, 0.6, 1.0, 1.5, 2.0])
    error = octaves - guess
    nearest = np.abs(guess[:, None] - knots).argmin(axis=1)
    parts = [nearest == number for number in range(len(knots))]
    low, high = (
        [round(weighted_quantile(error[part], weight[part], share), 3) for part in parts]
        for share in (0.05, 0.95)
    )
    return {"log2_factor": knots.tolist(), "low": low, "high": high}


def weighted_quantile(values: Values, weight: Values, share: float) -> float:
    """The value that ``share`` of the weight does not exceed."""
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(len(order) - 1, np.searchsorted(reached, share))])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    files = [file for file in fakery.files_below(options.photos) if not fakery.for_testing(file)]
    print(f"{len(files)} photographs to calibrate on")
    with get_context("forkserver").Pool(options.processes) as pool:
        made = [example for found in pool.imap(examples_of, files, 2) for example in found]
    plain = calibrate(made)
    FROZEN.write_text(json.dumps(plain, separators=(",", ":")) + "\n", "utf-8")
    print(f"{len(made)} images; upscaled from {plain['upscaled_at']:.3f}; errors {plain['errors']}")
    print(f"written: {FROZEN.name}, {FROZEN.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
