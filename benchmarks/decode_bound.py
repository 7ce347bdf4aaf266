"""The cost of measuring compared with decoding: CPU time on one thread, photograph by photograph.

    python -m benchmarks.decode_bound FOLDER [--classical | --all] [--repeats 5] [--save]

decode is simplejpeg's RGB decode of bytes in memory and nothing else. look is the work of a worker: header, decode,
every plane, and the measures of `SPINE`; with --classical those of `CLASSICAL`, which are also sums over pixels; with
--all every measure of the catalog. The last line is the median over the photographs of look ÷ decode.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import simplejpeg

from benchmarks.machine import facts, milliseconds, save
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import ask_of, take

SPINE = ("header", "blockiness", "sharpness", "complexity", "fingerprint")
"""The measures that nearly every recipe takes."""
CLASSICAL = (*SPINE, "noise", "exposure", "colour", "borders")
"""Also the other measures that are sums over pixels; the rest of the catalog searches the image for something."""
SHARED: dict[str, Callable[[Frame], Any]] = {
    "luma": lambda frame: (frame.luma, frame.grid_luma),
    "gradients": lambda frame: frame.gradients,
    "histogram": lambda frame: frame.histogram,
    "colours": lambda frame: frame.colours,
}
"""The planes that several measures share."""
COLOURED = ("exposure", "colour")
"""The measures that need "colours"."""


def parts_of(names: Sequence[str]) -> dict[str, Callable[[Frame], Any]]:
    """The parts in order: the planes that a part shares with earlier ones are computed before it."""
    needed = [name for name in SHARED if name != "colours" or set(COLOURED) & set(names)]
    taken = {name: partial(take, ask_of(MEASURES[name], {})) for name in names}
    return {name: SHARED[name] for name in needed} | taken


def look(data: bytes, names: Sequence[str]) -> list[Any]:
    """Decode a photograph and take these measures."""
    frame = open_frame(data)
    return [take(ask_of(MEASURES[name], {}), frame) for name in names]


def part_times(data: bytes, names: Sequence[str], repeats: int) -> dict[str, float]:
    """Milliseconds of each part on a decoded photograph; a plane that earlier parts also use is not counted."""
    parts = parts_of(names)
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(repeats):
        frame = open_frame(data)
        _ = frame.rgb
        for name, part in parts.items():
            times[name].append(milliseconds_once(part, frame))
    return {name: median(found) for name, found in times.items()}


def milliseconds_once(part: Callable[[Frame], Any], frame: Frame) -> float:
    from time import thread_time

    start = thread_time()
    part(frame)
    return 1e3 * (thread_time() - start)


def row_of(path: Path, names: Sequence[str], repeats: int) -> dict[str, Any]:
    """One photograph's line: ratio, blockiness ÷ decode, and ms/MP of everything."""
    data = path.read_bytes()
    header = open_frame(data).header
    megapixels = header.width * header.height / 1e6
    decode = milliseconds(lambda: simplejpeg.decode_jpeg(data), repeats)
    whole = milliseconds(lambda: look(data, names), repeats)
    parts = part_times(data, names, repeats)
    return {
        "photograph": path.name,
        "megapixels": round(megapixels, 2),
        "bits_per_pixel": round(8e-6 * len(data) / megapixels, 2),
        "ratio": round(whole / decode, 3),
        "blockiness_ratio": round(parts["blockiness"] / decode, 3),
        "decode_ms_mp": round(decode / megapixels, 3),
        "look_ms_mp": round(whole / megapixels, 3),
        **{f"{name}_ms_mp": round(time / megapixels, 3) for name, time in parts.items()},
    }


def show(rows: list[dict[str, Any]]) -> None:
    """The table, and below it the medians."""
    names = list(rows[0])
    middle = {name: "median" if name == "photograph" else median(row[name] for row in rows) for name in names}
    print("  ".join(name.removesuffix("_ms_mp").rjust(12) for name in names))
    for row in [*rows, middle]:
        print(
            "  ".join(
                f"{row[name]:12.3f}" if name != "photograph" else row[name][:12].rjust(12) for name in names
            )
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--classical", dest="set", action="store_const", const="classical", help=", ".join(CLASSICAL)
    )
    chosen.add_argument(
        "--all", dest="set", action="store_const", const="all", help="every measure of the catalog"
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--save", action="store_true", help="write a table to benchmarks/results")
    options = parser.parse_args()
    names = {None: SPINE, "classical": CLASSICAL, "all": tuple(MEASURES)}[options.set]
    cv2.setNumThreads(1)
    photographs = sorted(
        path for path in options.folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg")
    )
    look(photographs[0].read_bytes(), names)  # compiles, or loads what was compiled
    rows = [row_of(path, names, options.repeats) for path in photographs]
    show(rows)
    print("; ".join(f"{name} {value}" for name, value in facts().items()))
    if options.save:
        print(f"saved {save('_'.join(filter(None, ('decode_bound', options.set))), rows).name}")
    print("from decode_ms_mp on: milliseconds a megapixel; ratio: (decode + measures) / decode")
    print(f"blockiness alone / decode: median {median(row['blockiness_ratio'] for row in rows):.3f}")
    print(f"ratio {median(row['ratio'] for row in rows):.3f}")


if __name__ == "__main__":
    main()
