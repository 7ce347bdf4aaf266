"""Numbers in reasons: three digits, and more where a value and its limit would look equal."""

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
"""SQL: ``three(x)`` is `number`; ``number(x, beside)`` has the digits it takes to differ from ``beside``.

Numbers more than 2 % apart differ in three digits, which move a number by at most .5 %: that is the common case, and
needs no text to be compared."""


def number(value: float) -> str:
    """A number for people: three digits, whole numbers whole, thousands apart.

    >>> number(0.41234), number(41.2499), number(30.0), number(8294400), number(1234.5), number(0.00012345)
    ('0.412', '41.2', '30', '8,294,400', '1,234', '0.000123')
    """
    size = abs(value)
    if size < 1e15 and value == int(value):
        return f"{int(value):,}"
    for least, form in ((999.5, ",.0f"), (99.95, ".0f"), (9.995, ".1f"), (0.9995, ".2f"), (0.09995, ".3f")):
        if size >= least:
            return format(value, form)
    return f"{value:.3g}"


def exact(value: float | int | str | bool | None) -> str:
    """A constant of a recipe as its author knows it.

    >>> exact(30), exact(0.6566), exact(400e6), exact("JPEG"), exact(True)
    ('30', '0.6566', '400,000,000', 'JPEG', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def ordinal(number_: float) -> str:
    """1st, 2nd, 12.5th …

    >>> [ordinal(n) for n in (1, 2, 3, 11, 20, 21, 12.5)]
    ['1st', '2nd', '3rd', '11th', '20th', '21st', '12.5th']
    """
    text = f"{round(number_, 6):g}"
    plain = "." in text or text[-2:] in ("11", "12", "13")
    return text + ("th" if plain else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th"))
