"""The thumbnails of a run's images by the names that a benchmark gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from groundglass.plans.run_tables import RunTables
from groundglass.reports.read_run import thumbnails


def named_thumbnails(tables: RunTables, rows: pa.Table, names: Sequence[str]) -> Mapping[str, bytes]:
    """Encoded images by name, of the rows that have one; ``names`` are in the order of the rows."""
    ids = rows["id"].to_pylist()
    return _Renamed(thumbnails(tables, rows), dict(zip(names, ids, strict=True)))


class _Renamed(Mapping[str, bytes]):
    """Images by name instead of by id; one is copied only when it is read."""

    def __init__(self, images: Mapping[str, bytes], ids: Mapping[str, str]) -> None:
        self._images, self._ids = images, ids

    def __getitem__(self, name: str) -> bytes:
        return self._images[self._ids[name]]

    def __iter__(self) -> Any:
        return (name for name, key in self._ids.items() if key in self._images)

    def __len__(self) -> int:
        return sum(1 for _ in self)
