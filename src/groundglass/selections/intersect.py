"""Keep the rows that several rules keep, each judged on the same pool."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, InstanceOf, SerializeAsAny, WithJsonSchema, model_validator

from groundglass.errors import RecipeError
from groundglass.selections.frozen import Frozen
from groundglass.selections.rule import Given, Judged, Lookup, Needs, Rule
from groundglass.settings.key_rules import refuse
from groundglass.tables.verdicts import ask, places, verdicts


class Intersect(Rule):
    """Keep the rows that every rule keeps; each rule judges the whole pool."""

    keys: ClassVar = ("intersect",)
    reference: ClassVar = "both heads of 4KLSDB's quality gate, on one pool"
    example: ClassVar = '{intersect: [{where: "blockiness < 30"}, {quantile: 20%, by: tenengrad}]}'
    pool_relative: ClassVar = True
    nested: ClassVar = {"intersect": "select"}

    intersect: Annotated[
        tuple[SerializeAsAny[InstanceOf[Rule]], ...],
        Field(description="rules that judge the same pool; a row must pass all of them"),
        WithJsonSchema({"type": "array", "items": {"type": "object"}}),
    ]

    @model_validator(mode="after")
    def _check(self) -> Intersect:
        if not self.intersect:
            refuse("intersect", "`intersect` is empty", "give `intersect` at least one entry")
        for alone in filter(None, (rule.only_alone() for rule in self.intersect)):
            refuse("intersect", f"`{alone[0]}` cannot be used inside `intersect`", alone[1])
        return self

    def needs(self, lookup: Lookup) -> Needs:
        parts = [rule.needs(lookup.inside("intersect", i)) for i, rule in enumerate(self.intersect)]
        return reduce(add, parts, Needs())

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        parts = [rule.judge(pool, given) for rule in self.intersect]
        verdicts = intersect(pool, [part.verdicts for part in parts])
        limits = tuple(limit for part in parts for limit in part.thresholds)
        return Judged(verdicts, limits, tuple(note for part in parts for note in part.notes))

    def label(self) -> str:
        return " and ".join(rule.label() for rule in self.intersect)

    def at_most(self, rows: int) -> int:
        return min(rule.at_most(rows) for rule in self.intersect)

    def freeze(self, pool: pa.Table, given: Given) -> tuple[Frozen, ...]:
        return tuple(frozen for rule in self.intersect for frozen in rule.freeze(pool, given))


def intersect(pool: pa.Table, parts: Sequence[pa.Table]) -> pa.Table:
    """Keep the rows that every rule keeps; each rule judges the whole pool.

    ``parts`` are the verdicts of the rules, each on the whole pool. So two quantiles of .2 keep 64 to 80 %, whereas
    with one after the other the second would only judge the rows that are left. The reasons of all rules that dropped a
    row are joined; it counts as failed if no rule dropped it for its values. The margin is that of the only deciding
    rule that has one on that row; it is null if there are several.
    Returns `groundglass.tables.verdicts.VERDICTS`.

    >>> from groundglass.selections.where import where
    >>> pool = pa.table({"id": ["a", "b"], "q": [0.9, 0.1], "s": [3, 1]})
    >>> intersect(pool, [where(pool, "q > 0.5"), where(pool, "s > 2")])["reason"].to_pylist()
    [None, 'q 0.100, limit 0.5; s 1, limit 2']
    """
    if not parts:
        raise RecipeError("intersect needs at least one rule")
    if any(part["id"] != pool["id"].cast(pa.string()) for part in parts):
        raise ValueError("every rule must be judged on this pool")
    kept, failed = _stack(parts, "kept"), _stack(parts, "failed")
    every = np.logical_and.reduce(kept)
    dropped = np.logical_or.reduce(~kept & ~failed)
    fails = np.logical_or.reduce(failed) & ~dropped
    table = verdicts(pool, pa.array(every), pa.array(fails), _joined_reasons(parts))
    return table.set_column(4, table.schema.field("margin"), _only_margin(parts, kept, every))


def _joined_reasons(parts: Sequence[pa.Table]) -> pa.ChunkedArray:
    names = [f"reason_{i}" for i in range(len(parts))]
    table = pa.table([part["reason"] for part in parts], names).append_column("place", places(parts[0]))
    joined = f"SELECT nullif(concat_ws('; ', {', '.join(names)}), '') AS reason FROM parts ORDER BY place"
    return ask(joined, {"parts": table})["reason"]


def _stack(parts: Sequence[pa.Table], name: str) -> NDArray[np.bool_]:
    return np.array([part[name].to_numpy() for part in parts], bool)


def _only_margin(parts: Sequence[pa.Table], kept: NDArray[np.bool_], every: NDArray[np.bool_]) -> pa.Array:
    """The deciding margin: of a kept row, that of the only rule with one; of a dropped row, of the dropping rules."""
    margins = np.array([part["margin"].to_numpy(zero_copy_only=False) for part in parts], float)
    margins = np.where(every | ~kept, margins, np.nan)
    count = (~np.isnan(margins)).sum(axis=0)
    deciding = np.where(count == 1, np.nansum(margins, axis=0), np.nan)
    return pa.array(deciding, mask=np.isnan(deciding))
