"""The result of every transform: rows of virtual images, and the rows that gave none, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.image.region import Step, extend
from groundglass.tables.parquet import derived_id
from groundglass.tables.rows import ROWS

Whole = NDArray[np.int64]


DERIVED = pa.schema(
    [
        *ROWS,
        ("operation", pa.string()),
        ("scale", pa.float64()),
        ("x", pa.int64()),
        ("y", pa.int64()),
        ("box_width", pa.int64()),
        ("box_height", pa.int64()),
    ]
)
"""The rows of a transform: the box is in px of the incoming image, the scale is new size / box."""

REFUSED = pa.schema([("id", pa.string()), ("reason", pa.string())])

CHUNK = 65_536
"""The rows for which texts are made at once: this limits the memory for Python's strings."""


@dataclass(frozen=True)
class Derived:
    """The virtual images of a transform.

    rows      as `DERIVED`, in the order of the incoming rows
    refused   id and reason (a word of `errors.REASONS`) of every incoming row that gave no image
    """

    rows: pa.Table
    refused: pa.Table


@dataclass(frozen=True)
class Boxes:
    """The places of virtual images: for each one the incoming row ``of`` it, and its box there, in px."""

    of: Whole
    x: Whole
    y: Whole
    width: Whole
    height: Whole


def sizes(rows: pa.Table) -> tuple[Whole, Whole]:
    """Widths and heights of rows, in px. Raises ValueError if one is unknown: a current set has none."""
    if rows["width"].null_count or rows["height"].null_count:
        raise ValueError("rows of unknown size cannot be transformed")
    return rows["width"].to_numpy().astype(np.int64), rows["height"].to_numpy().astype(np.int64)


def refuse(rows: pa.Table, which: NDArray[np.bool_], reason: str = "too_small") -> pa.Table:
    """The refusals of the rows that ``which`` marks."""
    ids = rows["id"].filter(pa.array(which))
    return pa.table([ids, pa.array([reason] * len(ids), pa.string())], schema=REFUSED)


def whole_boxes(rows: pa.Table, of: Whole) -> Boxes:
    """Boxes of the whole incoming images."""
    width, height = sizes(rows)
    nothing = np.zeros(len(of), np.int64)
    return Boxes(of, nothing, nothing, width[of], height[of])


def derive(
    rows: pa.Table,
    operation: str,
    boxes: Boxes,
    steps: Sequence[Sequence[Step]],
    scale: Any = 1.0,
    size: tuple[Whole, Whole] | None = None,
) -> pa.Table:
    """The rows of virtual images: ``steps[i]`` lead from the incoming image to the i-th.

    ``parent`` is the incoming row. An image without steps *is* the incoming image: it keeps its id and
    region, so its measured values also hold for it. If two incoming rows lead to the same region of
    one photo, the first one's image is kept.
    """
    width, height = size or (boxes.width, boxes.height)
    pieces = [
        _with_identity(rows, boxes.of[start : start + CHUNK], steps[start : start + CHUNK])
        for start in range(0, max(len(steps), 1), CHUNK)
    ]
    numbers = {
        "width": width,
        "height": height,
        "operation": pa.array([operation] * len(steps), pa.string()),
        "scale": np.broadcast_to(np.asarray(scale, np.float64), len(steps)),
        "x": boxes.x,
        "y": boxes.y,
        "box_width": boxes.width,
        "box_height": boxes.height,
    }
    table = pa.concat_tables(pieces)
    for name, values in numbers.items():
        table = table.append_column(name, pa.array(values, DERIVED.field(name).type))
    return _first_of_each(table.select(DERIVED.names).cast(DERIVED))


def _first_of_each(table: pa.Table) -> pa.Table:
    """Every id once: a scale of an image and a scale of its copy can be the same image."""
    numbers = table["id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, first = np.unique(numbers, return_index=True)
    return table if len(first) == table.num_rows else table.take(pa.array(np.sort(first)))


def _with_identity(rows: pa.Table, of: Whole, steps: Sequence[Sequence[Step]]) -> pa.Table:
    """The columns that identify an image."""
    incoming = rows.select(["id", "root", "source", "uri", "sha256", "region"]).take(pa.array(of))
    roots = incoming["root"].to_pylist()
    regions = [
        _extended(region, chain) for region, chain in zip(incoming["region"].to_pylist(), steps, strict=True)
    ]
    ids = [derived_id(root, region) for root, region in zip(roots, regions, strict=True)]
    return pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "parent": incoming["id"],
            "root": incoming["root"],
            "source": incoming["source"],
            "uri": incoming["uri"],
            "sha256": incoming["sha256"],
            "region": pa.array(regions, pa.string()),
        }
    )


def _extended(region: str, steps: Sequence[Step]) -> str:
    for step in steps:
        region = extend(region, step)
    return region
