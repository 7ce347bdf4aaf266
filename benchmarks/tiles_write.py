"""Writing tiles of 480 px, compared with BasicSR's extract_subimages: processor time and size, on one core.

    python benchmarks/tiles_write.py [--save]

The peer's loop is cv2.imread, crop, cv2.imwrite as PNG at compression level 3 (BasicSR's setting), and at level 6,
where its files are as large as ours. Ours is the release's job `Write`: it also takes the sha256 of
the photograph and compares it with the listed one, decodes strictly, reads every file back, decodes it, compares its
pixels, and records its files. "ours, not read back" shows the cost of that check; it is not a setting.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from groundglass.files.hashes import sha256_of
from groundglass.image.encode import encode_png
from groundglass.image.frame import open_frame
from groundglass.image.region import Crop
from groundglass.releases.file_layout import Output, Photograph
from groundglass.releases.write_job import Write
from groundglass.tables.parquet import path_to_bytes
from timing import DATA, pin_to_one_core, processor, report

SIDE = 480
PEER_LEVELS = (3, 6)
SETS = {"cid22, PNG 512 px": "train_photos/cid22/*.png", "large_4k, JPEG": "large_4k/**/*.jpg"}


def starts(length: int) -> list[int]:
    """The starts of tiles along one side: BasicSR's rule, in which only the last tile is shifted and may overlap."""
    begun = list(range(0, length - SIDE + 1, SIDE))
    return begun if begun[-1] + SIDE == length else [*begun, length - SIDE]


def peer(paths: list[Path], folder: Path, level: int) -> None:
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        tile = 0
        for y in starts(image.shape[0]):
            for x in starts(image.shape[1]):
                tile += 1
                cropped = np.ascontiguousarray(image[y : y + SIDE, x : x + SIDE])
                name = f"{path.stem}_s{tile:03d}.png"
                cv2.imwrite(str(folder / name), cropped, [cv2.IMWRITE_PNG_COMPRESSION, level])


def ours(items: list[Photograph], folder: Path) -> None:
    job = Write(folder, folder / "parts")
    results = [job.one(item) for item in items]
    assert not job.save(results).failed


def ours_not_read_back(items: list[Photograph], folder: Path) -> None:
    for item in items:
        frame = open_frame(Path(item.path.decode()))
        assert sha256_of(frame.data) == item.sha256
        for output in item.outputs:
            (folder / output.hr).write_bytes(encode_png(frame.at(output.region).rgb))


def plan(paths: list[Path]) -> list[Photograph]:
    return [_planned(path) for path in paths]


def _planned(path: Path) -> Photograph:
    frame = open_frame(path)
    boxes = [Crop(x, y, SIDE, SIDE) for y in starts(frame.height) for x in starts(frame.width)]
    outputs = tuple(
        Output(f"{path.stem}-{n}", "train", str(box), f"{path.stem}_s{n:03d}.png")
        for n, box in enumerate(boxes, 1)
    )
    return Photograph(path_to_bytes(path), sha256_of(frame.data), outputs)


def measure(works: dict[str, Callable[[Path], None]], repeats: int) -> dict[str, tuple[float, int]]:
    """Median milliseconds and bytes of the PNG files, by method; the methods take turns under the same load."""
    times: dict[str, list[float]] = {label: [] for label in works}
    sizes: dict[str, int] = {}
    for _ in range(repeats):
        for label, work in works.items():
            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                work(Path(folder))
                times[label].append(1000 * (time.process_time() - start))
                sizes[label] = sum(path.stat().st_size for path in Path(folder).glob("*.png"))
    return {label: (statistics.median(times[label]), sizes[label]) for label in works}


def compare(name: str, pattern: str, repeats: int) -> list[dict[str, Any]]:
    paths = sorted(DATA.glob(pattern))
    items = plan(paths)
    works: dict[str, Callable[[Path], None]] = {
        "groundglass": lambda folder: ours(items, folder),
        "groundglass, not read back": lambda folder: ours_not_read_back(items, folder),
    }
    for level in PEER_LEVELS:
        works[f"cv2.imwrite, level {level}"] = lambda folder, level=level: peer(paths, folder, level)
    taken = measure(works, repeats)
    ours_time, size = taken["groundglass"]
    tiles = sum(len(item.outputs) for item in items)
    return [
        {
            "photographs": name,
            "tiles": tiles,
            "method": label,
            "processor_ms_per_tile": round(own / tiles, 2),
            "kB_per_tile": round(written / tiles / 1000, 1),
            "our_time_to_its": round(ours_time / own, 3),
            "our_size_to_its": round(size / written, 3),
        }
        for label, (own, written) in taken.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true", help="write results/tiles_write.csv")
    parser.add_argument("--repeats", type=int, default=3, help="times each way is timed; the median counts")
    arguments = parser.parse_args()
    pin_to_one_core()
    facts = {
        "cpu": processor(),
        "python": platform.python_version(),
        "opencv": version("opencv-python-headless"),
    }
    rows = [row for name, pattern in SETS.items() for row in compare(name, pattern, arguments.repeats)]
    report([row | facts for row in rows], "tiles_write", arguments.save)


if __name__ == "__main__":
    main()
