"""What type a column gets over all files, what a stated type makes of its values, and what of it is told."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundglass.errors import RecipeError
from groundglass.sources import json_table
from groundglass.sources.table_columns import ImageColumn
from groundglass.sources.table_listing import list_tables, read_table
from groundglass.sources.table_survey import Question, Survey, survey

BIG = 1 << 53


def surveyed(*paths: Path, **stated: str) -> Survey:
    return survey(paths, Question(needed=("file",), stated=tuple(stated.items())))


def values(found: Survey, name: str, *paths: Path) -> list[Any]:
    """The column's values in the order of the files' rows."""
    types = {name: found.types[name]}
    listing = list_tables([str(path) for path in paths], ImageColumn("file", embedded=False), types)
    return listing[f"meta.{name}"].to_pylist()


def write(folder: Path, *shards: pa.Array | str | list[Any]) -> list[Path]:
    """A table's shards of one column `v`: an Arrow array is Parquet, a text CSV's cells, a list JSON's values."""
    paths: list[Path] = []
    for n, shard in enumerate(shards):
        path = folder / f"{n}"
        if isinstance(shard, str):
            path = path.with_suffix(".csv")
            cells = shard.split()
            path.write_text("file;v\n" + "".join(f"{m:03d};{cell}\n" for m, cell in enumerate(cells)))
        elif isinstance(shard, list):
            path = path.with_suffix(".jsonl")
            path.write_text("".join(f'{{"file": "{m:03d}", "v": {cell}}}\n' for m, cell in enumerate(shard)))
        else:
            path = path.with_suffix(".parquet")
            names = [f"{m:03d}" for m in range(len(shard))]
            pq.write_table(pa.table({"file": names, "v": shard}), path)
        paths.append(path)
    return paths


def ints(*numbers: int, kind: pa.DataType | None = None) -> pa.Array:
    return pa.array(numbers, kind or pa.int64())


WIDENED: list[tuple[tuple[pa.Array | str | list[Any], ...], str, list[Any]]] = [
    ((ints(1, 2), pa.array([0.5, 1.5])), "DOUBLE", [1.0, 2.0, 0.5, 1.5]),
    ((ints(BIG), pa.array([0.5])), "DOUBLE", [float(BIG), 0.5]),
    ((ints(BIG + 1), pa.array([0.5])), "VARCHAR", [str(BIG + 1), "0.5"]),
    ((pa.array([0.5]), ints(-BIG - 1)), "VARCHAR", ["0.5", str(-BIG - 1)]),
    ((ints(1), pa.array(["x"])), "VARCHAR", ["1", "x"]),
    ((pa.array([True]), ints(1)), "VARCHAR", ["true", "1"]),
    ((pa.nulls(1), ints(1)), "BIGINT", [None, 1]),
    ((ints(1, kind=pa.uint8()), ints(-1, kind=pa.int8())), "BIGINT", [1, -1]),
    ((ints(5, kind=pa.uint64()), ints(-1)), "BIGINT", [5, -1]),
    ((ints((1 << 64) - 1, kind=pa.uint64()), ints(1)), "UBIGINT", [(1 << 64) - 1, 1]),
    ((ints((1 << 64) - 1, kind=pa.uint64()), ints(-1)), "VARCHAR", [str((1 << 64) - 1), "-1"]),
    ((pa.array([datetime.date(2024, 2, 1)]), pa.array(["soon"])), "VARCHAR", ["2024-02-01", "soon"]),
    ((pa.array([Decimal("1.25")]), ints(3)), "DOUBLE", [1.25, 3.0]),
    ((pa.array([Decimal("1234567890123.4567")]),), "VARCHAR", ["1234567890123.4567"]),
    ((pa.array([Decimal("1.25")], pa.decimal128(38, 2)),), "DOUBLE", [1.25]),
    ((pa.array([0.5, float("nan")]),), "DOUBLE", [0.5, None]),
    (("00017 17",), "VARCHAR", ["00017", "17"]),
    (("17", "00017"), "VARCHAR", ["17", "00017"]),
    (("16:9 16:10",), "VARCHAR", ["16:9", "16:10"]),
    (("2024-02-01 2024-03-01",), "VARCHAR", ["2024-02-01", "2024-03-01"]),
    (("1 NA 3",), "BIGINT", [1, None, 3]),
    (("1", "0.5"), "DOUBLE", [1.0, 0.5]),
    ((f"{BIG + 1}", "0.5"), "VARCHAR", [str(BIG + 1), "0.5"]),
    ((f"{1 << 63}",), "UBIGINT", [1 << 63]),
    ((f"{1 << 64}",), "VARCHAR", [str(1 << 64)]),
    (("true FALSE",), "BOOLEAN", [True, False]),
    (("true 1",), "VARCHAR", ["true", "1"]),
    (("1e5 .5 -3",), "DOUBLE", [1e5, 0.5, -3.0]),
    (("+49123 +49124",), "VARCHAR", ["+49123", "+49124"]),
    (("1", ints(2)), "BIGINT", [1, 2]),
    ((["1", "1.10"],), "DOUBLE", [1.0, 1.1]),
    ((["1.10", '"x"'],), "VARCHAR", ["1.10", "x"]),
    (([str(BIG + 1), "0.5"],), "VARCHAR", [str(BIG + 1), "0.5"]),
    (([str(1 << 70)],), "VARCHAR", [str(1 << 70)]),
    ((['"00017"', "17"],), "VARCHAR", ["00017", "17"]),
    ((["true", "null"],), "BOOLEAN", [True, None]),
    ((["NaN", "1.5"],), "DOUBLE", [None, 1.5]),
    ((['["a", 1.50]', '"b"'],), "VARCHAR", ['["a", 1.50]', "b"]),
]


@pytest.mark.parametrize(("shards", "kind", "expected"), WIDENED)
def test_types_are_widened_and_nothing_is_rounded(
    tmp_path: Path, shards: tuple[Any, ...], kind: str, expected: list[Any]
) -> None:
    paths = write(tmp_path, *shards)
    found = surveyed(*paths)
    assert found.types == {"v": kind}
    read = values(found, "v", *paths)
    assert read == expected
    assert list(map(type, read)) == list(map(type, expected))


def test_the_types_do_not_hang_on_the_first_rows(tmp_path: Path) -> None:
    rows = 100_000
    text = "file,v\n" + "".join(f"{n}.jpg,{n}\n" for n in range(rows))
    (tmp_path / "t.csv").write_text(text + "last.jpg,wide\n")
    assert surveyed(tmp_path / "t.csv").types == {"v": "VARCHAR"}
    lines = "".join(f'{{"file": "{n}.jpg", "v": {n}}}\n' for n in range(rows))
    (tmp_path / "t.jsonl").write_text(lines + '{"file": "last.jpg", "v": "wide", "late": 1}\n')
    assert surveyed(tmp_path / "t.jsonl").types == {"v": "VARCHAR", "late": "BIGINT"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["1", '"3"', "null", '"n/a"'], ["'v' is text: t.jsonl has numbers, and text from line 2 on"]),
        (["null", "true", "1.5"], ["'v' is text: t.jsonl has true or false, and numbers from line 3 on"]),
        (['"a"', '"b"', "[1]"], ["'v' is text: t.jsonl has text, and lists or structs from line 3 on"]),
        (['{"a": 1}', "2"], ["'v' is text: t.jsonl has lists or structs, and numbers from line 2 on"]),
        (["1", "1.5", "null"], []),
        (['"a"', "null"], []),
    ],
)
def test_a_column_of_several_sorts_is_named_with_the_first_line(
    tmp_path: Path, rows: list[str], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f'{{"file": "{n}.jpg", "v": {row}}}' for n, row in enumerate(rows)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    assert list(surveyed(tmp_path / "t.jsonl").notes) == said
    (tmp_path / "t.json").write_text(f"[{', '.join(lines)}]")
    as_array = [note.replace("jsonl", "json").replace("line", "element") for note in said]
    assert list(surveyed(tmp_path / "t.json").notes) == as_array
    assert surveyed(tmp_path / "t.jsonl", v="VARCHAR").notes == ()
    monkeypatch.setattr(json_table, "BATCH", 1)
    (tmp_path / "t.jsonl").write_text("\n".join([*lines, ""]))  # another file: it is looked at again
    assert list(surveyed(tmp_path / "t.jsonl").notes) == said


STATED: list[tuple[pa.Array | str | list[Any], str, list[Any], int]] = [
    ("00017 3.0 3.7 wide", "BIGINT", [17, 3, None, None], 2),
    ("00017 +5", "VARCHAR", ["00017", "+5"], 0),
    ("0,5 1.5 x 1e999", "DOUBLE", [0.5, 1.5, None, None], 2),
    ("true 0 maybe", "BOOLEAN", [True, False, None], 1),
    (["1", '"3"', "null", '"n/a"'], "BIGINT", [1, 3, None, None], 1),
    (["1", '"3"', "null", '"n/a"'], "VARCHAR", ["1", "3", None, "n/a"], 0),
    (['["a", "b"]', "null"], "VARCHAR", ['["a", "b"]', None], 0),
    (pa.array([["a", "b"]], pa.large_list(pa.string())), "VARCHAR", ['["a", "b"]'], 0),
    (pa.array([1.0, 2.5, float("nan"), None]), "BIGINT", [1, None, None, None], 1),
    (pa.array([0, 1, 2]), "BOOLEAN", [False, True, None], 1),
    (pa.array([datetime.date(2024, 2, 1)]), "BIGINT", [None], 1),
    (pa.array(["7", "x"], pa.string_view()), "BIGINT", [7, None], 1),
    (pa.array(["7", "x"]).dictionary_encode(), "BIGINT", [7, None], 1),
    (pa.array([(1 << 64) - 1], pa.uint64()), "BIGINT", [None], 1),
]


@pytest.mark.parametrize(("shard", "kind", "expected", "unfit"), STATED)
def test_a_stated_type_comes_first_and_what_does_not_fit_is_counted(
    tmp_path: Path, shard: Any, kind: str, expected: list[Any], unfit: int
) -> None:
    paths = write(tmp_path, shard)
    found = surveyed(*paths, v=kind)
    assert found.types == {"v": kind}
    assert values(found, "v", *paths) == expected
    assert [note for note in found.notes if f"'v': {unfit} of its values are not" in note] == list(
        found.notes[: unfit > 0]
    )


def test_what_a_user_should_know_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(
        b"file;score;caption;tag;\n0;0,5;caf\xe9 in Paris;1;\n1;1,5;a plain tea;NA;\n"
    )
    (tmp_path / "b.csv").write_text("file;score;caption\n2;2,5;x\n")
    found = surveyed(tmp_path / "a.csv", tmp_path / "b.csv")
    told = "\n".join(found.notes)
    assert (
        "'score' has numbers with a decimal comma, so it is text; columns: {score: DOUBLE} reads them" in told
    )
    assert "is not UTF-8 and is read as Windows-1252: caption" in told
    assert "'tag' is read as INTEGER: 1 of its values count as unknown, such as 'NA'" in told
    assert "'tag' is unknown for all of b.csv: it has no such column" in told
    assert "left out, as it has no name: 1 column" in told


def test_a_bad_column_costs_only_itself(tmp_path: Path) -> None:
    cells = "さくら".encode("shift-jis")
    (tmp_path / "t.csv").write_bytes(b"file,caption,n\n0," + cells + b",1\n1,x,2\n")
    found = surveyed(tmp_path / "t.csv")
    assert found.types == {"n": "BIGINT"}
    assert found.left_out == {"caption": "contains text that is neither UTF-8 nor Windows-1252"}
    assert "caption" in found.notes[0]
    with pytest.raises(RecipeError, match=r"the column 'caption' of .* contains text that is neither"):
        surveyed(tmp_path / "t.csv", caption="VARCHAR")
    assert surveyed(tmp_path / "t.csv", n="BIGINT").types["n"] == "BIGINT"


def test_a_damaged_column_of_parquet_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {"file": ["0", "1"], "caption": ["a picture of a cat", "a picture of a dog"], "n": [1, 2]}
    pq.write_table(pa.table(columns), path, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(0).column(1).data_page_offset
    data[at : at + 12] = b"\xff" * 12
    path.write_bytes(data)
    found = surveyed(path)
    assert found.types == {"n": "BIGINT"}
    assert found.left_out["caption"].startswith("cannot be read: ")
    assert "caption" in found.notes[0]
    assert values(found, "n", path) == [1, 2]


def test_a_column_of_json_that_holds_lists_only_is_left_out(tmp_path: Path) -> None:
    found = surveyed(*write(tmp_path, ['["a"]', "null", '{"b": 1}']))
    assert found.left_out == {"v": "holds lists or structs"}


def test_of_two_names_that_differ_in_capitals_a_recipe_can_take_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("file,Score,score,FILE\n0,1,2,x\n")
    with pytest.raises(RecipeError, match="'Score' and 'score', which differ only in case"):
        surveyed(path)
    question = Question(("file",), "", (("score", "BIGINT"),), frozenset(["score"]))
    found = survey([path], question)
    assert values(found, "score", path) == [2]


def test_moments_name_their_zone_and_not_this_machines(tmp_path: Path) -> None:
    at = datetime.datetime(2024, 2, 1, 10, 30, tzinfo=datetime.UTC)
    paths = write(tmp_path, pa.array([at], pa.timestamp("s", tz="UTC")))
    assert values(surveyed(*paths), "v", *paths) == ["2024-02-01 10:30:00.000Z"]


def test_a_whole_table_is_read_with_its_key_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("id,score,tag\n00017,0.5,x\n1e5,2,\n")
    table = read_table(path, ["id"])
    assert table.to_pylist() == [
        {"id": "00017", "score": 0.5, "tag": "x"},
        {"id": "1e5", "score": 2.0, "tag": None},
    ]
    rows = [json.dumps({"id": "1", "tags": ["x"], "n": 1}) + "\n"]
    (tmp_path / "scores.jsonl").write_text("".join(rows))
    assert read_table(tmp_path / "scores.jsonl", ["id"]).column_names == ["id", "n"]
    with pytest.raises(RecipeError, match=r"'tags' of .* holds lists or structs"):
        read_table(tmp_path / "scores.jsonl", ["id"], ["tags"])
