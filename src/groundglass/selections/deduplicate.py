"""Keep one of each group of duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from groundglass.errors import RecipeError
from groundglass.image.region import TILE_SIGN, WHOLE
from groundglass.selections.ranked_rule import Wanted
from groundglass.selections.ranking import Order, sign_of
from groundglass.selections.rule import Catches, Given, Judged, Lookup, Needs, Rule, Taken
from groundglass.settings.key_rules import refuse
from groundglass.similarity.near_columns import NEAR
from groundglass.similarity.near_duplicates import nearest_kept
from groundglass.similarity.orientations import of_images
from groundglass.tables.expressions import column_path
from groundglass.tables.quoting import quoted_name
from groundglass.tables.verdicts import ask, compute, errors, numbers, places, values, verdicts

PIXELS = "pixels_sha256"
"""The column that identifies images with the same pixels, whatever their files."""
DEFAULT_DISTANCE = 6
"""The number of bits of 64 in which hashes of near-duplicates may differ."""


COLUMN = {"exact": "sha256", "pixels": PIXELS, "near": "phash"}
"""The column that each mode requires."""

ORIGINAL = {
    "exact": (),
    "pixels": ("jpeg_quality",),
    "near": ("width", "height", "jpeg_quality", "laplacian_variance"),
}
"""Columns that separate the original from its copies if ``by`` is not given, by mode."""
TRUE_SCALE = "effective_scale"
"""The result of the measure `resolution` for an upscaled image; near-duplicates use it if it was measured."""
MADE_WITH = "made_with"
"""The column of images that a step made, degraded or restored."""
HARDLY_SEEN = 94
"""A file that is not a JPEG ranks as a JPEG of this quality or more, since either may be made from the other."""
HARDLY_COMPRESSED = 90
"""From this JPEG quality on, a file counts as hardly compressed, like one that is not a JPEG."""

WHY_NOT = {
    "smaller": "which is larger",
    "lower in true resolution": "which has a higher true resolution",
    "more compressed": "which is less compressed",
    "with less detail": "which has more detail",
    "as good": "which is as good",
}
"""The comparison of a copy with the one that is kept, and its words in the reason."""


class Deduplicate(Rule):
    """Keep one of each group of duplicates: the best by a column, or else the original."""

    keys: ClassVar = ("deduplicate",)
    reference: ClassVar = (
        "Norouzi, Punjani, Fleet, Fast search in Hamming space with multi-index hashing, 2012"
    )
    example: ClassVar = "{deduplicate: near}"
    pool_relative: ClassVar = True
    catches: ClassVar[Catches] = "copy"

    deduplicate: Annotated[
        Literal["exact", "pixels", "near"],
        Field(description="copies have the same bytes, the same pixels, or look alike"),
    ]
    by: Annotated[
        str | None,
        Field(description="the column that ranks copies; default: the largest, least compressed one stays"),
    ] = None
    order: Wanted = None
    distance: Annotated[
        Annotated[int, Field(ge=0, le=32)] | None,
        Field(description=f"bits of 64 in which near-duplicates may differ; default: {DEFAULT_DISTANCE}"),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Deduplicate:
        if self.distance is not None and self.deduplicate != "near":
            no = f"`distance` has no meaning with `deduplicate: {self.deduplicate}`"
            refuse("distance", no, "write `deduplicate: near`")
        if self.order is not None and self.by is None:
            refuse("order", "`order` needs a column to rank by", "add `by: COLUMN`")
        return self

    def needs(self, lookup: Lookup) -> Needs:
        names: list[str] = {"near": ["fingerprint"], "pixels": ["pixels"]}.get(self.deduplicate, [])
        reads: tuple[str, ...] = {"near": NEAR, "pixels": (PIXELS,)}.get(self.deduplicate, ())
        if self.by is not None:
            path = lookup.column("by", self.by)
            found = Needs((path,), {} if self.order else {self.by: lookup.better("by", path)})
        else:
            names += {"near": ["header", "sharpness"], "pixels": ["header"]}.get(self.deduplicate, [])
            reads += ORIGINAL[self.deduplicate]
            found = Needs(notes=self._blind_to(lookup))
            if self.deduplicate == "near" and TRUE_SCALE in lookup.scope.own():
                reads += (TRUE_SCALE,)
        return found + Needs(taken=tuple(map(Taken, names)), reads=tuple((name,) for name in reads))

    def _blind_to(self, lookup: Lookup) -> tuple[str, ...]:
        """Notes on copies that it cannot detect: upscaled ones without the measure `resolution`, and degraded ones."""
        if self.deduplicate != "near":
            return ()
        notes: list[str] = []
        if any(column.name == MADE_WITH for column in lookup.scope.columns):
            notes.append(
                "degraded images of near-duplicate photos may differ too much to be found: put it before the step "
                "that makes them"
            )
        if TRUE_SCALE not in lookup.scope.own():
            notes.append(
                "an upscaled copy counts as the larger one, unless a step before this one measures `resolution`"
            )
        return tuple(notes)

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        order = self.order or given.orders.get(self.by or "", "higher")
        found = deduplicate(_by_content(pool), self.deduplicate, self.distance, self.by, order)
        said = copies_in_words(found["reason"].to_pylist()) if self.by is None else ""
        return Judged(found, (), (said,) if said else ())

    def label(self) -> str:
        kind = {"near": "near duplicates", "pixels": "equal pixels"}.get(self.deduplicate, "equal files")
        if self.by is None and self.deduplicate == "near":
            return f"{kind}: the largest, least compressed"
        return f"{kind}: {f'the best by {self.by}' if self.by else 'one'}"


def _by_content(pool: pa.Table) -> pa.Table:
    """The pool with each row's own content as ``sha256`` and ``uri``: two tiles of one photo are not copies."""
    if "region" not in pool.column_names:
        return pool
    whole = compute.equal(pool["region"], WHOLE)
    for name, sign in (("sha256", "/"), ("uri", TILE_SIGN)):
        part = compute.binary_join_element_wise(pool[name], pool["region"], sign)
        own = compute.if_else(whole, pool[name], part)
        pool = pool.set_column(pool.column_names.index(name), name, own)
    return pool


def deduplicate(
    pool: pa.Table,
    mode: Literal["exact", "pixels", "near"] = "exact",
    distance: int | None = None,
    by: str | None = None,
    order: Order = "higher",
) -> pa.Table:
    """Keep one of each group of duplicates: the best by a column, or else the original.

    exact   the same bytes: column ``sha256``
    pixels  the same pixels, whatever the file's format and metadata: column ``pixels_sha256``
    near    hashes ``phash`` at most ``distance`` bits apart (None: 6), unchanged, mirrored
            (``phash_mirror``) or turned (with ``phash_flipped``), and details (``phash_detail``) that agree,
            if the pool has them: an image without detail, such as a plain sky or a dark frame, is near no other.
            Best first, an image is dropped if one that is already kept is that near, so there are no chains: each
            dropped image has a kept near-duplicate, and no two kept ones are near
            (`groundglass.similarity.near_duplicates`).

    Without ``by``, the copy with the most pixels counts as the original of near-duplicates (`ORIGINAL`, as far as
    the pool has these columns). Among copies of one size it is the least compressed one: a JPEG below quality 90 ranks
    after all others; then the one with more fine detail, by its Laplacian variance in steps of a fifth; then one that
    is not a JPEG, or a JPEG of quality 94 or more, then the JPEG of the highest quality. An upscaled copy also has more
    pixels than its original: if the measure ``resolution`` was taken, its true pixels count. Of files with the same
    pixels, a JPEG ranks before files that were saved from it without loss. Rows that are equal in all this, or in
    ``by``, are ordered by name: the shortest first, then by alphabet, then by id.

    A row without a value in ``by`` ranks last; a row without a hash is dropped, as failed if its error is known.
    Reasons name the kept row's uri (its id if the pool has none). Returns
    `groundglass.tables.verdicts.VERDICTS`, margins null. Raises RecipeError.

    >>> pool = pa.table({"id": ["a", "b"], "uri": ["1.jpg", "2.jpg"], "sha256": ["ff", "ff"], "q": [1.0, 2.0]})
    >>> deduplicate(pool, by="q")["reason"].to_pylist()
    ['same bytes as 2.jpg', None]
    """
    if mode not in COLUMN:
        raise RecipeError(f"deduplicate is 'exact', 'pixels' or 'near', not {mode!r}")
    name = COLUMN[mode]
    known = values(pool, (name,)).is_valid()
    worth = _worth_by(pool, by, order) if by is not None else _worth_as_original(pool, mode)
    rows = _best_first(pool, known, worth)
    ranked = pool.take(rows)
    twins, bits = (
        _near(ranked, DEFAULT_DISTANCE if distance is None else distance)
        if mode == "near"
        else _equal(ranked, name)
    )
    better = _better(worth.take(rows), twins) if "pixels" in worth.column_names else None
    return _verdicts(pool, rows, twins, bits, better, name)


def _worth_by(pool: pa.Table, by: str, order: Order) -> pa.Table:
    sign = float(sign_of(order))
    return pa.table({"score": compute.multiply(numbers(pool, by), sign)})


def _worth_as_original(pool: pa.Table, mode: str) -> pa.Table:
    """Properties in which an original exceeds its copies, the most reliable first, as far as the pool has them."""
    there = [name for name in (*ORIGINAL[mode], TRUE_SCALE) if name in pool.column_names]
    known = pa.table({name: numbers(pool, name) for name in there} | {"place": places(pool)})
    for name in (*ORIGINAL[mode], TRUE_SCALE):
        if name not in there:
            known = known.append_column(name, pa.nulls(pool.num_rows, pa.float64()))
    if mode == "near" and {"width", "height"} <= set(there):
        return ask(_ORIGINAL_SQL, {"known": known}).drop_columns(["place"])
    return known.select(["jpeg_quality"] if mode != "exact" else [])


_ORIGINAL_SQL = f"""
    SELECT place,
        width * height * coalesce({TRUE_SCALE} * {TRUE_SCALE}, 1) AS pixels,
        least(coalesce(jpeg_quality, {HARDLY_COMPRESSED}), {HARDLY_COMPRESSED}) AS compression,
        floor(4 * log2(1 + laplacian_variance)) AS detail,  -- steps of a fifth, so that rounding decides nothing
        least(coalesce(jpeg_quality, {HARDLY_SEEN}), {HARDLY_SEEN}) AS fidelity, jpeg_quality, width, height
    FROM known ORDER BY place
"""


def _best_first(pool: pa.Table, known: pa.ChunkedArray, worth: pa.Table) -> pa.Array:
    """The rows that have a hash, best first."""
    # These columns only word the reasons; they do not rank.
    silent = (
        ("width", "height") if "fidelity" not in worth.column_names else ("width", "height", "jpeg_quality")
    )
    better = [f"{quoted_name(name)} DESC NULLS LAST, " for name in worth.column_names if name not in silent]
    table = pa.table({"place": places(pool), "id": pool["id"], "name": _names(pool), "known": known})
    for name in worth.column_names:
        table = table.append_column(name, worth[name])
    best = f"{''.join(better)}length(name), name, id"
    return ask(f"SELECT place FROM pool WHERE known ORDER BY {best}", {"pool": table})["place"]


def _names(pool: pa.Table) -> pa.ChunkedArray:
    if "uri" not in pool.column_names:
        return pool["id"].cast(pa.string())
    return compute.coalesce(values(pool, ("uri",)), pool["id"].cast(pa.string()))


def _better(ranked: pa.Table, twins: Any) -> pa.ChunkedArray:
    """How each row's twin, the kept copy, is better than the row: the end of its reason."""
    numbered = ranked.append_column("place", places(ranked)).append_column("twin", pa.array(twins))
    return ask(_BETTER_SQL, {"ranked": numbered})["better"]


_BETTER_SQL = f"""
    WITH sized AS (SELECT *, width::INTEGER || '×' || height::INTEGER AS size FROM ranked)
    SELECT CASE
        WHEN b.pixels IS DISTINCT FROM a.pixels AND b.width * b.height > a.width * a.height
            THEN '{WHY_NOT["smaller"]}: ' || b.size || ' px, not ' || a.size
        WHEN b.pixels IS DISTINCT FROM a.pixels THEN '{WHY_NOT["lower in true resolution"]}'
        WHEN b.compression > a.compression
            THEN '{WHY_NOT["more compressed"]}: this one has JPEG quality ' || a.jpeg_quality::INTEGER
        WHEN b.detail IS DISTINCT FROM a.detail THEN '{WHY_NOT["with less detail"]}'
        ELSE '{WHY_NOT["as good"]}' END AS better
    FROM sized a JOIN sized b ON b.place = a.twin ORDER BY a.place
"""


def _equal(ranked: pa.Table, name: str) -> tuple[Any, None]:
    """The first row with the same hash."""
    table = pa.table({"place": places(ranked), "hash": values(ranked, (name,))})
    first = "SELECT min(place) OVER (PARTITION BY hash) AS twin FROM ranked ORDER BY place"
    return ask(first, {"ranked": table})["twin"].to_numpy(), None


def _near(ranked: pa.Table, distance: int) -> tuple[Any, Any]:
    """The nearest kept row, and its distance in bits."""
    found = {name: values(ranked, (name,)) for name in NEAR if name in ranked.column_names}
    found["phash_mirror"] = compute.coalesce(found["phash_mirror"], found["phash"])
    hashes, details = of_images(found)
    return nearest_kept(hashes[0], hashes[1:], distance, details)


def copies_in_words(reasons: Iterable[str | None]) -> str:
    """Counts how dropped near-duplicates compare with the kept ones; "" if this was not compared.

    >>> copies_in_words([None, "near duplicate of a.jpg (distance 2), which is larger: 90×60 px, not 30×20"])
    'near-duplicates left out: 1 smaller'
    """
    known = [reason for reason in reasons if reason]
    counted = {how: sum(f"), {end}" in reason for reason in known) for how, end in WHY_NOT.items()}
    said = [f"{count:,} {how}" for how, count in counted.items() if count]
    return f"near-duplicates left out: {', '.join(said)}" if said else ""


def _verdicts(
    pool: pa.Table, rows: pa.ChunkedArray, twins: Any, bits: Any, better: pa.ChunkedArray | None, name: str
) -> pa.Table:
    row = rows.to_numpy()
    twin = np.full(pool.num_rows, -1, np.int64)
    twin[row] = row[twins]
    kept = twin == np.arange(pool.num_rows)
    other = _names(pool).take(pa.array(twin, mask=twin < 0))
    if bits is None:
        same = "same pixels as " if name == PIXELS else "same bytes as "
        duplicate = compute.binary_join_element_wise(same, other, "")
    else:
        apart = np.zeros(pool.num_rows, np.int64)
        apart[row] = bits
        number = pa.array(apart).cast(pa.string())
        duplicate = compute.binary_join_element_wise(
            "near duplicate of ", other, " (distance ", number, ")", ""
        )
    if better is not None:
        ends = np.full(pool.num_rows, None, object)
        ends[row] = better.to_pylist()
        duplicate = compute.binary_join_element_wise(duplicate, pa.array(ends, pa.string()), ", ")
    why = errors(pool, column_path(name))
    # Hash columns have no name that people know.
    known_as = {NEAR[0]: "fingerprint", PIXELS: "pixel hash"}.get(name, name)
    missing = compute.coalesce(
        compute.binary_join_element_wise(f"no {known_as}: ", why, ""), f"{known_as} is unknown"
    )
    reason = compute.if_else(
        pa.array(kept), pa.scalar(None, pa.string()), compute.coalesce(duplicate, missing)
    )
    failed = compute.and_(pa.array(twin < 0), compute.is_valid(why))
    return verdicts(pool, pa.array(kept), failed, reason)
