"""Fingerprints of a folder of test images, with which photographs are compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from groundglass.engines.progress import Progress
from groundglass.errors import RecipeError
from groundglass.measures.leak_fingerprint import KNOWN_BY
from groundglass.measures.measure_job import ask_of
from groundglass.runs.single_images import take_measures
from groundglass.similarity.test_images.fingerprints import write_prints
from groundglass.sources.folder import list_folders
from groundglass.sources.listing import Listed


@dataclass(frozen=True)
class Fingerprinted:
    """The result for a folder: how many images have fingerprints, and why others have none."""

    file: Path
    set: str
    known: int
    failed: dict[str, int] = field(default_factory=dict)


def fingerprint_folder(folder: Path, out: Path, name: str, workers: int, progress: Progress) -> Fingerprinted:
    """Write the fingerprints of every image below ``folder`` to the file ``out``, as the test set ``name``.

    Files that are not images become rows that say why. Raises RecipeError if ``out`` exists already, or if no file of
    the folder is an image.
    """
    if out.exists():
        raise RecipeError(f"{out} exists already; nothing is overwritten", "give another name")
    listing = list_folders([str(folder)]).select(["uri", "path", "bytes", "mtime_ns", "error", "detail"])
    listed = [Listed(**row) for row in listing.to_pylist()]
    answers, stuck = take_measures(listed, [ask_of(KNOWN_BY, {})], workers, progress)
    if stuck is not None:
        raise stuck
    rows = [answer.row for answer in answers]
    failed = Counter(str(row["error"]).partition(":")[0] for row in rows if row["error"])
    if len(rows) == failed.total():
        raise RecipeError(f"{folder} holds no image that can be read", _why(failed))
    plain = [{key: value for key, value in row.items() if key != "uri"} for row in rows]
    named = [{**row, "set": name, "name": one.uri} for row, one in zip(plain, listed, strict=True)]
    write_prints(named, out)
    return Fingerprinted(out, name, len(rows) - failed.total(), dict(failed.most_common()))


def _why(failed: Counter[str]) -> str:
    return ", ".join(f"{reason.replace('_', ' ')} {count:,}" for reason, count in failed.most_common(4))
