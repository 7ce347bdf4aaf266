"""Reasons without the image's own values, so that equal ones can be counted: ``blockiness, limit 30`` 2,551 times."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from groundglass.tables.parquet import connect, numbered
from groundglass.text.format import OTHERS

MOST = 20
"""The most kinds of reason that a step's record counts, with "others" as one of them."""

_BARE = r"""
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(reason,
        ': [0-9]+×[0-9]+ px, not [0-9]+×[0-9]+|: this one has JPEG quality [0-9]+', '', 'g'),
        ' of .* \(distance [0-9]+\)| \([^(]*, overlap [^)]*\)', '', 'gs'),
        '(same (bytes|pixels)) as [^;]*', '\1', 'gs'),
        ' -?[0-9][^ ;]*, ([a-z])', ', \1', 'g')
"""
"""SQL of a reason without the parts that differ from image to image: values, and the names of other images."""


def kinds_of(reasons: list[str | None] | pa.ChunkedArray) -> list[str | None]:
    """Each reason without the image's own value; if several conditions failed, it still names them all.

    >>> kinds_of(["blockiness 35, limit 30; noise_sigma 7, limit 5", "near duplicate of a.jpg (distance 2)", None])
    ['blockiness, limit 30; noise_sigma, limit 5', 'near duplicate', None]
    >>> kinds_of(["near duplicate of a.jpg (distance 0), which is larger: 300×300 px, not 100×100"])
    ['near duplicate, which is larger']
    """
    table = pa.table({"reason": pa.array(reasons, pa.string()) if isinstance(reasons, list) else reasons})
    con = connect()
    con.register("said", table.append_column("place", numbered(table)))
    # values are rounded, so many images have the same reason, and each distinct reason is parsed once
    found = con.sql(
        f"WITH kinds AS (SELECT reason, {_BARE} AS kind FROM (SELECT DISTINCT reason FROM said)) "
        "SELECT kind FROM said LEFT JOIN kinds USING (reason) ORDER BY place"
    )
    return [kind for (kind,) in found.fetchall()]


def count_kinds(verdicts: pa.Table, most: int = MOST) -> dict[str, int]:
    """Counts the dropped rows by kind of reason, most frequent first. Each row counts once, so the sum is exact.

    A row that fails two conditions counts under both together, `blockiness, limit 30; noise_sigma, limit 5`. At most
    ``most`` kinds are listed; the rest are `OTHERS`.
    """
    con = connect()
    con.register("verdicts", verdicts)
    rows: list[Any] = con.sql(
        f"""
        WITH same AS (SELECT reason, count(*) AS n FROM verdicts WHERE NOT kept AND reason IS NOT NULL GROUP BY reason)
        SELECT {_BARE} AS kind, sum(n)::BIGINT AS n FROM same GROUP BY kind ORDER BY n DESC, kind
        """
    ).fetchall()
    if len(rows) > most:
        rest = sum(n for _, n in rows[most - 1 :])
        rows = [*rows[: most - 1], (OTHERS, rest)]
    return dict(rows)
