"""CSV as in RFC 4180, with multi-line cells, separated by commas, semicolons or tabs; every cell is text.

Arrow's reader guesses nothing here: each column is bytes, and `groundglass.sources.table_types` decides the types
from all rows, unless the recipe states them.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from groundglass.sources.table_rows import ColumnFault, Rows
from groundglass.sources.text_stream import HEAD, Utf8Stream, decoded
from groundglass.text.decode_text import encoding_of

SEPARATORS = (",", ";", "\t")
_BLOCKS = (1 << 22, 1 << 26, 1 << 30)
"""Bytes that are read at a time; one row must fit, so a larger size is tried if it does not."""
_END = b"\0the end of the table\0"
"""Added after the last row: if it is not read back, the last quoted cell was never closed."""
_SAYS_SEPARATOR = re.compile(r"^sep=(.)\r?\n")
_RAGGED = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_QUOTED = re.compile(r'"[^"]*"')


class Dialect(NamedTuple):
    """The form of one file: its separator, the lines before its header, and the names in its header."""

    separator: str
    skip: int
    names: list[str]


def header(path: Path, wanted: Sequence[str] = ()) -> list[str]:
    """The names of the columns. Raises ValueError if there are none, and the errors of opening the file."""
    return _dialect(path, wanted).names


def _dialect(path: Path, wanted: Sequence[str]) -> Dialect:
    """The separator that gives the header the wanted names; else the most frequent one, or the one that the file's
    name means.
    """
    stream = Utf8Stream(path)
    try:
        # Latin-1 keeps every byte, whatever the file's encoding.
        head = stream.read(HEAD).removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    finally:
        stream.close()
    # Excel writes this line before the header.
    said = _SAYS_SEPARATOR.match(head)
    if said:
        return Dialect(said[1], 1, _names(head[said.end() :], said[1]))
    line = next((line for line in _QUOTED.sub("", head).splitlines() if line), "")
    found = [Dialect(sign, 0, _names(head, sign)) for sign in SEPARATORS]
    meant = "\t" if ".tsv" in path.suffixes else ","
    return max(
        found,
        key=lambda it: (set(wanted) <= set(it.names), line.count(it.separator), it.separator == meant),
    )


def _names(head: str, separator: str) -> list[str]:
    try:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
        names = next((row for row in rows if row), [])
    except csv.Error as error:
        raise ValueError(f"its header is damaged: {error}") from error
    if not names:
        raise ValueError("it is empty")
    try:
        return [decoded(name.encode("latin-1"))[0].strip("\ufeff") for name in names]
    except UnicodeDecodeError as error:
        raise ValueError("the names in its header are neither UTF-8 nor Windows-1252") from error


def rows(path: Path, columns: Sequence[str] | None) -> Iterator[Rows]:
    """The table's rows with these columns, all as text; an empty cell is null, a quoted empty one is ``""``.

    Raises ColumnFault if the bytes of a column are not text, ValueError and ArrowInvalid for damage.
    """
    dialect = _dialect(path, columns or ())
    wanted = [name for name in dict.fromkeys(dialect.names) if columns is None or name in columns]
    done = 0
    for block in _BLOCKS:
        try:
            for batch in _batches(path, dialect, [dialect.names.index(name) for name in wanted], block, done):
                yield _as_text(batch, wanted, done, dialect.separator != ",")
                done += batch.num_rows
        except pa.ArrowInvalid as error:
            # This is Arrow's error for a row longer than a block: continue after the rows done, with larger blocks.
            if "straddl" not in str(error) or block == _BLOCKS[-1]:
                raise
        else:
            return


def _batches(
    path: Path, dialect: Dialect, places: Sequence[int], block: int, skip: int
) -> Iterator[pa.Table]:
    """The cells in these columns as bytes, without the header and the first ``skip`` rows.

    The first column is always added, in last place, so that the end mark can be found in it.
    """
    from pyarrow import csv as arrow_csv

    count = len(dialect.names)
    ending = b"\n" + _END + dialect.separator.encode() * (count - 1) + b"\n"
    stream: Any = Utf8Stream(path, ending)
    try:
        reader = arrow_csv.open_csv(
            stream,
            arrow_csv.ReadOptions(
                use_threads=False,
                block_size=block,
                skip_rows=dialect.skip,
                column_names=[f"f{place}" for place in range(count)],
            ),
            arrow_csv.ParseOptions(delimiter=dialect.separator, newlines_in_values=True),
            arrow_csv.ConvertOptions(
                include_columns=[f"f{place}" for place in [*places, 0]],
                column_types={f"f{place}": pa.binary() for place in range(count)},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        yield from _between(reader, skip)
    except pa.ArrowInvalid as error:
        ragged = _RAGGED.search(str(error))
        if ragged is None:
            raise
        say = "row {0} has {2} cells, but the header has {1}; a text "
        say += "with separators and without quotes can cause this, and a quote that is never closed"
        raise ValueError(say.format(*ragged.groups())) from error
    finally:
        stream.close()


def _between(reader: Any, skip: int) -> Iterator[pa.Table]:
    """The rows between the header and the end mark, without the rows that were read before."""
    waiting: pa.Table | None = None
    left = skip + 1
    for table in map(pa.Table.from_batches, ([batch] for batch in reader if batch.num_rows)):
        if waiting is not None:
            yield waiting
        waiting, left = table.slice(left), max(0, left - table.num_rows)
    if waiting is None or waiting.num_rows == 0 or waiting.column(-1)[-1].as_py() != _END:
        raise ValueError("a quote is never closed")
    yield waiting.slice(0, waiting.num_rows - 1)


def _as_text(batch: pa.Table, names: Sequence[str], first: int, decimal_comma: bool) -> Rows:
    guessed: set[str] = set()
    columns: dict[str, pa.ChunkedArray] = {}
    for place, name in enumerate(names):
        try:
            columns[name] = batch.column(place).cast(pa.string())
        except pa.ArrowInvalid:  # not UTF-8
            columns[name] = _guessed_text(batch.column(place), name)
            guessed.add(name)
    table = pa.table(columns) if columns else pa.table({"": pa.nulls(batch.num_rows)})
    return Rows(table, first, bare=True, decimal_comma=decimal_comma, guessed=frozenset(guessed))


def _guessed_text(cells: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Reads cells that are not UTF-8 as Windows-1252, each alone: files that were joined may have both."""
    values = cells.to_pylist()
    try:
        encoding_of(b" ".join(value for value in values if value).replace(b"\0", b" "))
        texts = [None if value is None else decoded(value)[0] for value in values]
    except ValueError as error:
        # UnicodeDecodeError is a ValueError too.
        raise ColumnFault(name, "contains text that is neither UTF-8 nor Windows-1252") from error
    return pa.chunked_array([pa.array(texts, pa.string())])
