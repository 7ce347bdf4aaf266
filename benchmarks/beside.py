"""Operations that should be cheap, each compared with a yardstick that does the same or less: CPU time and ratio.

    python -m benchmarks.beside [--repeats 9] [--save]

Both take turns in one process, so a busy machine slows both; medians. The tests count the operations (bytes read, tiles
made, transforms); this benchmark shows their speed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from benchmarks.machine import save
from groundglass import testing
from groundglass.image.header import read_header
from groundglass.source_quality.kernel_density import density, sample_of
from groundglass.sources.table import ImageColumn, list_tables
from groundglass.tables.rows import ROWS
from groundglass.transforms.tile import tile

Work = Callable[[], Any]
MILLION = 1_000_000


def headers() -> tuple[Work, Work]:
    files = [testing.jpeg(testing.photo(1600, 1200, seed)) for seed in range(4)] * 50
    return lambda: [read_header(data) for data in files], lambda: [
        Image.open(io.BytesIO(data)) for data in files
    ]


def tiles() -> tuple[Work, Work]:
    count = MILLION // (24 * 18)
    names = [f"{number:064x}" for number in range(count)]
    texts = dict.fromkeys(("id", "parent", "root", "source", "uri", "sha256"), names)
    sizes = {"region": [""] * count, "width": [4000] * count, "height": [3000] * count}
    rows = pa.table(texts | sizes, schema=ROWS)
    keys = [f"{name}crop({place},{place},256,256)".encode() for name in names for place in range(24 * 18)]
    return lambda: tile(rows, 256, 160), lambda: [hashlib.sha256(key).hexdigest() for key in keys]


def densities() -> tuple[Work, Work]:
    values = 10 * np.random.default_rng(0).lognormal(0, 1, MILLION)
    return lambda: density(sample_of(values), 0.0, float(values.max())), lambda: np.sort(values)


@contextmanager
def tables() -> Iterator[tuple[Work, Work]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        captions = [f"caption {number}" for number in range(MILLION)]
        image = pa.array([b"x" * 200] * MILLION)
        parquet.write_table(pa.table({"image": image, "caption": captions}), path)
        ours = lambda: list_tables([str(path)], ImageColumn("image", True), {"caption": "VARCHAR"})  # noqa: E731
        yield ours, lambda: parquet.read_table(path, columns=["caption"]).to_pylist()


def measured(what: str, beside: str, ours: Work, theirs: Work, repeats: int) -> dict[str, Any]:
    """Median CPU milliseconds of both, and ours divided by the yardstick's."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(repeats + 1):
        for work, kept in zip((ours, theirs), times, strict=True):
            begun = process_time()
            work()
            if number:  # the first one warms up
                kept.append(process_time() - begun)
    ratio = median(mine / other for mine, other in zip(*times, strict=True))
    mine, other = (1000 * median(kept) for kept in times)
    return {
        "what": what,
        "beside": beside,
        "ms": f"{mine:.1f}",
        "beside_ms": f"{other:.1f}",
        "ratio": f"{ratio:.2f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    rows = [
        measured("200 JPEG headers", "Pillow's Image.open", *headers(), options.repeats),
        measured("1,000,000 tiles", "as many SHA-256 of their names", *tiles(), options.repeats),
        measured("density of 1,000,000 values", "numpy's sort of them", *densities(), options.repeats),
    ]
    with tables() as works:
        rows.append(
            measured("1,000,000 rows listed", "pyarrow reads their captions", *works, options.repeats)
        )
    for row in rows:
        print(
            f"{row['what']:28} {row['ms']:>8} ms   {row['ratio']:>6} × {row['beside']} ({row['beside_ms']} ms)"
        )
    if options.save:
        print(save("beside", rows))


if __name__ == "__main__":
    main()
