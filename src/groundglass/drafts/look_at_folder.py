"""A look at a folder before there is a recipe: measure a sample of its files, and describe it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from groundglass.engines.progress import Progress
from groundglass.errors import RecipeError, TooManyFailed
from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import ask_of
from groundglass.plans.leak_reference import leaks_ask
from groundglass.random_streams import stream
from groundglass.runs.single_images import take_measures
from groundglass.selections.deduplicate import deduplicate
from groundglass.similarity.near_columns import NEAR
from groundglass.sources.folder import look_into_folders
from groundglass.sources.listing import Listed
from groundglass.sources.sidecar_columns import mixed_in_words
from groundglass.text.format import some, thousands

SEED = 7
"""Seed of the sample: the same folder gives the same sample."""
TAKEN = ("header", "blockiness", "sharpness", "borders", "colour", "fingerprint", "resolution")
"""The measures of a sample, besides leaks."""
ONE = {
    "are": "is",
    "have": "has",
    "show": "shows",
    "seem": "seems",
    "fail": "fails",
    "hold": "holds",
    "repeat": "repeats",
}
"""Verbs in the plural, with their singular."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """The values of a sample of a folder.

    folder   its path as typed
    files    how many files it holds
    rows     the measures of each sampled file that is a readable image, as `take_measures` gives them
    broken   why the other sampled files cannot be used, by uri
    copies   sampled images that are near-duplicates of another sampled one: uri → reason
    notes    sentences on other files in the folder, and on texts and facts next to its images
    """

    folder: str
    files: int
    rows: tuple[Row, ...]
    broken: Mapping[str, str]
    copies: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def sampled(self) -> int:
        """Files that were looked at."""
        return len(self.rows) + len(self.broken)

    @property
    def whole(self) -> bool:
        """Whether every file was looked at, so that nothing is a guess."""
        return self.sampled == self.files

    @property
    def usable(self) -> int:
        """About how many readable images the folder holds."""
        return round(self.files * len(self.rows) / self.sampled)

    def values(self, column: str) -> list[Any]:
        """The values of a column that are known, smallest first."""
        return sorted(row[column] for row in self.rows if row.get(column) is not None)

    def count(self, holds: Callable[[Row], bool]) -> int:
        """Number of images of the sample for which ``holds`` is true."""
        return sum(map(holds, self.rows))

    def say(self, count: int, verb: str) -> str:
        """The beginning of a sentence about ``count`` sampled images: ``3 of 200 sampled are``, ``1 of 20 has``.

        If every file was looked at, "sampled" is left out.
        """
        whole = f"{thousands(len(self.rows))}{'' if self.whole else ' sampled'}"
        return (
            f"{thousands(count) if count else 'None'} of {whole} {ONE.get(verb, verb) if count < 2 else verb}"
        )


def short_side(row: Row) -> int:
    """The shorter side of an image, px."""
    return min(row["width"], row["height"])


def look_at(folder: str, most: int, workers: int, progress: Progress) -> Look:
    """Measure at most ``most`` files of a folder, drawn by a fixed seed; the folder is only read.

    Raises RecipeError if the folder does not exist or has no file, TooManyFailed if no sampled file is a readable
    image.
    """
    there = look_into_folders([folder])
    listing = there.listing()
    if not listing.num_rows:
        said = "; ".join(("name the folder that the images are in", *there.notes))
        raise RecipeError(f"{folder} holds no {'images' if there.skipped.num_rows else 'files'}", said)
    drawn = draw(listing, most)
    asks = [*(ask_of(MEASURES[name], {}) for name in TAKEN), leaks_ask(["all"])]
    taken = take_measures([Listed(**row) for row in drawn.to_pylist()], asks, workers, progress)
    rows = [answer.row for answer in taken.each]
    sound = tuple(row for row in rows if is_sound(row))
    broken = {row["uri"]: reason_of(row["error"]) for row in rows if not is_sound(row)}
    if not sound:
        seen = "none of its" if drawn.num_rows == listing.num_rows else f"none of {drawn.num_rows} sampled"
        hint = (
            "name a folder of images"
            if drawn.num_rows == listing.num_rows
            else "--sample looks at more of them"
        )
        reasons = counted(broken.values())
        raise TooManyFailed(
            f"{folder}: {seen} {some(listing.num_rows, 'files')} is a readable image: {reasons}", hint
        )
    beside = sorted(f"meta.{name}" for name in there.columns.types)
    columns = (
        (f"Files next to the images give columns for expressions: {', '.join(beside[:8])}.",)
        if beside
        else ()
    )
    notes = (
        *(f"{note[0].upper()}{note[1:]}." for note in (*there.notes, *mixed_in_words(there.columns))),
        *columns,
    )
    return Look(folder, listing.num_rows, sound, broken, near_copies(sound), notes)


def draw(listing: pa.Table, most: int) -> pa.Table:
    """At most ``most`` rows of a listing, in its order."""
    if listing.num_rows <= most:
        return listing
    chosen = stream(SEED, "sample").choice(listing.num_rows, most, replace=False)
    return listing.take(sorted(chosen.tolist()))


def is_sound(row: Row) -> bool:
    """Whether the pixels could be read: sharpness has a value for every image, however flat or small."""
    return row["laplacian_variance"] is not None


def reason_of(error: str) -> str:
    """The code of `errors.REASONS` that an error begins with, with spaces."""
    return error.partition(":")[0].replace("_", " ")


def counted(reasons: Any) -> str:
    """Reasons with their counts, most frequent first.

    >>> counted(["truncated", "empty", "truncated"])
    'truncated 2, empty 1'
    """
    return ", ".join(f"{reason} {thousands(count)}" for reason, count in Counter(reasons).most_common())


def near_copies(rows: Sequence[Row]) -> dict[str, str]:
    """The images that are near-duplicates of another one, with the reason that `deduplicate: near` gives."""
    known = [row for row in rows if row["phash"] is not None]
    kinds = {"phash_detail": pa.string()}
    hashes = {name: pa.array([row[name] for row in known], kinds.get(name, pa.uint64())) for name in NEAR}
    uris = pa.array([row["uri"] for row in known], pa.string())
    verdicts = deduplicate(pa.table({"id": uris, "uri": uris} | hashes), "near").to_pylist()
    return {row["id"]: row["reason"] for row in verdicts if not row["kept"]}
