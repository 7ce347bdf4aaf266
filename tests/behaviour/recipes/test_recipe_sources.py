"""What a source's place holds is looked up in plan: columns, types and paths, with the nearest word."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recipe_files import write

from groundglass.errors import RecipeError
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import Plan, make_plan


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a table, a table of URLs and a shard."""
    monkeypatch.chdir(tmp_path)
    rows = {"file": ["a.jpg"], "WIDTH": [3840], "caption": ["a cat"], "image": [b"x"], "tags": [["x"]]}
    pq.write_table(
        pa.table(rows | {"url": ["https://example.org/a.jpg"], "Licence": ["CC0-1.0"]}), "list.parquet"
    )
    Path("list.csv").write_text("file,WIDTH\na.jpg,wide\n")
    Path("packed.tar.gz").write_bytes(b"\x1f\x8b\x08rest")
    with tarfile.open("shard.tar", "w") as tar:
        for name, content in (("1.jpg", b"x"), ("1.json", b'{"caption": "a dog", "score": 0.5}')):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return tmp_path


def plan(*steps: str) -> Plan:
    text = "name: x\nsteps:\n" + "".join(f"  - {step}\n" for step in steps)
    return make_plan(load_recipe(write(Path.cwd(), text)))


def meta(*sources: str) -> dict[str, str]:
    """The meta columns that a step after these sources can name."""
    planned = plan(*(f"source: {{{source}}}" for source in sources), "select: {where: 'width > 0'}")
    return dict(planned.steps[-1].scope.meta or {})


def test_what_comes_with_the_pictures_can_be_named() -> None:
    every = {"WIDTH": "BIGINT", "caption": "VARCHAR", "url": "VARCHAR"}
    assert meta("table: list.parquet, path: file") == every
    assert meta("table: list.parquet, bytes: image") == every | {"file": "VARCHAR"}
    assert meta("table: list.parquet, path: file, columns: {WIDTH: TEXT}") == {"WIDTH": "VARCHAR"}
    assert meta("table: list.parquet, path: file, licence: CC0-1.0") == every | {"Licence": "VARCHAR"}
    assert meta("archive: shard.tar") == {"caption": "VARCHAR", "score": "DOUBLE"}
    assert meta("archive: shard.tar, columns: {score: INTEGER}") == {"score": "BIGINT"}
    both = meta("archive: shard.tar", "table: list.parquet, path: file")
    assert both == every | {"score": "DOUBLE"}
    assert plan("source: {archive: shard.tar}", "select: {where: \"meta.caption like '%dog%'\"}")


def test_a_licence_column_stands_for_the_licence() -> None:
    release = "release: {format: folder}"
    assert plan("source: {table: list.parquet, path: file}", release)
    assert plan("source: {table: list.csv, path: file, licence: CC0-1.0}", release)
    with pytest.raises(RecipeError, match="licence of source-1 is unknown"):
        plan("source: {table: list.csv, path: file}", release)


def test_a_field_that_no_picture_has_is_noted() -> None:
    notes = plan("source: {archive: shard.tar, columns: {captoin: TEXT}}").notes
    assert notes[0] == "source-1: no image has 'captoin' in a file next to it. Did you mean 'caption'?"
    assert "columns left out, since `columns` does not name them: caption" in notes[1]


FAULTS = [
    ("table: list.parquet, path: flie", "has no column 'flie'; did you mean `file`?", "flie"),
    ("table: list.parquet, bytes: imag", "has no column 'imag'; did you mean `image`?", "imag"),
    ("table: list.parquet, path: WIDTH", "the column 'WIDTH' holds int64, not paths", "WIDTH"),
    ("table: list.parquet, bytes: caption", "the column 'caption' holds string, not bytes", "caption"),
    ("table: list.csv, bytes: file", "only Parquet tables can hold bytes", "file"),
    (
        "table: list.parquet, path: url",
        "holds URLs (https://example.org/a.jpg), which are not supported yet",
        "url",
    ),
    (
        "table: list.parquet, path: file, columns: {widht: TEXT}",
        "has no column 'widht'; did you mean `WIDTH`?",
        "widht",
    ),
    ("table: list.parquet, path: file, columns: {tags: INTEGER}", "holds lists or structs", "tags"),
    ("table: list.parquet, path: file, where: width > 512", "there is no column 'width'", ""),
    ("table: list.csv, path: file, where: WIDTH > 512", "'WIDTH' is text, but 512 is a number", ""),
    ("table: list.parquet, path: file, where: WIDTH", "gives a number, not true or false", ""),
    ("archive: shard.tar, where: scroe > 0.5", "there is no column 'scroe'", ""),
    ("table: none.csv, path: file", "there is no table", ""),
    ("archive: none.zip", "there is no archive", ""),
    ("archive: list.csv", "neither a zip nor a tar file", ""),
    ("archive: packed.tar.gz", "compressed by gzip", ""),
    ("table: shard.tar, path: file", "not a table in a format", ""),
]


@pytest.mark.parametrize(("source", "says", "under"), FAULTS)
def test_a_fault_of_a_place_is_told_in_plan(source: str, says: str, under: str) -> None:
    with pytest.raises(RecipeError) as caught:
        plan(f"source: {{{source}}}")
    first, line, caret = caught.value.message.split("\n")
    assert says in first
    assert ":3:" in first
    start, end = caret.index("^"), caret.rindex("^") + 1
    assert not under or line[start:end] == under


def test_a_column_has_one_type_in_all_sources() -> None:
    first = "source: {table: list.parquet, path: file}"
    with pytest.raises(RecipeError, match="an earlier source has meta") as caught:
        plan(first, "source: {archive: shard.tar, columns: {Caption: TEXT}}")
    assert "state one type" in caught.value.hint
    assert plan(first, "source: {table: list.csv, path: file, columns: {WIDTH: INTEGER}}")
