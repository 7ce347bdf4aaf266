"""The shared parts of `top_k`, `quota` and `quantile`: the ranking of a pool and its verdicts.

Rows are ranked by one column of numbers, best first; equal values by id, so a pool's order never matters.
``order`` is the better direction and is always given: the caller has the measure's direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.tables.expressions import column_path
from groundglass.tables.quoting import quoted_text
from groundglass.tables.verdicts import ask, compute, errors, judged, numbers, places, values

Order = Literal["higher", "lower"]

_RANKS = """
    SELECT row_number() OVER (PARTITION BY grp ORDER BY {sign} * value DESC NULLS LAST, id) AS rank
    FROM pool ORDER BY place
"""
_RANKED = """
    WITH ranked AS (SELECT *, value IS NOT NULL AND grp IS NOT NULL AS known FROM pool), limits AS ({limits})
    SELECT id, known AND {kept} IS TRUE AS kept,
        (value IS NULL AND value_error IS NOT NULL) OR (grp IS NULL AND grp_error IS NOT NULL) AS failed,
        CASE WHEN value IS NULL THEN coalesce({no_by} || value_error, {by_unknown})
             WHEN grp IS NULL THEN coalesce({no_per} || grp_error, {per_unknown})
             WHEN {kept} THEN NULL
             ELSE {reason} END AS reason,
        CASE WHEN known AND NOT isnan(value - threshold) THEN {sign} * (value - threshold) END AS margin
    FROM ranked LEFT JOIN limits USING (grp) ORDER BY place
"""


def ranked_rest(pool: pa.Table, verdicts: pa.Table, by: str, order: Order) -> pa.Table:
    """The rows of a pool that a selection dropped, best first: the candidates of ``hold_out: {next: n}``.

    Rows that failed or have no value are left out.
    """
    table = pa.table(
        {"place": places(pool), "id": pool["id"], "value": numbers(pool, by), "kept": verdicts["kept"]}
    )
    best_first = f"{sign_of(order)} * value DESC, id"
    sql = f"SELECT place FROM pool WHERE NOT kept AND value IS NOT NULL ORDER BY {best_first}"
    return pool.take(ask(sql, {"pool": table})["place"])


@dataclass(frozen=True)
class CutOff:
    """The result of keeping the best k: scores in the column's unit, estimated size in 10⁹ bytes."""

    k: int
    mean: float
    lowest: float
    gigabytes: float | None


def cut_off_table(
    scores: NDArray[np.float64], ks: Sequence[int], order: Order, bytes_per_image: float | None = None
) -> list[CutOff]:
    """For each k the mean and the worst score of the best k, and their estimated size.

    Scores may have any order; NaN is left out, and so is a k above their number.

    >>> cut_off_table(np.array([0.2, 0.9, 0.7]), [1, 2], "higher", 400_000)[1]
    CutOff(k=2, mean=0.8, lowest=0.7, gigabytes=0.0008)
    """
    known = np.asarray(scores, np.float64)
    known = np.sort(known[~np.isnan(known)])
    best = known[::-1] if order == "higher" else known
    sums = np.cumsum(best)
    size = None if bytes_per_image is None else bytes_per_image / 1e9
    return [
        CutOff(k, float(sums[k - 1] / k), float(best[k - 1]), None if size is None else k * size)
        for k in ks
        if 1 <= k <= len(best)
    ]


def best_of_each(
    pool: pa.Table, allowed: str, quotas: Mapping[str, int], by: str, order: Order, per: str | None
) -> pa.Table:
    """Keep rows with a rank of at most ``allowed`` in their group: a number, or the column of quotas."""
    limits = (
        f"SELECT grp, any_value(value) AS threshold FROM ranked WHERE known AND rank = {allowed} GROUP BY grp"
    )
    start = f"{quoted_text(by + ' ')} || number(value, threshold)"
    rank = f"three({allowed}::DOUBLE) || {of_group(per)}"
    reason = f"""CASE
        WHEN {allowed} IS NULL THEN 'no quota for ''' || grp || ''''
        WHEN {allowed} = 0 THEN 'quota 0 for ''' || grp || ''''
        WHEN value = threshold THEN {start} || ', tied with rank ' || {rank} || ' and later by id'
        ELSE {start} || ', below rank ' || {rank} || ' (' || number(threshold, value) || ')' END"""
    return judge_ranked(pool, quotas, limits, f"rank <= {allowed}", reason, by, order, per)


def judge_ranked(
    pool: pa.Table,
    quotas: Mapping[str, int],
    limits: str,
    kept: str,
    reason: str,
    by: str,
    order: Order,
    per: str | None,
) -> pa.Table:
    """The verdicts of a rule on ranks, from SQL of each group's threshold, of the kept rows, and of the reasons.

    The query sees ``ranked``: value, rank (1 is best), grp, and known, which is false if a value is missing.
    """
    table = _table(pool, by, per, quotas)
    # A separate query, since a window function sorts every column of its table.
    ranks = ask(_RANKS.format(sign=sign_of(order)), {"pool": table.select(["place", "id", "value", "grp"])})
    sql = _RANKED.format(
        sign=sign_of(order),
        limits=limits,
        kept=kept,
        reason=reason,
        no_by=quoted_text(f"no {by}: "),
        by_unknown=quoted_text(f"{by} is unknown"),
        no_per=quoted_text(f"no {per}: "),
        per_unknown=quoted_text(f"{per} is unknown"),
    )
    return judged(sql, {"pool": table.append_column("rank", ranks["rank"])})


def _table(pool: pa.Table, by: str, per: str | None, quotas: Mapping[str, int]) -> pa.Table:
    groups, group_errors = pa.repeat(pa.scalar(""), pool.num_rows), pa.nulls(pool.num_rows, pa.string())
    if per is not None:
        groups = values(pool, column_path(per)).cast(pa.string())
        group_errors = errors(pool, column_path(per))
    named = pa.array(list(quotas), pa.string())
    allowed = pa.array(list(quotas.values()), pa.int64()).take(compute.index_in(groups, named))
    return pa.table(
        {
            "place": places(pool),
            "id": pool["id"].cast(pa.string()),
            "value": numbers(pool, by),
            "value_error": errors(pool, column_path(by)),
            "grp": groups,
            "grp_error": group_errors,
            "allowed": allowed,
        }
    )


def sign_of(order: Order) -> int:
    """1 if higher is better, -1 if lower is."""
    if order not in ("higher", "lower"):
        raise RecipeError(f"order is 'higher' or 'lower', not {order!r}")
    return 1 if order == "higher" else -1


def of_group(per: str | None) -> str:
    """SQL of the words that name a row's group."""
    return "''" if per is None else "' of ' || grp"
