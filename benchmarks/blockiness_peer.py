"""Blockiness of 512 px tiles compared with pepedp's, one thread, from decoded RGB pixels to the number.

    python -m benchmarks.blockiness_peer FOLDER [--tiles 64] [--save]

Needs pepedp and torch (a CPU build), which groundglass does not: pip install --no-deps pepedp; pip install torch.
pepedp gets tiles that are float tensors already, one by one and in batches of 8, and the faster of the two counts.
Its grey is a float, ours is rounded to 8 bits as a decoder's is, so values differ by a few percent. The last line
is its time ÷ ours.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.machine import facts, milliseconds, save
from groundglass.image.color_management import luma
from groundglass.image.frame import open_frame
from groundglass.measures.blockiness.blockiness import blockiness_of

SIDE, BATCH = 512, 8


def tiles_of(folder: Path, count: int) -> list[Any]:
    """Tiles on the grid, the same number from every photograph."""
    photographs = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png")
    )
    each = max(1, count // len(photographs))
    found: list[Any] = []
    for path in photographs:
        rgb = open_frame(path).rgb
        places = [
            (y, x)
            for y in range(0, rgb.shape[0] - SIDE + 1, SIDE)
            for x in range(0, rgb.shape[1] - SIDE + 1, SIDE)
        ]
        for y, x in places[:: max(1, len(places) // each)][:each]:
            found.append(np.ascontiguousarray(rgb[y : y + SIDE, x : x + SIDE]))
    return found[: len(found) // BATCH * BATCH]


def peer_times(tiles: list[Any], repeats: int) -> tuple[dict[int, float], list[float]]:
    """pepedp's milliseconds per tile by batch size, and its values."""
    import torch
    from pepedp.scripts.archs.blocklines import calculate_image_blockiness

    torch.set_num_threads(1)
    stack = torch.from_numpy(np.stack(tiles)).permute(0, 3, 1, 2).float().contiguous()

    def values(size: int) -> Any:
        with torch.inference_mode():
            return torch.cat([calculate_image_blockiness(part) for part in stack.split(size)])

    times = {size: milliseconds(partial(values, size), repeats) for size in (1, BATCH)}
    return {size: time / len(tiles) for size, time in times.items()}, values(BATCH).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tiles", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/blockiness_peer.csv")
    options = parser.parse_args()
    tiles = tiles_of(options.folder, options.tiles)
    values = [blockiness_of(luma(tile)) for tile in tiles]
    own = milliseconds(lambda: [blockiness_of(luma(tile)) for tile in tiles], options.repeats) / len(tiles)
    peer, theirs = peer_times(tiles, options.repeats)
    best = min(peer.values())
    row = {
        "tiles": len(tiles),
        "groundglass_ms": round(own, 3),
        **{f"pepedp_batch_{size}_ms": round(time, 3) for size, time in peer.items()},
        "times_faster": round(best / own, 1),
        "median_value_ratio": round(median(a / b for a, b in zip(theirs, values, strict=True)), 3),
        "pepedp": version("pepedp"),
        "torch": version("torch"),
    }
    for name, value in {**row, **facts()}.items():
        print(f"{name:>24}  {value}")
    if options.save:
        print(f"saved {save('blockiness_peer', [row]).name}")
    print(f"ratio {best / own:.1f}")


if __name__ == "__main__":
    main()
