"""A table's paths are found as Linux, Windows, macOS and URLs write them, and Hugging Face's structs without bytes."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from groundglass.files.locators import read
from groundglass.sources.table_columns import ImageColumn
from groundglass.sources.table_listing import list_tables
from groundglass.sources.table_paths import named_file


def found(folder: Path, text: str) -> str | bytes:
    """The content of the file that a text names, or the error."""
    file = named_file(bytes(folder), text)
    return file.error or read(file.path)


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.name.encode())


PARTS = st.text(st.sampled_from("abéüñ한 ％%#?&+'~.-_"), min_size=1, max_size=6).filter(
    lambda t: t.strip(". ")
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(folder=PARTS, name=PARTS, on_disk=st.sampled_from(["NFC", "NFD"]), mixed=st.booleans())
def test_every_way_of_writing_a_path_finds_the_file(
    tmp_path: Path, folder: str, name: str, on_disk: str, mixed: bool
) -> None:
    other = "NFC" if on_disk == "NFD" else "NFD"
    where = unicodedata.normalize(other if mixed else on_disk, folder)
    path = tmp_path / where / (unicodedata.normalize(on_disk, name) + ".jpg")
    assume(not path.parent.exists() or path.parent.is_dir())
    put(path)
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, f"{folder}/{name}.jpg")
        relative = unicodedata.normalize(form, str(tmp_path / text))
        for written in (text, text.replace("/", "\\"), f".\\{text}", relative, Path(relative).as_uri()):
            said = found(tmp_path, written)
            assert isinstance(said, bytes)
            assert unicodedata.normalize("NFC", said.decode()) == unicodedata.normalize("NFC", path.name)


def test_the_name_as_it_stands_comes_first(tmp_path: Path) -> None:
    put(tmp_path / "img\\0.jpg")
    put(tmp_path / "img/0.jpg")
    assert found(tmp_path, "img\\0.jpg") == b"img\\0.jpg"
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "é.jpg")
        put(tmp_path / name)
        assert found(tmp_path, name) == name.encode()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("file://other-machine/a.jpg", "vanished"),
        ("file:///no/such/a.jpg", "vanished"),
        ("file:///a%00.jpg", "vanished"),
        ("C:\\photos\\a.jpg", "vanished"),
        ("https://example.org/a.jpg", "unsupported"),
        ("é" * 300 + ".jpg", "unreadable"),
        ("file://[", "vanished"),
    ],
)
def test_what_names_no_file_has_a_reason(tmp_path: Path, text: str, error: str) -> None:
    assert found(tmp_path, text) == error


def test_a_drive_of_windows_is_told(tmp_path: Path) -> None:
    detail = named_file(bytes(tmp_path), "C:\\photos\\a.jpg").detail
    assert detail == "a path with a Windows drive: write it relative to the table's folder"


@pytest.mark.parametrize("statistics", [True, False])
def test_a_struct_without_bytes_stands_for_the_file_at_its_path(tmp_path: Path, statistics: bool) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        put(tmp_path / "img" / name)
    groups = [
        [{"bytes": b"inside", "path": "img/a.jpg"}, {"bytes": b"too", "path": "img/gone.jpg"}],
        [{"bytes": None, "path": "img/b.jpg"}, {"bytes": b"inside", "path": "img/c.jpg"}],
        [{"bytes": None, "path": "img/gone.jpg"}, None],
        [{"bytes": None, "path": "img\\c.jpg"}, {"bytes": None, "path": None}],
    ]
    images = pa.array([image for group in groups for image in group])
    pq.write_table(
        pa.table({"image": images}), tmp_path / "t.parquet", row_group_size=2, write_statistics=statistics
    )
    listing = list_tables([str(tmp_path / "t.parquet")], ImageColumn("image", embedded=True)).to_pylist()
    said = {row["uri"].removeprefix("t.parquet/"): row["error"] or row["path"] for row in listing}
    assert said.pop("img/gone.jpg~2") == "vanished"
    assert {uri: read(path) for uri, path in said.items() if not uri.startswith("0")} == {
        "img/a.jpg": b"inside",
        "img/gone.jpg": b"too",
        "img/b.jpg": b"b.jpg",
        "img/c.jpg": b"inside",
        "img\\c.jpg": b"c.jpg",
    }
    assert sorted(uri for uri in said if uri.startswith("0")) == ["000000005", "000000007"]


def test_a_struct_whose_bytes_have_no_type_is_read(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg")
    pq.write_table(pa.table({"image": [{"bytes": None, "path": "a.jpg"}]}), tmp_path / "t.parquet")
    (row,) = list_tables([str(tmp_path / "t.parquet")], ImageColumn("image", embedded=True)).to_pylist()
    assert read(row["path"]) == b"a.jpg"
