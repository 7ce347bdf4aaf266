"""Keep or drop whole sources by their JPEG quality, estimated from the blockiness of their images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from groundglass.selections.rule import Catches, Given, Judged, Lookup, Needs, Rule
from groundglass.settings.field_types import Record, Share
from groundglass.source_quality.divergence import source_quality
from groundglass.source_quality.kernel_density import sample_of
from groundglass.tables.expressions import column_path
from groundglass.tables.verdicts import VERDICTS, ask, compute, errors, numbers, values
from groundglass.text.format import exact

if TYPE_CHECKING:
    from groundglass.source_quality.clean_profile import Profile
    from groundglass.source_quality.divergence import SourceQuality

LEAST = 0.9
"""DiverSeg's gate."""
MOST_TOLD = 20
"""The most sources of unknown quality that are reported one by one."""


class CleanReference(Record):
    """Whole sources are kept or dropped by their JPEG quality, estimated from the blockiness of their photos."""

    reference: Annotated[
        str,
        Field(min_length=1, description="a profile, a folder of photos that were never compressed, or df2k"),
    ]
    least: Annotated[Share, Field(description="the least quality of a source; .95 is JPEG at quality 95")] = (
        LEAST
    )
    unknown: Annotated[
        Literal["keep", "drop"],
        Field(description="sources of unknown quality, such as those with too few images"),
    ] = "keep"


class SourceDivergence(Rule):
    """Keep the sources with an estimated JPEG quality that is high enough; every row of the others is dropped."""

    keys: ClassVar = ("source_divergence",)
    reference: ClassVar = "DiverSeg (ECCV 2024), its released source selection"
    example: ClassVar = "{source_divergence: {reference: df2k, least: 0.9}}"
    pool_relative: ClassVar = True
    catches: ClassVar[Catches] = "source"

    source_divergence: Annotated[
        CleanReference, Field(description="keep sources of at least this JPEG quality")
    ]
    per: Annotated[str | None, Field(description="the column with a row's source; default: `source`")] = None

    def needs(self, lookup: Lookup) -> Needs:
        blockiness = lookup.reference("source_divergence", self.source_divergence.reference)
        groups = () if self.per is None else (lookup.column("per", self.per),)
        return Needs((blockiness, *groups), references=(self.source_divergence.reference,))

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        """Sources of unknown quality become notes."""
        wanted, per = self.source_divergence, self.per or "source"
        found = source_qualities(pool, given.profiles[wanted.reference], given.blockiness, per)
        verdicts = by_quality(pool, found, wanted.least, per, wanted.unknown)
        done = {"keep": "kept", "drop": "dropped"}[wanted.unknown]
        unknown = [(name, quality) for name, quality in found.items() if quality.abstained][:MOST_TOLD]
        notes = tuple(f"{per} {name}: {quality_in_words(one, wanted.least)}; {done}" for name, one in unknown)
        facts = {"source_qualities": {name: quality.plain() for name, quality in found.items()}}
        return Judged(verdicts, (), notes, facts)

    def label(self) -> str:
        wanted = self.source_divergence
        return f"sources of quality {wanted.least:g} by {wanted.reference}{f' per {self.per}' if self.per else ''}"


def source_divergence(
    pool: pa.Table,
    profile: Profile,
    least: float = LEAST,
    by: str = "blockiness",
    per: str = "source",
    unknown: Literal["keep", "drop"] = "keep",
) -> pa.Table:
    """Keep the sources with an estimated JPEG quality of at least ``least``; every row of the others is dropped.

    The quality is estimated from the column ``by``, one value for each photo, with a profile of clean photos
    (`source_quality.divergence`). Rows without a value follow their source. If no quality can be estimated (too
    few values, or values unlike the whole profile), ``unknown`` decides. The margin is the quality minus ``least``.
    Returns `groundglass.tables.verdicts.VERDICTS`. Raises RecipeError for an unknown column.

    >>> from groundglass.source_quality.clean_profile import load_profile
    >>> df2k = load_profile("df2k")
    >>> values = [*df2k.samples[0.75].values[::17], 0.5]
    >>> names = ["web"] * (len(values) - 1) + ["own"]
    >>> pool = pa.table({"id": [str(i) for i in range(len(values))], "source": names, "blockiness": values})
    >>> verdicts = source_divergence(pool, df2k)
    >>> verdicts["kept"].to_pylist()[-2:], verdicts["reason"][0].as_py()
    ([False, True], 'source web: quality 0.750 (0.750-0.752), limit 0.9')
    """
    return by_quality(pool, source_qualities(pool, profile, by, per), least, per, unknown)


def source_qualities(
    pool: pa.Table, profile: Profile, by: str = "blockiness", per: str = "source"
) -> dict[str, SourceQuality]:
    """The quality of each source of a pool, in the order of their names; tiles of one photo count once."""
    content = pool["sha256"] if "sha256" in pool.column_names else pool["id"]
    table = pa.table({"name": _names(pool, per), "value": numbers(pool, by), "content": content})
    rows = ask(
        "SELECT name, list(value) FILTER (value IS NOT NULL) AS found FROM (SELECT name, any_value(value) AS value "
        "FROM pool WHERE name IS NOT NULL GROUP BY name, content) GROUP BY name ORDER BY name",
        {"pool": table},
    ).to_pylist()
    return {
        row["name"]: source_quality(sample_of(row["found"] or []), profile, name=row["name"]) for row in rows
    }


def by_quality(
    pool: pa.Table,
    qualities: Mapping[str, SourceQuality],
    least: float,
    per: str = "source",
    unknown: Literal["keep", "drop"] = "keep",
) -> pa.Table:
    """The verdicts for sources of these qualities; see `source_divergence`."""
    found = [*qualities.values()]
    kept = [q.quality >= least if q.quality is not None else unknown == "keep" for q in found]
    said = [f"{per} {name}: {quality_in_words(q, least)}" for name, q in qualities.items()]
    reasons = [None if keep else words for keep, words in zip(kept, said, strict=True)]
    margins = [None if q.quality is None else q.quality - least for q in found]
    names = _names(pool, per)
    place = compute.index_in(names, pa.array(list(qualities), pa.string()))
    nameless, why = names.is_null(), errors(pool, column_path(per))
    no_name = compute.coalesce(compute.binary_join_element_wise(f"no {per}: ", why, ""), f"{per} is unknown")
    reason = compute.if_else(nameless, no_name, pa.array(reasons, pa.string()).take(place))
    return pa.table(
        [
            pool["id"].cast(pa.string()),
            compute.fill_null(pa.array(kept, pa.bool_()).take(place), False),
            compute.and_(nameless, why.is_valid()),
            reason,
            pa.array(margins, pa.float64()).take(place),
        ],
        schema=VERDICTS,
    )


def quality_in_words(found: SourceQuality, least: float) -> str:
    """A source's quality, worded for reasons and notes.

    >>> from groundglass.source_quality.divergence import SourceQuality
    >>> quality_in_words(SourceQuality(400, 0.75, (0.731, 0.769)), 0.9)
    'quality 0.750 (0.731-0.769), limit 0.9'
    >>> quality_in_words(SourceQuality(3, abstained="3 values, at least 30 are needed"), 0.9)
    'quality unknown: 3 values, at least 30 are needed'
    """
    if found.quality is None or found.ci95 is None:
        return f"quality unknown: {found.abstained}"
    low, high = found.ci95
    shown = f"{found.quality:.3f}"
    if float(shown) == least != found.quality:
        shown = f"{found.quality:.6g}"
    return f"quality {shown} ({low:.3f}-{high:.3f}), limit {exact(least)}"


def _names(pool: pa.Table, per: str) -> pa.ChunkedArray:
    return values(pool, column_path(per)).cast(pa.string())
