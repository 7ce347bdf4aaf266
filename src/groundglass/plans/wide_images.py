"""A note before a run on a condition that drops every 16:9 image, as a range of ratios up to 1.5 does."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.sources.listing import ARROW
from groundglass.tables.expressions import Expression
from groundglass.tables.quoting import quoted_name
from groundglass.tables.verdicts import ask

# Several heights, because the condition may also limit sizes: it must drop 16:9 at every size to deserve a note.
HEIGHTS = (360, 720, 1080, 1440, 2160, 2880, 4320, 8640)
WIDE, USUAL = (16, 9), (3, 2)
"""The shape of screens and films, and that of most cameras."""
SIZES = {"width": 0, "w": 0, "height": 1, "h": 1}
"""Usual names of size columns, in small letters, and their places in (width, height)."""


def wide_note(expression: Expression, types: Mapping[str, str]) -> str:
    """A note on a condition that drops all 16:9 images but keeps 3:2 ones of some size; "" for any other.

    ``types`` are SQL types by the columns' dotted names. Columns of other things than sizes count as unknown, so that
    the note holds whatever their values are.

    >>> from groundglass.tables.expressions import parse
    >>> wide_note(parse("width / height between 0.6 and 1.5"), {"width": "BIGINT", "height": "BIGINT"})
    'drops every 16:9 image, such as 3840 x 2160, and keeps 3:2; width / height is 1.78 there'
    >>> wide_note(parse("width >= 3840"), {"width": "BIGINT", "height": "BIGINT"})
    ''
    """
    names = {".".join(path): path[-1].lower() for path in expression.columns}
    if not any(name in {*SIZES, "aspect_ratio"} for name in names.values()):
        return ""
    try:
        wide, usual = (_judged(expression, names, types, shape) for shape in (WIDE, USUAL))
    except (RecipeError, pa.ArrowInvalid, pa.ArrowNotImplementedError, duckdb.Error):  # other code checks it
        return ""
    if any(kept is not False for kept in wide) or not any(kept is not False for kept in usual):
        return ""
    return "drops every 16:9 image, such as 3840 x 2160, and keeps 3:2; width / height is 1.78 there"


def _judged(
    expression: Expression, names: Mapping[str, str], types: Mapping[str, str], shape: tuple[int, int]
) -> list[bool | None]:
    """Whether the condition holds, for each height; None if something else than the size decides."""
    sizes = [(height * shape[0] // shape[1], height) for height in HEIGHTS]
    columns: dict[str, pa.Array] = {}
    for path, last in names.items():
        values: list[float | None] = [None] * len(sizes)
        if last in SIZES:
            values = [size[SIZES[last]] for size in sizes]
        elif last == "aspect_ratio":
            values = [width / height for width, height in sizes]
        elif last == "megapixels":
            values = [width * height / 1e6 for width, height in sizes]
        kind = ARROW.get(types.get(path, ""), pa.float64())
        columns[path] = pa.array(values, pa.float64()).cast(kind)
    listed = ", ".join(quoted_name(name) for name in columns)
    answer = ask(
        f"SELECT TRY(({expression.sql})::BOOLEAN) AS kept, {listed} FROM pool", {"pool": pa.table(columns)}
    )
    return answer["kept"].to_pylist()
