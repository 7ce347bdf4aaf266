"""Keep one of each group of duplicates."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa

from groundglass.kernel.errors import RecipeError
from groundglass.kernel.expression import column_path
from groundglass.selections.pool import ask, compute, errors, numbers, places, values, verdicts
from groundglass.selections.ranking import Order, sign_of

NEAR = ("phash", "phash_mirror", "phash_flipped", "phash_detail")
"""Columns that near-duplicates are found and verified by."""
PIXELS = "pixels_sha256"
"""Column that pictures of the same pixels are found by, whatever their files."""
DEFAULT_DISTANCE = 6
"""Bits of 64 that hashes of near-duplicates may differ in."""


COLUMN = {"exact": "sha256", "pixels": PIXELS, "near": "phash"}
"""The column that each mode cannot do without."""


def deduplicate(
    pool: pa.Table,
    mode: Literal["exact", "pixels", "near"] = "exact",
    distance: int | None = None,
    by: str | None = None,
    order: Order = "higher",
) -> pa.Table:
    """Keep the best of each group of duplicates: the best by a column, then the first by id.

    exact   the same bytes: column ``sha256``
    pixels  the same pixels, whatever the file's format and metadata: column ``pixels_sha256``
    near    hashes ``phash`` at most ``distance`` bits apart (None: 6), as they are, mirrored
            (``phash_mirror``) or turned (with ``phash_flipped``), and details (``phash_detail``) that agree,
            where the pool has them: a picture without detail, a plain sky or a dark frame, is near nobody.
            Best first, a picture is dropped when one already kept is that near, so there are no chains: each
            dropped picture has a kept near-duplicate, and no two kept ones are near
            (`groundglass.kernel.near`).

    A row without a value in ``by`` ranks last; a row without a hash is dropped, as failed where its error is known.
    Reasons name the kept row's uri (its id where the pool has none). Returns
    `groundglass.selections.pool.VERDICTS`, margins null. Raises RecipeError.

    >>> pool = pa.table({"id": ["a", "b"], "uri": ["1.jpg", "2.jpg"], "sha256": ["ff", "ff"], "q": [1.0, 2.0]})
    >>> deduplicate(pool, by="q")["reason"].to_pylist()
    ['same bytes as 2.jpg', None]
    """
    if mode not in COLUMN:
        raise RecipeError(f"deduplicate is 'exact', 'pixels' or 'near', not {mode!r}")
    name = COLUMN[mode]
    known = values(pool, (name,)).is_valid()
    rows = _best_first(pool, known, by, order)
    ranked = pool.take(rows)
    twins, bits = (
        _near(ranked, DEFAULT_DISTANCE if distance is None else distance)
        if mode == "near"
        else _equal(ranked, name)
    )
    return _verdicts(pool, rows, twins, bits, name)


def _best_first(pool: pa.Table, known: pa.ChunkedArray, by: str | None, order: Order) -> pa.Array:
    """The rows that have a hash, best first."""
    score = pa.nulls(pool.num_rows, pa.float64()) if by is None else numbers(pool, by)
    table = pa.table({"place": places(pool), "id": pool["id"], "score": score, "known": known})
    best = f"{sign_of(order)} * score DESC NULLS LAST, id"
    return ask(f"SELECT place FROM pool WHERE known ORDER BY {best}", {"pool": table})["place"]


def _equal(ranked: pa.Table, name: str) -> tuple[Any, None]:
    """The first row with the same hash."""
    table = pa.table({"place": places(ranked), "hash": values(ranked, (name,))})
    first = "SELECT min(place) OVER (PARTITION BY hash) AS twin FROM ranked ORDER BY place"
    return ask(first, {"ranked": table})["twin"].to_numpy(), None


def _near(ranked: pa.Table, distance: int) -> tuple[Any, Any]:
    """The nearest kept row, and how many bits it is away."""
    from groundglass.kernel.near import nearest_kept
    from groundglass.kernel.turns import of_pictures

    found = {name: values(ranked, (name,)) for name in NEAR if name in ranked.column_names}
    found["phash_mirror"] = compute.coalesce(found["phash_mirror"], found["phash"])
    hashes, details = of_pictures(found)
    return nearest_kept(hashes[0], hashes[1:], distance, details)


def _verdicts(pool: pa.Table, rows: pa.ChunkedArray, twins: Any, bits: Any, name: str) -> pa.Table:
    row = rows.to_numpy()
    twin = np.full(pool.num_rows, -1, np.int64)
    twin[row] = row[twins]
    kept = twin == np.arange(pool.num_rows)
    names = compute.coalesce(values(pool, ("uri",)), pool["id"]) if "uri" in pool.column_names else pool["id"]
    other = names.take(pa.array(twin, mask=twin < 0))
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
    why = errors(pool, column_path(name))
    known_as = {NEAR[0]: "fingerprint", PIXELS: "pixel hash"}.get(
        name, name
    )  # hashes have no name for people
    missing = compute.coalesce(
        compute.binary_join_element_wise(f"no {known_as}: ", why, ""), f"{known_as} is unknown"
    )
    reason = compute.if_else(
        pa.array(kept), pa.scalar(None, pa.string()), compute.coalesce(duplicate, missing)
    )
    failed = compute.and_(pa.array(twin < 0), compute.is_valid(why))
    return verdicts(pool, pa.array(kept), failed, reason)
