"""Whatever stands in a table's cells comes back as it was, from every format, encoding and number of files."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.sources.table_columns import ImageColumn
from groundglass.sources.table_listing import list_tables
from groundglass.sources.table_survey import Question, survey

Row = tuple[str, str | None, str | None]
"""A file's name and two cells."""
NAMES = ("file", "caption", "two words")
PIECES = [
    '"',
    '""',
    "\n",
    "\r\n",
    "\r",
    ",",
    ";",
    "\t",
    "'",
    "\\",
    "00017",
    "16:9",
    "2024-02-01",
    "10:30:00",
    "0,5",
    "1e5",
    "-0",
    "9007199254740993",
    "NA",
    "null",
    "true",
    " ",
    "sep=;",
    "caf\u00e9",
    "cafe\u0301",
    "\ufeff",
    "\U0001f600",
    "日本",
    "\x00",
    "\x1a",
    "=1+1",
    "#",
    "{",
    "[",
    "x" * 3000,
]
CELLS = st.none() | st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=5).map("".join).filter(
    lambda text: text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)
)
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12).map(
    lambda cells: [(f"{n:03d}.jpg", *pair) for n, pair in enumerate(cells)]
)


def as_csv(rows: Sequence[Row], separator: str, ends: str, seed: int) -> str:
    """Every cell that needs it in quotes, and some that do not; what is not known is an empty cell."""
    chance = random.Random(seed)

    def cell(value: str | None) -> str:
        if value is None:
            return ""
        plain = value and not set(value) & set('",;\t\r\n') and chance.random() < 0.5
        return value if plain else '"' + value.replace('"', '""') + '"'

    return "".join(separator.join(map(cell, row)) + ends for row in [NAMES, *rows])


def as_objects(rows: Sequence[Row]) -> list[dict[str, str | None]]:
    return [dict(zip(NAMES, row, strict=True)) for row in rows]


def write_csv(
    path: Path, rows: Sequence[Row], separator: str, encoding: str, ends: str, packed: bool
) -> None:
    content = as_csv(rows, separator, ends, seed=len(rows)).encode(encoding)
    path.write_bytes(gzip.compress(content) if packed else content)


def write_jsonl(path: Path, rows: Sequence[Row], encoding: str) -> None:
    lines = (json.dumps(row, ensure_ascii=len(rows) % 2 == 0) + "\n" for row in as_objects(rows))
    path.write_bytes("".join(lines).encode(encoding))


def write_json(path: Path, rows: Sequence[Row], encoding: str) -> None:
    path.write_bytes(json.dumps(as_objects(rows), indent=1, ensure_ascii=False).encode(encoding))


def write_parquet(path: Path, rows: Sequence[Row], kind: pa.DataType) -> None:
    columns = zip(*rows, strict=True)
    table = pa.table({name: pa.array(list(c), pa.string()) for name, c in zip(NAMES, columns, strict=True)})
    pq.write_table(table.cast(pa.schema([(name, kind) for name in NAMES])), path, row_group_size=5)


def shards(folder: Path, rows: Sequence[Row], count: int, ending: str) -> list[tuple[Path, Sequence[Row]]]:
    for old in folder.iterdir():
        old.unlink()
    size = -(-len(rows) // count)
    parts = [rows[at : at + size] for at in range(0, len(rows), size)]
    return [(folder / f"part-{n}{ending}", part) for n, part in enumerate(parts)]


def read_back(folder: Path, stated: dict[str, str]) -> list[Row]:
    """The rows of all files in a folder as text; the types are inferred where none are stated."""
    paths = sorted(folder.iterdir())
    found = survey(paths, Question(needed=("file",), stated=tuple(stated.items())))
    types = {name: kind for name, kind in found.types.items() if name in NAMES[1:]}
    assert set(types) == set(NAMES[1:])
    listing = list_tables([str(path) for path in paths], ImageColumn("file", embedded=False), types)
    uris = [uri.rpartition("/")[2] for uri in listing["uri"].to_pylist()]
    cells = (listing[f"meta.{name}"].to_pylist() for name in NAMES[1:])
    return sorted(zip(uris, *cells, strict=True))


AS_TEXT = dict.fromkeys(NAMES[1:], "VARCHAR")
PLENTY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(
    folder: Path, rows: Sequence[Row], write: Callable[[Path, Sequence[Row]], None], ending: str, count: int
):
    for path, part in shards(folder, rows, count, ending):
        write(path, part)
    assert read_back(folder, AS_TEXT) == list(rows)
    for before, after in zip(rows, read_back(folder, {}), strict=True):
        for cell, read in zip(before, after, strict=True):
            assert read == cell if isinstance(read, str) or cell is None else _same_value(cell, read)


def _same_value(cell: str, read: object) -> bool:
    """What was inferred to be no text says the same as the text; words such as NA say that there is nothing."""
    if read is None:
        return cell in ("NA", "null")
    if isinstance(read, bool):
        return cell.lower() == str(read).lower()
    return (int if isinstance(read, int) else float)(cell) == read


@PLENTY
@given(
    rows=TABLES,
    count=st.integers(1, 3),
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
    ends=st.sampled_from(["\n", "\r\n"]),
    packed=st.booleans(),
)
def test_csv_comes_back(
    tmp_path: Path, rows: list[Row], count: int, separator: str, encoding: str, ends: str, packed: bool
) -> None:
    ending = ".csv.gz" if packed else ".tsv" if separator == "\t" else ".csv"
    if encoding == "utf-16-le":  # without a mark it is known by its zero bytes: most letters must be Latin
        rows = [
            (name, *("".join(filter(str.isascii, c or "")) or None for c in cells)) for name, *cells in rows
        ]
        rows = [(name, *(c.replace("\0", "") or None if c else c for c in cells)) for name, *cells in rows]
    same(tmp_path, rows, lambda p, r: write_csv(p, r, separator, encoding, ends, packed), ending, count)


@PLENTY
@given(rows=TABLES, count=st.integers(1, 3))
def test_csv_in_windows_1252_comes_back(tmp_path: Path, rows: list[Row], count: int) -> None:
    rows = [(n, *(c and c.encode("cp1252", "ignore").decode("cp1252") for c in cells)) for n, *cells in rows]
    rows = [
        (n, *(None if c is None else f"with many plain letters {c}" for c in cells)) for n, *cells in rows
    ]
    for cell in (cell for row in rows for cell in row[1:] if cell is not None and not cell.isascii()):
        try:
            cell.encode("cp1252").decode("utf-8")
        except UnicodeDecodeError:
            continue
        assume(False)  # the same bytes are another text in UTF-8: nobody could tell
    same(tmp_path, rows, lambda p, r: write_csv(p, r, ";", "cp1252", "\r\n", False), ".csv", count)


@PLENTY
@given(rows=TABLES, count=st.integers(1, 3), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_json_comes_back(tmp_path: Path, rows: list[Row], count: int, encoding: str) -> None:
    same(tmp_path, rows, lambda p, r: write_jsonl(p, r, encoding), ".jsonl", count)
    same(tmp_path, rows, lambda p, r: write_json(p, r, encoding), ".json", count)


@PLENTY
@given(
    rows=TABLES,
    count=st.integers(1, 3),
    kind=st.sampled_from(
        [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
    ),
)
def test_parquet_comes_back(tmp_path: Path, rows: list[Row], count: int, kind: pa.DataType) -> None:
    same(tmp_path, rows, lambda p, r: write_parquet(p, r, kind), ".parquet", count)


def test_a_cell_of_many_megabytes_comes_back(tmp_path: Path) -> None:
    long = 'a "quoted" line, and\n' * 400_000
    rows: list[Row] = [("0.jpg", "short", None), ("1.jpg", long, "x"), ("2.jpg", None, "y")]
    for path, part in shards(tmp_path, rows, 1, ".csv"):
        write_csv(path, part, ",", "utf-8", "\n", False)
    assert read_back(tmp_path, AS_TEXT) == rows


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'file,caption\n1.jpg,"one\n2.jpg,two\n3.jpg,three\n', "never closed"),
        (b'file,caption\n1.jpg,one\n2.jpg,"two', "a quote is never closed"),
        (b'file,caption\n1.jpg,one\n"2.jpg,two\n', "never closed"),
        (b"file,caption\n1.jpg,caf\xe9,two\n", "row 2 has 3 cells, but the header has 2"),
        (b"file,caption\n1.jpg,one\n2.jpg\n", "row 3 has 1 cells, but the header has 2"),
        (b"file,caption\n1.jpg,one,more\n", "row 2 has 3 cells, but the header has 2"),
        (b"", "it is empty"),
        (b"file,caption,caption\n1.jpg,one,two\n", "two columns named 'caption'"),
        (b"file,Caption,caption\n1.jpg,one,two\n", "'Caption' and 'caption', which differ only in case"),
        (gzip.compress(b"file,caption\n1.jpg,one\n", mtime=0)[:-12], "cannot be read as a table"),
    ],
)
def test_a_damaged_csv_is_refused_with_what_is_wrong(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(RecipeError, match=says):
        survey([tmp_path / "t.csv"], Question(needed=("file",)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"file": "a"}\n{"file": \n', "line 2 is not a JSON object"),
        (b'{"file": "a", "n": 1, "n": 2}\n', "line 1 has 'n' twice"),
        (b'{"file": "a"}\n["b"]\n', "line 2 is not a JSON object"),
        (b'[{"file": "a"}, {"file": ]', "element 2 of its array"),
        (b'[{"file": "a"}', "ends early, after element 1"),
    ],
)
def test_damaged_json_is_refused_with_what_is_wrong(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "t.jsonl").write_bytes(content)
    with pytest.raises(RecipeError, match=says):
        survey([tmp_path / "t.jsonl"], Question(needed=("file",)))
