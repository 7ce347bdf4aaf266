"""Keep or drop whole sources by the JPEG quality that their pictures' blockiness betrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from groundglass.tables.expressions import column_path
from groundglass.tables.sql_number_format import exact
from groundglass.tables.verdicts import VERDICTS, ask, compute, errors, numbers, values

if TYPE_CHECKING:
    from groundglass.source_quality.clean_profile import Profile
    from groundglass.source_quality.divergence import SourceQuality

LEAST = 0.9
"""DiverSeg's gate."""


def source_divergence(
    pool: pa.Table,
    profile: Profile,
    least: float = LEAST,
    by: str = "blockiness",
    per: str = "source",
    unknown: Literal["keep", "drop"] = "keep",
) -> pa.Table:
    """Keep the sources whose estimated JPEG quality is at least ``least``; every row of the others is dropped.

    The quality is estimated from the column ``by``, one value a photograph, by a profile of clean photographs
    (`source_quality.divergence`). Rows without a value go with their source. Where no quality can be given (too
    few values, or like nothing in the profile), ``unknown`` decides. The margin is the quality minus ``least``.
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
    """The quality of each source of a pool, in the order of their names; tiles of one photograph count once."""
    from groundglass.source_quality.divergence import source_quality
    from groundglass.source_quality.kernel_density import sample_of

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
    """The verdicts that follow from the qualities of the sources; see `source_divergence`."""
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
    """A source's quality, as reasons and notes say it.

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
