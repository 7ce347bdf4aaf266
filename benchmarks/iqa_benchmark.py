"""A benchmark of 16 measures on 2,000 images with 2,000 resamples, compared with a loop of scipy's `spearmanr`.

    python -m benchmarks.iqa_benchmark [--images 2000] [--scores 16] [--bootstrap 2000] [--save]

CPU seconds of one run on one core. The loop resamples each score alone and has only its SRCC: no curve, no PLCC, no
paired difference. It is timed on 40 resamples a score, and scaled.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.timing import pin_to_one_core, processor, report
from groundglass.ratings.benchmark import benchmark
from groundglass.ratings.rated_images import RatedImages, rated_images
from groundglass.ratings.resampling import Wanted, resample

TIMED = 40


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--scores", type=int, default=16)
    parser.add_argument("--bootstrap", type=int, default=2_000)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/iqa_benchmark.csv")
    options = parser.parse_args()
    pin_to_one_core()
    whole = made(options.images, options.scores)
    holes = made(options.images, options.scores, failing=0.01)
    loop = cpu_seconds(lambda: scipy_loop(whole)) * options.bootstrap / TIMED
    works: dict[str, Callable[[], Any]] = {
        "benchmark iqa": lambda: benchmark(whole, bootstrap=options.bootstrap),
        "benchmark iqa, 1 % of each score failed": lambda: benchmark(holes, bootstrap=options.bootstrap),
        "SRCC and PLCC of all resamples": lambda: resampled(whole, options.bootstrap),
    }
    times = {name: cpu_seconds(work) for name, work in works.items()} | {"spearmanr loop": loop}
    rows = [
        {
            "work": name,
            "images": options.images,
            "scores": options.scores,
            "resamples": options.bootstrap,
            "cpu_s": round(seconds, 2),
            "/ spearmanr loop": round(seconds / loop, 4),
            "processor": processor(),
        }
        for name, seconds in times.items()
    ]
    report(rows, "iqa_benchmark", options.save)


def made(images: int, scores: int, failing: float = 0.0) -> RatedImages:
    """Scores that follow a MOS less and less, curved as real ones are."""
    random = np.random.default_rng(0)
    mos = random.normal(3, 1, images)
    found = {
        f"measure {at:02}": np.tanh((mos - 3 + random.normal(0, 0.4 + 0.05 * at, images)) / 2)
        for at in range(scores)
    }
    for values in found.values():
        values[random.random(images) < failing] = np.nan
    return rated_images(mos, found, se=np.full(images, 0.2))


def scipy_loop(images: RatedImages) -> None:
    random = np.random.default_rng(0)
    for values in images.scores.values():
        for _ in range(TIMED):
            drawn = random.integers(len(values), size=len(values))
            spearmanr(values[drawn], images.mos[drawn])


def resampled(images: RatedImages, bootstrap: int) -> None:
    every = np.ones(len(images.mos), bool)
    wanted = {name: Wanted(values, every) for name, values in images.scores.items()}
    resample(images.mos, images.content, wanted, bootstrap)


def cpu_seconds(work: Callable[[], Any]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
