"""The rows of the current set, and the columns that came with their source."""

from __future__ import annotations

import pyarrow as pa

from groundglass.image.region import WHOLE
from groundglass.tables.parquet import compute

ROWS = pa.schema(
    [
        ("id", pa.string()),
        ("parent", pa.string()),
        ("root", pa.string()),
        ("source", pa.string()),
        ("uri", pa.string()),
        ("sha256", pa.string()),
        ("region", pa.string()),
        ("width", pa.int64()),
        ("height", pa.int64()),
    ]
)
"""The columns that a transform reads; it drops other columns of its input."""


META = "meta."
"""The prefix of columns that came with a source."""


def photographs(images: pa.Table) -> pa.Table:
    """The first rows of the current set, one for each sound photo; they share the images' memory."""
    every = images["error"].null_count == images.num_rows and not images["sha256"].null_count
    sound = compute.and_(images["error"].is_null(), images["sha256"].is_valid())
    # A row that was refused unread has no error and no sha256.
    good = images if every else images.filter(sound)
    known = {name: good[name] for name in ("id", "source", "uri", "sha256", "width", "height")}
    empty = {"parent": pa.nulls(good.num_rows, pa.string()), "root": good["id"]}
    whole = {"region": pa.repeat(pa.scalar(WHOLE), good.num_rows)}
    return pa.table(known | empty | whole).select(ROWS.names).cast(ROWS)
