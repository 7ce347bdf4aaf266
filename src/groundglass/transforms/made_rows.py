"""The rows of images that a step makes: one of each incoming row, smaller or larger by a whole factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from groundglass.image.region import Crop, Made, Step
from groundglass.transforms.derived import Boxes, Derived, derive, refuse, sizes, whole_boxes


def smaller_rows(rows: pa.Table, scale: int, key: str) -> Derived:
    """Every image, cropped at the right and bottom to a multiple of ``scale``, degraded by the record of ``key``.

    Images smaller than that are refused as `too_small`.
    """
    width, height = sizes(rows)
    of = np.flatnonzero(np.minimum(width, height) >= scale)
    cropped = [side[of] // scale * scale for side in (width, height)]
    small = [side // scale for side in cropped]
    nothing = np.zeros(len(of), np.int64)
    steps = [
        _steps((w, h), (cw, ch), Made("degraded", nw, nh, scale, key))
        for w, h, cw, ch, nw, nh in np.stack([width[of], height[of], *cropped, *small], axis=1).tolist()
    ]
    boxes = Boxes(of, nothing, nothing, *cropped)
    table = derive(rows, "degrade", boxes, steps, 1 / scale, (small[0], small[1]))
    return Derived(table, refuse(rows, np.minimum(width, height) < scale))


def _steps(size: tuple[int, int], cropped: tuple[int, int], made: Made) -> tuple[Step, ...]:
    return (made,) if size == cropped else (Crop(0, 0, *cropped), made)


def larger_rows(rows: pa.Table, scale: int, keys: Sequence[str]) -> Derived:
    """Every image, restored ``scale`` times larger by the record of its key."""
    width, height = sizes(rows)
    of = np.arange(rows.num_rows)
    large = width * scale, height * scale
    grown = np.stack(large, axis=1).tolist()
    steps = [(Made("restored", w, h, scale, key),) for (w, h), key in zip(grown, keys, strict=True)]
    table = derive(rows, "restore", whole_boxes(rows, of), steps, float(scale), large)
    return Derived(table, refuse(rows, np.zeros(rows.num_rows, bool)))
