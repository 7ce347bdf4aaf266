"""Small photographs on disk and their rows, for the tests of releases."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from groundglass import testing
from groundglass.engines.shards import Settings
from groundglass.files.hashes import sha256_of
from groundglass.image.region import parse
from groundglass.releases.release import ReleaseContext
from groundglass.tables.parquet import derived_id, image_id, path_to_bytes

CONTEXT = ReleaseContext(
    name="tiny", recipe="name: tiny\n", lock="seed: 0\n", settings=Settings(workers=1, shard=4)
)


def make_photographs(folder: Path, count: int, width: int = 50, height: int = 39) -> list[Path]:
    """PNG files ``p0.png`` …; each with other pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"p{n}.png" for n in range(count)]
    for n, path in enumerate(paths):
        path.write_bytes(testing.png(testing.photo(width, height, seed=n)))
    return paths


def make_rows(paths: list[Path], regions: tuple[str, ...] = ("",), **columns: list[object]) -> pa.Table:
    """One row for each path and region, with a falling score ``detail``; ``columns`` replace columns."""
    places = [(path, region) for path in paths for region in regions]
    rows = [_row(path, region, len(places) - n) for n, (path, region) in enumerate(places)]
    table = pa.Table.from_pylist(rows)
    for name, values in columns.items():
        if name in table.column_names:
            table = table.drop_columns(name)
        table = table.append_column(name, pa.array(values))
    return table


def _row(path: Path, region: str, detail: int) -> dict[str, object]:
    name = path.name.encode(errors="replace").decode()
    root = image_id("photos", name)
    width, height = _size(path, region)
    return {
        "id": derived_id(root, region),
        "parent": root if region else None,
        "root": root,
        "source": "photos",
        "uri": name,
        "sha256": sha256_of(path.read_bytes()),
        "region": region,
        "width": width,
        "height": height,
        "path": path_to_bytes(path),
        "licence": "CC0-1.0",
        "author": "A. Tester",
        "split": "train",
        "detail": float(detail),
    }


def _size(path: Path, region: str) -> tuple[int, int]:
    from groundglass.image.frame import open_frame

    steps = parse(region)
    frame = open_frame(path)
    return (steps[-1].width, steps[-1].height) if steps else (frame.width, frame.height)
