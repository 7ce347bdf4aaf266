"""Small current sets for the tests of transforms."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa
from hypothesis import strategies as st

from groundglass.image.region import Crop, Made, parse
from groundglass.tables.parquet import image_id
from groundglass.tables.rows import ROWS

Size = tuple[int, int]
sizes = st.tuples(st.integers(1, 300), st.integers(1, 300))
sets = st.lists(sizes, max_size=8)


def photographs(photo_sizes: Sequence[Size]) -> pa.Table:
    """A set of photographs of these widths and heights."""
    rows = [
        {
            "id": image_id("photos", f"{number}.png"),
            "root": image_id("photos", f"{number}.png"),
            "source": "photos",
            "uri": f"{number}.png",
            "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
            "region": "",
            "width": width,
            "height": height,
        }
        for number, (width, height) in enumerate(photo_sizes)
    ]
    return pa.Table.from_pylist(rows, schema=ROWS)


def followed(region: str, size: Size) -> Size:
    """A region's size; fails where a box leaves the picture or a step enlarges it."""
    width, height = size
    for step in parse(region):
        if isinstance(step, Crop):
            assert step.x >= 0
            assert step.x + step.width <= width, region
            assert step.y >= 0
            assert step.y + step.height <= height, region
        if not isinstance(step, Made) or step.by == "degraded":
            assert step.width <= width
            assert step.height <= height
        width, height = step.width, step.height
    return width, height


def boxes(table: pa.Table) -> list[tuple[int, int, int, int]]:
    """x, y, width, height of every derived row."""
    return list(
        zip(*(table[name].to_pylist() for name in ("x", "y", "box_width", "box_height")), strict=True)
    )
