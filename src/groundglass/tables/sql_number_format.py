"""Numbers in reasons: three digits, or more if a value and its limit would look equal."""

from __future__ import annotations

MACROS = """
CREATE MACRO three(x) AS CASE
    WHEN x IS NULL OR NOT isfinite(x) THEN x::VARCHAR
    WHEN x = trunc(x) AND abs(x) < 1e15 THEN format('{:,}', x::BIGINT)
    WHEN abs(x) >= 999.5 THEN format('{:,.0f}', x)
    WHEN abs(x) >= 99.95 THEN format('{:.0f}', x)
    WHEN abs(x) >= 9.995 THEN format('{:.1f}', x)
    WHEN abs(x) >= 0.9995 THEN format('{:.2f}', x)
    WHEN abs(x) >= 0.09995 THEN format('{:.3f}', x)
    ELSE format('{:.3g}', x) END;
CREATE MACRO six(x) AS
    CASE WHEN abs(x) >= 1000 AND abs(x) < 1e15 THEN format('{:,.3f}', x) ELSE format('{:.6g}', x) END;
CREATE MACRO bare(words) AS TRY_CAST(replace(words, ',', '') AS DOUBLE);
CREATE MACRO apart(x, y) AS abs(x - y) > 0.02 * greatest(abs(x), abs(y));
CREATE MACRO number(x, beside) AS CASE
    WHEN x IS NULL OR beside IS NULL OR x = beside OR apart(x, beside) THEN three(x)
    WHEN bare(three(x)) <> bare(three(beside)) THEN three(x)
    WHEN bare(six(x)) <> bare(six(beside)) THEN six(x)
    ELSE x::VARCHAR END;
"""
"""SQL: ``three(x)`` has three digits; ``number(x, beside)`` has as many digits as it needs to differ from ``beside``.

Numbers more than 2 % apart differ in three digits, since rounding to three digits changes a number by at most .5 %.
This is the common case, and needs no comparison of texts."""
