"""The content of a finished release, read from the release itself."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from groundglass.releases.archive import archive_path
from groundglass.releases.journal import INCOMPLETE
from groundglass.releases.release import Failure, ReleaseFacts, facts_of
from groundglass.releases.writers.writer import Release


def finished_release(folder: Path, step: Release, answers: Sequence[str] = ()) -> ReleaseFacts | None:
    """The facts of a finished release; None if there is none, or if it is still being written."""
    manifest = folder / "manifest.parquet"
    if (folder / INCOMPLETE).exists() or not manifest.exists():
        return None
    archive = archive_path(folder, step.archive) if step.archive else None
    return facts_of(folder, archive, pq.read_table(manifest), _failures(folder), 0, step, answers)


def _failures(folder: Path) -> tuple[Failure, ...]:
    path = folder / "failed.csv"
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(Failure(row["id"], row["file"], row["reason"], "") for row in csv.DictReader(file))
