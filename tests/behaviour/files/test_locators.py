"""Every locator gives the bytes that were put there, or the reason why it cannot; never more than was declared."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import ImageError
from groundglass.files import locators
from groundglass.files.hashes import sha256_of
from groundglass.tables.parquet import path_to_bytes


def zipped(folder: Path, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> tuple[Path, bytes]:
    """An archive of one member, and its locator."""
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("first.txt", "before it")
        archive.writestr("a.bin", content)
        info = archive.getinfo("a.bin")
    where = (info.header_offset, info.compress_size, info.file_size, info.compress_type, info.CRC)
    return path, locators.zip_member(path_to_bytes(path), *where)


def reason(locator: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        locators.read(locator)
    return caught.value.reason


def test_a_path_is_its_own_locator(tmp_path: Path) -> None:
    path = tmp_path / "odd \udcff name.jpg"
    path.write_bytes(b"content")
    locator = path_to_bytes(path)
    assert locators.read(locator) == b"content"
    assert locators.file_of(locator) == locator
    assert reason(path_to_bytes(tmp_path / "none")) == "vanished"
    assert reason(path_to_bytes(tmp_path)) == "unreadable"


def test_a_part_is_read_from_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"0123456789")
    raw = path_to_bytes(path)
    assert locators.read(locators.part_of(raw, 3, 4)) == b"3456"
    assert locators.read(locators.part_of(raw, 3, 0)) == b""
    assert reason(locators.part_of(raw, 8, 4)) == "truncated"
    assert reason(locators.part_of(raw + b"x", 0, 1)) == "vanished"
    assert locators.file_of(locators.part_of(raw, 3, 4)) == raw


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("content", [b"", b"x", bytes(100_000), os.urandom(5000)])
def test_a_zip_member_is_what_was_packed(tmp_path: Path, method: int, content: bytes) -> None:
    assert locators.read(zipped(tmp_path, content, method)[1]) == content


def test_a_flipped_bit_of_a_member_never_gives_another_content(tmp_path: Path) -> None:
    content = b"a picture of sorts " * 20
    path, locator = zipped(tmp_path, content)
    whole = path.read_bytes()
    start = whole.index(b"a.bin") + len("a.bin")
    end = start + int(locator.partition(b"\0")[2].split()[2])
    found: list[str] = []
    for place in range(start, end):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            assert locators.read(locator) == content  # the bits after the last word mean nothing
        except ImageError as error:
            found.append(error.reason)
    assert set(found) <= {"corrupt", "truncated", "too_large"}
    assert len(found) >= end - start - 2


def test_an_archive_cut_off_is_truncated(tmp_path: Path) -> None:
    path, locator = zipped(tmp_path, os.urandom(2000))
    os.truncate(path, 1500)
    assert reason(locator) == "truncated"
    os.truncate(path, 20)
    assert reason(locator) == "corrupt"


def test_a_member_that_holds_more_than_it_declares_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = bomb.compress(bytes(200 << 20)) + bomb.flush()
    with pytest.raises(ImageError, match="declares") as caught:
        locators.inflate(raw, 1000)
    assert caught.value.reason == "too_large"
    path = tmp_path / "b.zip"
    path.write_bytes(struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(raw), 1000, 0, 0) + raw)
    assert reason(locators.zip_member(path_to_bytes(path), 0, len(raw), 1000, 8, 0)) == "too_large"


@given(raw=st.binary(max_size=200), size=st.integers(0, 300))
def test_whatever_is_inflated_has_its_size_or_a_reason(raw: bytes, size: int) -> None:
    try:
        found = len(locators.inflate(raw, size))
    except ImageError as error:
        found = size if error.reason in ("corrupt", "truncated", "too_large") else -1
    assert found == size


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [f"picture {n}".encode() for n in range(100)]
    nested = [{"bytes": row, "path": None} for row in rows]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"plain": [*rows[:-1], None], "image": nested}), path, row_group_size=30)
    return path


@pytest.mark.parametrize("column", ["plain", "image.bytes"])
def test_cells_are_read_in_any_order(table: Path, column: str) -> None:
    raw = path_to_bytes(table)
    for number in [0, 1, 5, 29, 28, 3, 30, 98, 60, 29, 29, 0]:
        locator = locators.cell(raw, number // 30, number % 30, column)
        assert locators.read(locator) == f"picture {number}".encode()


def test_a_cell_that_is_not_there_has_a_reason(table: Path, tmp_path: Path) -> None:
    raw = path_to_bytes(table)
    assert reason(locators.cell(raw, 3, 9, "plain")) == "empty"
    assert reason(locators.cell(raw, 3, 10, "plain")) == "corrupt"
    assert reason(locators.cell(raw, 4, 0, "plain")) == "corrupt"
    assert reason(locators.cell(raw, 0, 0, "none")) == "corrupt"
    assert reason(locators.cell(raw + b"x", 0, 0, "plain")) == "vanished"
    (tmp_path / "junk").write_bytes(b"PAR1 and then nothing PAR1")
    assert reason(locators.cell(path_to_bytes(tmp_path / "junk"), 0, 0, "plain")) == "corrupt"


def test_sorted_locators_are_in_the_order_of_reading() -> None:
    parts = [locators.part_of(b"/a", offset, 1) for offset in (0, 9, 10, 512, 10**10)]
    cells = [locators.cell(b"/a", group, row, "x") for group in (0, 9, 10) for row in (0, 9, 10, 1000)]
    assert sorted(parts) == parts
    assert sorted(cells) == cells


def test_a_replaced_archive_is_opened_again(tmp_path: Path, table: Path) -> None:
    path = tmp_path / "a.tar"
    for content in (b"before", b"after!"):
        new = tmp_path / "new"
        new.write_bytes(content)
        new.replace(path)
        assert locators.read(locators.part_of(path_to_bytes(path), 0, 6)) == content
    pq.write_table(pa.table({"plain": [b"new"]}), tmp_path / "other.parquet")
    locator = locators.cell(path_to_bytes(table), 0, 0, "plain")
    assert locators.read(locator) == b"picture 0"
    (tmp_path / "other.parquet").replace(table)
    assert locators.read(locator) == b"new"


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_many_archives_leave_few_open(tmp_path: Path) -> None:
    before = open_files()
    for number in range(50):
        path = tmp_path / f"{number}.tar"
        path.write_bytes(b"x")
        locators.read(locators.part_of(path_to_bytes(path), 0, 1))
    assert open_files() <= before + 8


def test_what_was_listed_is_read_and_anything_else_is_changed(tmp_path: Path) -> None:
    path, locator = zipped(tmp_path, b"content " * 50)
    time, hashed = path.stat().st_mtime_ns, sha256_of(b"content " * 50)
    assert locators.changed_at(locator) == time
    for size, sha256 in ((400, None), (None, None), (400, hashed)):
        assert locators.read_listed(locator, size, time, sha256)
    assert locators.read_listed(locator, None, None, hashed)
    assert locators.read_listed(locator, 400, time + 1, hashed), "touched, but the same"
    for size, when, sha256 in (
        (399, time, None),
        (400, time + 1, None),
        (None, None, "0" * 64),
        (None, None, None),
    ):
        with pytest.raises(ImageError) as caught:
            locators.read_listed(locator, size, when, sha256)
        assert caught.value.reason == "changed"


def test_damage_counts_as_a_change_only_where_it_is_one(tmp_path: Path) -> None:
    path, locator = zipped(tmp_path, b"content " * 50)
    path.write_bytes(bytes(1000))
    time = path.stat().st_mtime_ns
    for when, sha256, expected in (
        (time, None, "corrupt"),
        (time - 1, None, "changed"),
        (time, "0" * 64, "changed"),
    ):
        with pytest.raises(ImageError) as caught:
            locators.read_listed(locator, 400, when, sha256)
        assert caught.value.reason == expected
    path.unlink()
    with pytest.raises(ImageError) as caught:
        locators.read_listed(locator, 400, time, "0" * 64)
    assert caught.value.reason == "vanished"
