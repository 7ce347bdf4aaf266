"""Leaks that are found, false alarms, and speed.

    python -m benchmarks.leaks recall [--every 1] [--save]     versions of the test images, on one core
    python -m benchmarks.leaks alarms FOLDER… [--save]         photographs in which something is found
    python -m benchmarks.leaks million [--save]                near-duplicates among 1,000,000 hashes

Versions are made from the images of the shipped fingerprints (384 px on the longer side), for Set5 and Set14 from the
full test images; the surroundings of a test image in a larger image are a training photograph.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.select_million import hashes
from benchmarks.timing import DATA, pin_to_one_core, processor, report
from groundglass.errors import ImageError
from groundglass.image.frame import open_frame
from groundglass.similarity.near_duplicates import near_duplicate_clusters, nearest_kept
from groundglass.similarity.orientations import ways_of_hashes
from groundglass.similarity.test_images.fingerprints import read_prints
from groundglass.similarity.test_images.known_sets import FILE, SETS, load_index
from groundglass.similarity.test_images.search import find_leak

Luma = Any
Change = Callable[[Luma, np.random.Generator], Luma]
TWINS = {
    "Set5/head": "Set14/face", "Set14/face": "Set5/head",
    "Set5/butterfly": "Set14/monarch", "Set14/monarch": "Set5/butterfly",
}  # fmt: skip
"""Two sets contain the same photograph, or a part of it: either name is right."""


def jpeg(image: Luma, quality: int) -> Luma:
    return cv2.imdecode(cv2.imencode(".jpg", image, [1, quality])[1], 0)


def scaled(image: Luma, scale: float) -> Luma:
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=way)


def part(image: Luma, share: float, rng: np.random.Generator) -> Luma:
    """A crop of this share of the area, anywhere."""
    height, width = (int(side * share**0.5) for side in image.shape)
    top, left = rng.integers(image.shape[0] - height + 1), rng.integers(image.shape[1] - width + 1)
    return image[top : top + height, left : left + width]


def inside(image: Luma, times: float, rng: np.random.Generator) -> Luma:
    """Pasted anywhere into a photograph of so many times its area."""
    height, width = (int(side * times**0.5) for side in image.shape)
    photos = sorted((DATA / "train_photos" / "cid22").glob("*.png"))
    around = cv2.resize(cv2.imread(str(photos[rng.integers(len(photos))]), 0), (width, height))
    top, left = rng.integers(height - image.shape[0] + 1), rng.integers(width - image.shape[1] + 1)
    around[top : top + image.shape[0], left : left + image.shape[1]] = image
    return around


VERSIONS: dict[str, Change] = {
    "as it is": lambda p, _: p,
    "mirrored": lambda p, _: p[:, ::-1],
    "turned by 90°": lambda p, _: np.rot90(p),
    "JPEG quality 30": lambda p, _: jpeg(p, 30),
    "half the size": lambda p, _: scaled(p, 0.5),
    "twice the size": lambda p, _: scaled(p, 2),
    "half, mirrored, quality 30": lambda p, _: jpeg(scaled(p[:, ::-1], 0.5), 30),
    "60 % of it": lambda p, rng: part(p, 0.6, rng),
    "60 %, mirrored": lambda p, rng: part(p, 0.6, rng)[:, ::-1],
    "60 %, quality 30": lambda p, rng: jpeg(part(p, 0.6, rng), 30),
    "60 %, half the size": lambda p, rng: scaled(part(p, 0.6, rng), 0.5),
    "60 %, twice the size": lambda p, rng: scaled(part(p, 0.6, rng), 2),
    "36 % of it": lambda p, rng: part(p, 0.36, rng),
    "16 % of it": lambda p, rng: part(p, 0.16, rng),
    "in 2 × its area, quality 60": lambda p, rng: jpeg(inside(p, 2, rng), 60),
    "in 4 × its area, quality 60": lambda p, rng: jpeg(inside(p, 4, rng), 60),
    "in 4 ×, mirrored": lambda p, rng: inside(p, 4, rng)[:, ::-1],
    "in 4 ×, half the size": lambda p, rng: scaled(inside(p, 4, rng), 0.5),
    "in 9 × its area": lambda p, rng: inside(p, 9, rng),
    "in 16 × its area": lambda p, rng: inside(p, 16, rng),
}


def test_images(every: int) -> Iterator[tuple[str, Luma]]:
    """The test images with their names."""
    prints = read_prints(FILE)
    for name in SETS:
        small = sorted((DATA / "benchmark_thumbnails" / name).glob("*.jpg"))
        known = [one for one in prints if one.set == name]
        for one, path in list(zip(known, small, strict=True))[::every]:
            whole = DATA / "benchmarks" / name / "HR" / f"{one.name}.png"
            yield one.label, open_frame(whole if whole.exists() else path).luma


def recall(every: int) -> list[dict[str, Any]]:
    """For each version the share that is found with the right name, set by set."""
    index, shown = load_index("all"), list(test_images(every))
    rows: list[dict[str, Any]] = []
    for version, change in VERSIONS.items():
        rng, found, start = np.random.default_rng(1), dict[str, list[bool]](), time.thread_time()
        wrong = 0
        for label, image in shown:
            leak = find_leak(np.ascontiguousarray(change(image, rng)), index)
            right = leak is not None and leak.of in (label, TWINS.get(label))
            wrong += leak is not None and not right
            found.setdefault(label.split("/")[0], []).append(right)
        spent = 1000 * (time.thread_time() - start) / len(shown)
        shares = {name: round(float(np.mean(found[name])), 3) for name in SETS}
        whole = round(float(np.mean([right for rights in found.values() for right in rights])), 3)
        rows.append({"version": version, "all": whole, **shares, "wrong": wrong, "ms": round(spent, 1)})
    return rows


def alarms(folders: list[Path]) -> list[dict[str, Any]]:
    """One row per folder: photographs, the leaks found in them, and processor time without decoding."""
    index = load_index("all")
    rows: list[dict[str, Any]] = []
    for folder in folders:
        found, spent, megapixels = list[str](), list[float](), list[float]()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            try:
                luma = open_frame(path).luma
            except ImageError:
                continue
            start = time.thread_time()
            leak = find_leak(luma, index)
            spent.append(1000 * (time.thread_time() - start))
            megapixels.append(luma.size / 1e6)
            if leak:
                found.append(f"{path.name}: {leak.relation} {leak.of} {leak.score:.2f}")
        ms = float(np.median(spent))
        rows.append(
            {
                "folder": folder.name,
                "photographs": len(spent),
                "megapixels": round(float(np.median(megapixels)), 2),
                "ms": round(ms, 1),
                "a_second_and_core": round(1000 / ms),
                "found": "; ".join(found) or "-",
            }
        )
    return rows


def million(rows: int = 1_000_000) -> list[dict[str, Any]]:
    """Both questions of `near_duplicates` on random hashes in all eight ways, a tenth of them near-copies."""
    random = np.random.default_rng(7)
    made = hashes(rows, random, correlated=False)
    ways = ways_of_hashes(made, ~made, made ^ np.uint64(0x5555555555555555))
    details = random.integers(-20, 21, (rows, 256), dtype=np.int8)
    found: list[dict[str, Any]] = []
    for name, search in (("clusters", near_duplicate_clusters), ("nearest kept", nearest_kept)):
        search(ways[0, :100], ways[1:, :100], details=details[:100])
        start, used = time.perf_counter(), time.process_time()
        search(ways[0], ways[1:], details=details)
        seconds, cpu = round(time.perf_counter() - start, 1), round(time.process_time() - used, 1)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        found.append(
            {
                "search": name,
                "hashes": rows,
                "seconds": seconds,
                "cpu_seconds": cpu,
                "cores": 1,
                "peak_MB": memory,
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("recall", "alarms", "million"))
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/leaks_WHAT.csv")
    options = parser.parse_args()
    pin_to_one_core()
    made = {
        "recall": lambda: recall(options.every),
        "alarms": lambda: alarms(options.folders),
        "million": million,
    }
    about = {"processor": processor(), "opencv": cv2.__version__}
    report([row | about for row in made[options.what]()], f"leaks_{options.what}", options.save)


if __name__ == "__main__":
    main()
