"""The type of a table's column: decided by its values, over all rows of all files, and never rounded to fit.

A type that a file declares is used; text without types (CSV) has the type that all its cells fit. If two files
differ, the column gets the smallest type that holds every value exactly: integers and fractions are DOUBLE as
long as the integers are exact in it, and columns without a common type are text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from groundglass.tables.parquet import compute

EXACT = 1 << 53
"""Integers up to this one are exact as doubles."""
DIGITS = 15
"""A decimal number with this many digits is exactly restored from a double."""
MISSING = (
    "NA N/A n/a na #N/A #NA null NULL Null None none nan NaN NAN -nan -NaN NaT <NA>".split()  # noqa: SIM905
)
"""Words that programs write into a column of numbers for a missing value."""
BOOLEAN, TEXT = "true or false", "text"
WHOLE, UNSIGNED, FRACTION = "whole numbers", "unsigned whole numbers", "fractions"
COMMA = "numbers with a decimal comma"
LISTS, BYTES = "lists or structs", "bytes"
"""The kinds of values, in words."""
_WHOLE = r"^\s*-?(0|[1-9][0-9]*)\s*$"
_NUMBER = r"^\s*-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?\s*$"
# More digits than a double can hold: such numbers stay text.
_TOO_LONG = r"[0-9]{16,}\."
_WITH_COMMA = r"^\s*-?((0|[1-9][0-9]*),[0-9]+|0|[1-9][0-9]*)\s*$"
_SHORT = 18
"""A number of digits that always fits in 64 bits."""


@dataclass(frozen=True)
class Seen:
    """The values of a column so far; ``|`` joins two of these records.

    kinds    the kinds of values
    lowest   the lowest and
    highest  the highest of its integers
    unfit    values that do not fit a stated type; words such as NA in a column of numbers
    example  one of those
    """

    kinds: frozenset[str] = frozenset()
    lowest: int = 0
    highest: int = 0
    unfit: int = 0
    example: str | None = None

    def __or__(self, other: Seen) -> Seen:
        return Seen(
            self.kinds | other.kinds,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.unfit + other.unfit,
            self.example if self.example is not None else other.example,
        )


def sql_type(seen: Seen) -> str:
    """The SQL type that holds all the values exactly; empty if they are not single values.

    >>> sql_type(Seen(frozenset({WHOLE, FRACTION}))), sql_type(Seen(frozenset({WHOLE, FRACTION}), 0, EXACT + 1))
    ('DOUBLE', 'VARCHAR')
    """
    kinds = set(seen.kinds)
    if BYTES in kinds or kinds == {LISTS}:
        return ""
    if kinds == {BOOLEAN}:
        return "BOOLEAN"
    if kinds == {UNSIGNED}:
        return "UBIGINT"
    if kinds and kinds <= {WHOLE, UNSIGNED}:
        if seen.lowest >= -(1 << 63) and seen.highest < 1 << 63:
            return "BIGINT"
        return "UBIGINT" if seen.lowest >= 0 and seen.highest < 1 << 64 else "VARCHAR"
    if FRACTION in kinds and kinds <= {WHOLE, UNSIGNED, FRACTION}:
        return "DOUBLE" if max(-seen.lowest, seen.highest) <= EXACT else "VARCHAR"
    return "VARCHAR"


def needs_comma(seen: Seen) -> bool:
    """Whether the column would have numbers if a comma may be the decimal point."""
    return COMMA in seen.kinds and seen.kinds <= {COMMA, WHOLE}


def declared_kind(kind: pa.DataType) -> str:
    """The kind of values of an Arrow type; empty for the type that only has nulls."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return declared_kind(kind.storage_type)
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return declared_kind(kind.value_type)
    if types.is_null(kind):
        return ""
    if types.is_boolean(kind):
        return BOOLEAN
    if types.is_integer(kind):
        return UNSIGNED if kind == pa.uint64() else WHOLE
    if types.is_decimal(kind):
        return FRACTION if kind.scale > 0 else WHOLE
    if types.is_floating(kind):
        return FRACTION
    if is_binary(kind) or _holds_bytes(kind):
        return BYTES
    return LISTS if types.is_nested(kind) or types.is_duration(kind) or types.is_interval(kind) else TEXT


def is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    found = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    return found or types.is_binary_view(kind)


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's types for text, also in a dictionary."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return is_text(kind.storage_type)
    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _holds_bytes(kind: pa.DataType) -> bool:
    if not pa.types.is_nested(kind) or pa.types.is_dictionary(kind):
        return False
    fields = (kind.field(place).type for place in range(kind.num_fields))
    return any(is_binary(field) or _holds_bytes(field) for field in fields)


def of_declared(values: pa.ChunkedArray) -> Seen:
    """The kinds of values of a declared type. A decimal number that a double would round is text."""
    kind, declared = declared_kind(values.type), values.type
    if kind in (WHOLE, UNSIGNED) and not pa.types.is_dictionary(declared):
        found: dict[str, Any] = compute.min_max(values).as_py()
        if found["min"] is not None:
            return Seen(frozenset({kind}), int(found["min"]), int(found["max"]))
    if pa.types.is_decimal(declared) and kind == FRACTION and declared.precision > DIGITS:
        found = compute.min_max(values).as_py()
        if found["min"] is not None:
            largest = max(abs(found["min"]), abs(found["max"]))
            if len(largest.scaleb(declared.scale).to_integral_value().as_tuple().digits) > DIGITS:
                return Seen(frozenset({TEXT}))
    return Seen(frozenset({kind} if kind else ()))


def of_bare(values: pa.ChunkedArray, decimal_comma: bool = False) -> Seen:
    """The kind that all cells of text without types fit. Leading zeros, times and dates are text; `MISSING` fits all.

    >>> [sql_type(of_bare(pa.chunked_array([cells]))) for cells in (["1", "NA"], ["0.5"], ["00017"], ["16:9"])]
    ['BIGINT', 'DOUBLE', 'VARCHAR', 'VARCHAR']
    """
    cells = values.drop_null()
    missing = compute.is_in(cells, pa.array(MISSING))
    unfit = int(compute.sum(missing).as_py() or 0)
    said = cells.filter(missing)[0].as_py() if unfit else None
    cells = cells.filter(compute.invert(missing)) if unfit else cells
    if not len(cells):
        return Seen(frozenset(), unfit=unfit, example=said)
    if _all(cells, _WHOLE):
        return Seen(frozenset({WHOLE}), *_range(cells), unfit, said)
    if _all(cells, _NUMBER) and not _any(cells, _TOO_LONG):
        whole = cells.filter(compute.match_substring_regex(cells, _WHOLE))
        return Seen(frozenset({FRACTION}), *_range(whole), unfit, said)
    if decimal_comma and _all(cells, _WITH_COMMA):
        return Seen(frozenset({COMMA}), unfit=unfit, example=said)
    words = compute.is_in(compute.utf8_lower(cells.slice(0, 1)), pa.array(["true", "false"]))
    if words[0].as_py() and _all(cells, r"(?i)^(true|false)$"):
        return Seen(frozenset({BOOLEAN}), unfit=unfit, example=said)
    return Seen(frozenset({TEXT}), unfit=unfit, example=said)


def _all(cells: pa.ChunkedArray, pattern: str) -> bool:
    """Whether all cells match a pattern; the first cell is checked first, since it nearly always decides."""
    parts = (cells.slice(0, 1), cells)
    return all(compute.all(compute.match_substring_regex(some, pattern)).as_py() for some in parts)


def _any(cells: pa.ChunkedArray, pattern: str) -> bool:
    return bool(compute.any(compute.match_substring_regex(cells, pattern)).as_py())


def _range(whole: pa.ChunkedArray) -> tuple[int, int]:
    if not len(whole):
        return 0, 0
    trimmed = compute.utf8_trim_whitespace(whole)
    if compute.max(compute.utf8_length(trimmed)).as_py() <= _SHORT:
        found = compute.min_max(trimmed.cast(pa.int64())).as_py()
        return found["min"], found["max"]
    numbers = [int(text) for text in trimmed.to_pylist()]
    return min(numbers), max(numbers)
