"""Keep values at or above a quantile."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from groundglass.errors import RecipeError
from groundglass.selections.ranked_rule import RankedRule
from groundglass.selections.ranking import Order, judge_ranked, of_group, sign_of
from groundglass.settings.field_types import Share
from groundglass.tables.quoting import quoted_text
from groundglass.text.format import ordinal


class Quantile(RankedRule):
    """Keep values at or above the q-th quantile, counted in the good direction; ties at the threshold stay."""

    keys: ClassVar = ("quantile",)
    reference: ClassVar = "Hyndman and Fan, Sample quantiles in statistical packages, 1996, definition 7"
    example: ClassVar = "{quantile: 20%, by: tenengrad}"

    quantile: Annotated[Share, Field(description="keep values at or above this quantile")]

    def ranked(self, pool: pa.Table, order: Order) -> pa.Table:
        return quantile(pool, self.quantile, self.by, order, self.per)

    def label(self) -> str:
        return (
            f"{self.by} at or above its {self.quantile:.0%} quantile{f' per {self.per}' if self.per else ''}"
        )


def quantile(pool: pa.Table, q: float, by: str, order: Order, per: str | None = None) -> pa.Table:
    """Keep values at or above the q-th quantile, counted in the good direction; ties at the threshold stay.

    The quantile is interpolated linearly between ranks (Hyndman and Fan's type 7, numpy's default). With
    ``order='lower'`` and q = .2 values at or below the 80th percentile stay.
    Returns `groundglass.tables.verdicts.VERDICTS`. Raises RecipeError.

    >>> pool = pa.table({"id": list("abcde"), "q": [1.0, 2.0, 3.0, 4.0, 5.0]})
    >>> quantile(pool, 0.5, "q", "higher")["reason"].to_pylist()[:2]
    ['q 1, below the 50th percentile (3)', 'q 2, below the 50th percentile (3)']
    """
    if not 0 <= q <= 1:
        raise RecipeError(f"a quantile is between 0 and 1, not {q}", "0.2 keeps the best 80 %")
    word, share = ("below", q) if order == "higher" else ("above", 1 - q)
    line = quoted_text(f", {word} the {ordinal(share * 100)} percentile")
    end = f"{of_group(per)} || ' (' || number(threshold, value) || ')'"
    reason = f"{quoted_text(by + ' ')} || number(value, threshold) || {line} || {end}"
    # Rounded, so that a floating-point error does not move the rank.
    step = f"round((size - 1) * {float(q)!r}::DOUBLE, 9)"
    low, high = "max(value) FILTER (size - rank = floor(h))", "max(value) FILTER (size - rank = ceil(h))"
    between = f"{low} + ({high} - {low}) * any_value(h - floor(h))"
    sizes = "SELECT grp, count(*) AS size FROM pool WHERE value IS NOT NULL AND grp IS NOT NULL GROUP BY grp"
    # Equal neighbours are not interpolated, since infinite values would give NaN.
    limits = f"""
        SELECT grp, CASE WHEN {low} = {high} THEN {low} ELSE {between} END AS threshold
        FROM (SELECT *, {step} AS h FROM ranked JOIN ({sizes}) USING (grp) WHERE known)
        WHERE size - rank BETWEEN floor(h) AND ceil(h) GROUP BY grp"""
    kept = f"{sign_of(order)} * value >= {sign_of(order)} * threshold"
    return judge_ranked(pool, {}, limits, kept, reason, by, order, per)
