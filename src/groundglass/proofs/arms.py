"""Arms: the sets of images that are compared, as tables of rows, and the comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.files.hashes import sha256_of
from groundglass.image.region import Crop, Resize
from groundglass.tables.parquet import compute, only, without
from groundglass.tables.rows import ROWS

SELECTED, RANDOM, ALL = "selected", "random", "all"
FEWEST = 8
"""Units that an arm must have: fewer have no null that means anything."""
FEWEST_SCORED = 5
SCORED_SHARE, MOST_SCORED = 0.2, 60
"""Of the trusted arm, so many photos are held out to score on where no other images are named."""
PARTS = (1, 2, 4)
"""Resolutions that are compared: the photos as they are, at half and at a quarter of each side."""
SIZES = (0.25, 0.5)

How = Literal["selection", "size", "same photos"]


@dataclass(frozen=True)
class Arm:
    """A set of images that is trained on.

    rows    of `ROWS`; a unit each
    turned  all flips and rotations of them are trained on
    """

    rows: pa.Table
    turned: bool = False


@dataclass(frozen=True)
class Comparison:
    """Two arms, by their names.

    how  "selection": other images, at equal counts; "size": other images, counts as they are; "same photos": row by
         row the same photos in another form
    """

    arm: str
    against: str
    how: How = "selection"


@dataclass(frozen=True)
class Trial:
    """All that a proof compares.

    arms      by their names
    compared  which with which
    scored    rows to score on, where they come from the arms' own photos
    notes     what should be known of the arms
    unknown   the arms with rows that cannot be known, and why: they fail
    """

    arms: Mapping[str, Arm]
    compared: tuple[Comparison, ...]
    scored: pa.Table | None = None
    notes: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)


def held_out_to_score(trusted: pa.Table, most: int = MOST_SCORED) -> pa.Table:
    """A fifth of a trusted arm's photos, one row of each: images to score on, to be taken from every arm.

    Which ones depends on the rows' ids alone. Raises RecipeError where they would be too few.
    """
    first = trusted.sort_by("id").group_by("root", use_threads=False).aggregate([("id", "first")])
    roots = first.sort_by("root")
    count = min(most, int(roots.num_rows * SCORED_SHARE))
    if count < FEWEST_SCORED:
        raise RecipeError(
            f"{roots.num_rows} photos are too few to hold {FEWEST_SCORED} of them out for scoring",
            "name images to score on: --score-on FOLDER",
        )
    return only(trusted, roots["id_first"].slice(0, count))


def without_photos(rows: pa.Table, photos: pa.Table | pa.ChunkedArray) -> pa.Table:
    """The rows that come from none of these photos."""
    roots = photos["root"] if isinstance(photos, pa.Table) else photos
    return without(rows, compute.unique(roots), "root")


def sampled(rows: pa.Table, most: int) -> pa.Table:
    """At most so many rows. Ids are hashes, so the lowest are a random sample, and that of a part of an arm is the
    part of the sample."""
    return rows.sort_by("id").slice(0, most)


def best_rows(pool: pa.Table, values: pa.ChunkedArray, higher: bool, count: int) -> pa.Table:
    """The rows with the best values of a column; rows without a value are never among them."""
    ranked = pool.append_column("value", values)
    ranked = ranked.filter(ranked["value"].is_valid())
    order = "descending" if higher else "ascending"
    return ranked.sort_by([("value", order), ("id", "ascending")]).slice(0, count).select(ROWS.names)


def balanced_rows(pool: pa.Table, values: pa.ChunkedArray, count: int) -> pa.Table:
    """Rows of which every category gives equally many, as far as it has them."""
    known = pool.append_column("value", values).filter(values.is_valid()).sort_by("id")
    lists: dict[str, list[int]] = {}
    for place, value in enumerate(known["value"].to_pylist()):
        lists.setdefault(str(value), []).append(place)
    taken: list[int] = []
    while len(taken) < count and any(lists.values()):
        for category in sorted(lists):
            if lists[category] and len(taken) < count:
                taken.append(lists[category].pop(0))
    return known.take(sorted(taken)).select(ROWS.names)


def at_part(rows: pa.Table, part: int) -> pa.Table:
    """The same photos at 1/``part`` of each side; of all parts equally many pixels are seen.

    At full resolution that is the middle of a photo. Rows too small for the smallest part are left out.
    """
    found: list[dict[str, object]] = []
    for row in rows.to_pylist():
        width, height = row["width"] // PARTS[-1] // 2 * 2, row["height"] // PARTS[-1] // 2 * 2
        if min(width, height) < 24:
            continue
        here = row["width"] // part, row["height"] // part
        chain = [] if part == 1 else [str(Resize(*here, "area"))]
        left, top = ((side - seen) // 4 * 2 for side, seen in zip(here, (width, height), strict=True))
        chain.append(str(Crop(left, top, width, height)))
        region = "/".join([row["region"], *chain] if row["region"] else chain)
        made = {
            "id": sha256_of(f"{row['id']}\n{region}".encode())[:20],
            "parent": row["id"],
            "region": region,
        }
        found.append({**row, **made, "width": width, "height": height})
    return pa.Table.from_pylist(found, ROWS)


def resolution_arms(selected: pa.Table) -> tuple[dict[str, Arm], list[Comparison]]:
    """The selected photos at 1, 1/2 and 1/4 of their resolution."""
    names = {part: "resolution 1" if part == 1 else f"resolution 1/{part}" for part in PARTS}
    arms = {name: Arm(at_part(selected, part)) for part, name in names.items()}
    return arms, [Comparison(names[part], names[1], "same photos") for part in PARTS[1:]]


def size_arms(selected: pa.Table) -> tuple[dict[str, Arm], list[Comparison]]:
    """A quarter and a half of the selected images, against all of them."""
    names = {share: f"{100 * share:.0f} % of selected" for share in SIZES}
    arms = {name: Arm(sampled(selected, int(selected.num_rows * share))) for share, name in names.items()}
    return arms, [Comparison(name, SELECTED, "size") for name in names.values()]


def matched(first: pa.Table, other: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows of two folders whose files have the same name but for the ending, in the same order."""
    places = {_stem(uri): place for place, uri in enumerate(other["uri"].to_pylist())}
    pairs = [
        (place, places[stem])
        for place, uri in enumerate(first["uri"].to_pylist())
        if (stem := _stem(uri)) in places
    ]
    one, two = (pa.array([pair[place] for pair in pairs], pa.int64()) for place in (0, 1))
    return first.take(one), other.take(two)


def _stem(uri: str) -> str:
    return str(PurePosixPath(uri).with_suffix(""))


def names_used(compared: Sequence[Comparison]) -> set[str]:
    """Every arm that is compared."""
    return {name for each in compared for name in (each.arm, each.against)}


def trained_rows(trial: Trial) -> pa.Table:
    """The rows of every arm that is compared; a row of two arms appears twice."""
    return pa.concat_tables([trial.arms[name].rows for name in sorted(names_used(trial.compared))])
