"""Tables: rows that name files or hold them become rows with their columns, without a picture being read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundglass.errors import GroundglassError, RecipeError
from groundglass.files.locators import read
from groundglass.sources.table_columns import ImageColumn, Leaves, check_paths, find_bytes
from groundglass.sources.table_files import declared, find_tables
from groundglass.sources.table_listing import first_url, list_tables
from groundglass.sources.table_survey import Question, survey

FILES = ImageColumn("file", embedded=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, and what tables say of them."""
    (tmp_path / "in").mkdir()
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        (tmp_path / "in" / name).write_bytes(name.encode())
    return tmp_path


ROWS = [
    {"file": "in/2.jpg", "width": 3840, "ratio": 1.5, "caption": "two", "good": True},
    {"file": "in/1.jpg", "width": 100, "ratio": 0.5, "caption": "one, with a comma", "good": False},
    {"file": "in/gone.jpg", "width": None, "ratio": None, "caption": None, "good": None},
]


def write_table(folder: Path, kind: str, rows: list[dict[str, Any]]) -> Path:
    from pyarrow import csv

    path = folder / f"list.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    elif kind == "csv":
        csv.write_csv(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def types_of(*paths: Path, stated: dict[str, str] | None = None, without: str = "file") -> dict[str, str]:
    return dict(survey(paths, Question(without=without, stated=tuple((stated or {}).items()))).types)


def listed(path: Path, pictures: ImageColumn = FILES, **types: str) -> dict[str, dict[str, Any]]:
    found = list_tables([str(path)], pictures, types).to_pylist()
    assert [row["uri"] for row in found] == sorted({row["uri"] for row in found})
    return {row["uri"]: row for row in found}


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_every_row_is_listed_with_its_columns(folder: Path, kind: str) -> None:
    path = write_table(folder, kind, ROWS)
    types = types_of(path)
    assert types == {"width": "BIGINT", "ratio": "DOUBLE", "caption": "VARCHAR", "good": "BOOLEAN"}
    found = listed(path, **types)
    assert list(found) == ["in/1.jpg", "in/2.jpg", "in/gone.jpg"]
    assert read(found["in/1.jpg"]["path"]) == b"1.jpg"
    two = found["in/2.jpg"]
    assert (two["bytes"], two["mtime_ns"]) == (5, (folder / "in/2.jpg").stat().st_mtime_ns)
    assert {name: two[f"meta.{name}"] for name in types} == {n: ROWS[0][n] for n in types}
    gone = found["in/gone.jpg"]
    assert (gone["error"], gone["bytes"], gone["meta.width"]) == ("vanished", None, None)


def test_columns_are_cast_and_what_does_not_fit_is_null(folder: Path) -> None:
    rows = [{"file": "in/1.jpg", "w": "3840", "n": 1.0}, {"file": "in/2.jpg", "w": "wide", "n": None}]
    path = write_table(folder, "parquet", rows)
    found = listed(path, w="BIGINT", n="VARCHAR")
    assert [row["meta.w"] for row in found.values()] == [3840, None]
    assert [row["meta.n"] for row in found.values()] == ["1.0", None]


def test_paths_are_taken_from_the_tables_folder_or_are_absolute(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = str(folder / "in" / "1.jpg")
    path = write_table(folder, "csv", [{"file": whole}, {"file": "in/../in/2.jpg"}])
    monkeypatch.chdir(folder.parent)
    found = listed(Path(path.relative_to(folder.parent)))
    assert {uri: read(row["path"]) for uri, row in found.items()} == {
        whole: b"1.jpg",
        "in/../in/2.jpg": b"2.jpg",
    }


def test_rows_that_name_no_file_have_a_reason(folder: Path) -> None:
    odd = [None, "", "in/1.jpg\0zip 0 1 1 0 0", "https://example.org/a.jpg", "in", "in/1.jpg/x"]
    pq.write_table(pa.table({"file": odd}), folder / "list.parquet")
    found = listed(folder / "list.parquet")
    assert {uri: row["error"] for uri, row in found.items()} == {
        "list.parquet/000000000": "vanished",
        "list.parquet/000000001": "vanished",
        odd[2]: "unsafe_name",
        odd[3]: "unsupported",
        odd[4]: "not_an_image",
        odd[5]: "unreadable",
    }


def test_one_file_named_twice_is_two_rows(folder: Path) -> None:
    path = write_table(folder, "csv", [{"file": "in/1.jpg", "n": n} for n in range(3)])
    found = listed(path, n="BIGINT")
    assert {uri: row["meta.n"] for uri, row in found.items()} == {
        "in/1.jpg": 0,
        "in/1.jpg~2": 1,
        "in/1.jpg~3": 2,
    }


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_embedded_bytes_are_found_without_being_read(tmp_path: Path, kind: pa.DataType) -> None:
    content = [f"picture {n}".encode() for n in range(7)]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"image": pa.array(content, kind), "n": range(7)}), path, row_group_size=3)
    assert find_bytes(path, declared(path), "image") == Leaves("image")
    found = listed(path, ImageColumn("image", embedded=True), n="BIGINT")
    assert list(found) == [f"t.parquet/{n:09d}" for n in range(7)]
    assert [read(row["path"]) for row in found.values()] == content
    assert [row["meta.n"] for row in found.values()] == list(range(7))
    assert {row["bytes"] for row in found.values()} == {None}


def test_hugging_faces_struct_gives_bytes_and_names(tmp_path: Path) -> None:
    images = [
        {"bytes": b"b", "path": "b.jpg"},
        {"bytes": b"a", "path": "a.jpg"},
        {"bytes": b"c", "path": None},
    ]
    for name in ("train-0.parquet", "train-1.parquet"):
        pq.write_table(pa.table({"image": images, "label": [1, 2, 3]}), tmp_path / name)
    first = tmp_path / "train-0.parquet"
    assert find_bytes(first, declared(first), "image") == Leaves("image.bytes", "image.path")
    assert types_of(first, without="image") == {"label": "BIGINT"}
    pictures = ImageColumn("image", embedded=True)
    found = list_tables([str(tmp_path / "train-*.parquet")], pictures, {"label": "BIGINT"}).to_pylist()
    assert [(row["uri"], read(row["path"]), row["meta.label"]) for row in found[:3]] == [
        ("train-0.parquet/000000002", b"c", 3),
        ("train-0.parquet/a.jpg", b"a", 2),
        ("train-0.parquet/b.jpg", b"b", 1),
    ]
    assert len(found) == 6


def test_columns_that_cannot_be_used_are_left_out_and_named(tmp_path: Path) -> None:
    fields = {
        "x" * 101: pa.int8(),
        "two\nlines": pa.int8(),
        "": pa.int8(),
        "W": pa.int8(),
        "big": pa.uint64(),
    }
    fields |= {"l": pa.list_(pa.int8()), "b": pa.binary(), "d": pa.decimal128(5, 2), "n": pa.null()}
    fields |= {"e": pa.dictionary(pa.int8(), pa.string()), "at": pa.timestamp("ms")}
    path = tmp_path / "t.parquet"
    pq.write_table(pa.schema(list(fields.items())).empty_table(), path)
    found = survey([path], Question())
    assert found.types == {
        "two\nlines": "BIGINT",
        "W": "BIGINT",
        "big": "UBIGINT",
        "d": "DOUBLE",
        "n": "VARCHAR",
        "e": "VARCHAR",
        "at": "VARCHAR",
    }
    assert set(found.left_out) == {"x" * 101, "l", "b"}
    told = "\n".join(found.notes)
    assert "holds lists or structs; columns: {l: TEXT} takes them as JSON: l" in told
    assert "holds bytes: b" in told
    assert "no expression can use: xxx" in told
    assert "no name: 1 column" in told


def test_a_columns_name_never_stands_for_another(folder: Path) -> None:
    """Names that mean something to SQL or to Parquet's paths, beside the struct that such a path leads into."""
    names = {'"; DROP TABLE x; --': 1, "a.b": 2, "x": 3, "c0": 4, "rows": 5, "a.b.c": 6}
    columns: dict[str, Any] = {name: [value] for name, value in names.items()}
    path = folder / "t.parquet"
    pq.write_table(pa.table({"file": ["in/1.jpg"], "a": [{"b": 7}], **columns}), path)
    row = listed(path, **dict.fromkeys(names, "BIGINT"))["in/1.jpg"]
    assert {name: row[f"meta.{name}"] for name in names} == names


def test_every_type_can_be_cast(folder: Path) -> None:
    import datetime
    import decimal

    values = {
        "big": pa.array([2**64 - 1], pa.uint64()),
        "d": pa.array([decimal.Decimal("1.25")], pa.decimal128(5, 2)),
        "n": pa.nulls(1),
        "e": pa.array(["x"]).dictionary_encode(),
        "at": pa.array([datetime.date(2024, 2, 1)]),
        "file": pa.array(["in/1.jpg"]).dictionary_encode(),
        "odd name'\"; --": pa.array([1]),
    }
    path = folder / "t.parquet"
    pq.write_table(pa.table(values), path)
    check_paths(pq.read_schema(path), "file")
    row = listed(path, **types_of(path))["in/1.jpg"]
    assert {name.removeprefix("meta."): row[name] for name in row if name.startswith("meta.")} == {
        "big": 2**64 - 1,
        "d": 1.25,
        "n": None,
        "e": "x",
        "at": "2024-02-01",
        "odd name'\"; --": 1,
    }


def test_columns_of_the_wrong_kind_are_refused(folder: Path) -> None:
    path = write_table(folder, "parquet", ROWS)
    schema = pq.read_schema(path)
    with pytest.raises(RecipeError, match="'width' holds int64, not paths"):
        check_paths(schema, "width")
    with pytest.raises(RecipeError, match="holds string, not bytes") as caught:
        find_bytes(path, schema, "file")
    assert caught.value.hint == "for paths, write `path: file`"
    with pytest.raises(RecipeError, match="only Parquet tables can hold bytes"):
        find_bytes(folder / "list.csv", None, "file")
    with pytest.raises(RecipeError, match="has no column 'wide'"):
        list_tables([str(path)], FILES, {"wide": "BIGINT"})


def test_tables_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    for name, content in (("a.parquet", b"PAR1junkPAR1"), ("b.jsonl", b"{"), ("c.csv", b"a,b\n1\n")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RecipeError, match="cannot be read as a table"):
            types_of(tmp_path / name)
    (tmp_path / "x.xlsx").write_bytes(b"")
    with pytest.raises(RecipeError, match="not a table in a format"):
        find_tables([str(tmp_path / "x.xlsx")])
    with pytest.raises(RecipeError, match="there is no table"):
        find_tables([str(tmp_path / "none.csv")])


def test_urls_are_told_from_paths(folder: Path) -> None:
    path = write_table(folder, "csv", [{"file": "in/1.jpg"}, {"file": "s3://bucket/a.jpg"}])
    assert first_url(path, "file") == "s3://bucket/a.jpg"
    assert first_url(write_table(folder, "csv", ROWS), "file") is None


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["parquet", "csv", "jsonl"]),
    start=st.sampled_from([b"", b"file\n"]),
    data=st.binary(),
)
def test_random_bytes_raise_nothing_of_others(tmp_path: Path, kind: str, start: bytes, data: bytes) -> None:
    path = tmp_path / f"r.{kind}"
    path.write_bytes(start + data)
    try:
        list_tables([str(path)], FILES, types_of(path))
    except GroundglassError:
        return


BIG = """
import resource, sys
from pathlib import Path
from groundglass.sources.table_columns import ImageColumn
from groundglass.sources.table_listing import list_tables

def bytes_read():
    return int(Path("/proc/self/io").read_text().split()[1])

before, read = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, bytes_read()
found = list_tables([sys.argv[1]], ImageColumn("image", True), {"caption": "VARCHAR", "width": "BIGINT"})
print(found.num_rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, bytes_read() - read)
"""


def test_a_million_rows_are_listed_whatever_the_pictures_weigh(tmp_path: Path) -> None:
    """Two gigabytes of pictures (which pack to nothing), of which none is unpacked."""
    count, groups = 1_000_000, 10
    with pq.ParquetWriter(tmp_path / "big.parquet", schema := _big_schema(), compression="zstd") as writer:
        image = pa.array([bytes(2000)] * (count // groups), pa.binary())
        caption = pa.array([f"caption {n}" for n in range(count // groups)])
        rows = pa.table([image, caption, pa.array(np.arange(count // groups))], schema=schema)
        for _ in range(groups):
            writer.write_table(rows)
    listed, grown, _ = listed_grown_read(tmp_path / "big.parquet")
    assert listed == count
    assert grown < 1_000_000, "in kB: the listing itself, not the pictures"


def listed_grown_read(table: Path) -> tuple[int, int, int]:
    """A program of its own lists a table: its rows, the memory in kB that it took more, and the bytes it read."""
    done = subprocess.run([sys.executable, "-c", BIG, str(table)], capture_output=True, text=True, check=True)
    listed, grown, read = map(int, done.stdout.split())
    return listed, grown, read


def test_of_the_pictures_in_a_table_not_a_byte_is_read(tmp_path: Path) -> None:
    """Twenty megabytes of images that cannot be packed, in four row groups: listing them reads hardly more than
    listing as many empty ones does. (Most of what both read are libraries.)"""
    noise = np.random.default_rng(0).bytes(20_000_000)
    image = pa.array([noise[n : n + 2000] for n in range(0, len(noise), 2000)], pa.binary())
    caption = pa.array([f"caption {n}" for n in range(len(image))])
    rows = pa.table([image, caption, pa.array(np.arange(len(image)))], schema=_big_schema())
    pq.write_table(rows, tmp_path / "noise.parquet", row_group_size=2500)
    assert (tmp_path / "noise.parquet").stat().st_size > 20_000_000
    listed, _, read = listed_grown_read(tmp_path / "noise.parquet")
    empty = rows.set_column(0, "image", pa.array([b""] * len(image), pa.binary()))
    pq.write_table(empty, tmp_path / "empty.parquet", row_group_size=2500)
    _, _, without = listed_grown_read(tmp_path / "empty.parquet")
    assert listed == 10_000
    assert read < without + 1_000_000


def _big_schema() -> pa.Schema:
    return pa.schema([("image", pa.binary()), ("caption", pa.string()), ("width", pa.int64())])
