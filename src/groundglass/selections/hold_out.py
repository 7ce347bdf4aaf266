"""The rows that leave the current set for a named split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.random_streams import stream
from groundglass.selections.keep_drop_lists import keep, unmatched
from groundglass.selections.ranking import Order, sign_of
from groundglass.tables.sql_writer import suggestion
from groundglass.tables.verdicts import ask, numbers, places


@dataclass(frozen=True)
class HeldOut:
    """The held-out rows, in the order of the candidates, and warnings for the user (entries that match nothing …)."""

    ids: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def hold_out_next(rest: pa.Table, n: int, pick: int | Sequence[str] | None, seed: int, step: str) -> HeldOut:
    """Rows from the best n that the last ranked selection dropped.

    rest        those rows, best first: `groundglass.selections.ranking.ranked_rest`
    pick        draw this many of them, or name them by id or uri; None takes all
    seed, step  of the recipe and of the step (with the split's name): the draw depends only on them

    >>> rest = pa.table({"id": ["a", "b", "c"]})
    >>> hold_out_next(rest, 2, None, 7, "hold_out-1").ids
    ('a', 'b')
    """
    return _picked(rest.slice(0, n), n, pick, seed, step)


def hold_out_count(
    pool: pa.Table,
    n: int,
    pick: int | Sequence[str] | None,
    seed: int,
    step: str,
    by: str | None = None,
    order: Order = "higher",
) -> HeldOut:
    """n rows of the current set: the best by a column, or drawn at random if ``by`` is None."""
    if by is None:
        return _picked(pool.take(_drawn(pool, n, seed, step, "count")), n, pick, seed, step)
    table = pa.table({"place": places(pool), "id": pool["id"], "value": numbers(pool, by)})
    best = f"SELECT place FROM pool WHERE value IS NOT NULL ORDER BY {sign_of(order)} * value DESC, id LIMIT {int(n)}"
    return _picked(pool.take(ask(best, {"pool": table})["place"]), n, pick, seed, step)


def hold_out_list(
    pool: pa.Table, entries: Sequence[str], pick: int | Sequence[str] | None, seed: int, step: str
) -> HeldOut:
    """The rows of the current set that a list names (`groundglass.selections.keep_drop_lists.read_list`)."""
    listed = pool.filter(keep(pool, entries)["kept"])
    held = _picked(listed, listed.num_rows, pick, seed, step)
    lost = unmatched(pool, entries)
    return HeldOut(held.ids, (*held.warnings, *(f"'{entry}' names no image of the set" for entry in lost)))


def _picked(candidates: pa.Table, n: int, pick: int | Sequence[str] | None, seed: int, step: str) -> HeldOut:
    warnings: tuple[str, ...] = ()
    if candidates.num_rows < n:
        warnings = (f"{step} needs {n:,} images, but there are {candidates.num_rows:,}",)
    elif isinstance(pick, int) and candidates.num_rows < pick:
        warnings = (f"{step} picks {pick:,} images, but there are {candidates.num_rows:,}",)
    if isinstance(pick, int):
        candidates = candidates.take(_drawn(candidates, pick, seed, step, "pick"))
    elif pick is not None:
        _refuse_unknown(candidates, pick)
        candidates = candidates.filter(keep(candidates, pick)["kept"])
    return HeldOut(tuple(candidates["id"].to_pylist()), warnings)


def _drawn(candidates: pa.Table, n: int, seed: int, step: str, what: str) -> pa.Array:
    """The places of n rows drawn at random: the same rows for any order of the candidates, returned in that order."""
    # Draw from the ids in sorted order, so that the order of the candidates does not change the draw.
    ids = candidates["id"].to_pylist()
    by_id = sorted(range(len(ids)), key=ids.__getitem__)
    drawn = stream(seed, step, what).permutation(len(ids))[:n]
    return pa.array(sorted(by_id[i] for i in drawn), pa.int64())


def _refuse_unknown(candidates: pa.Table, pick: Sequence[str]) -> None:
    for entry in unmatched(candidates, pick):
        names = [
            name
            for key in ("id", "uri")
            if key in candidates.column_names
            for name in candidates[key].to_pylist()
        ]
        raise RecipeError(
            f"pick: '{entry}' is not among the {candidates.num_rows:,} candidates",
            suggestion(entry, [name for name in names if name]) or "name them by id or uri",
        )
