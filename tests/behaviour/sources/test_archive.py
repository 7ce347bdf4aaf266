"""Archives: members become rows where they lie; hostile and damaged ones become rows with a reason."""

from __future__ import annotations

import gzip
import json
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from archives import add_special, make_tar, make_zip, reasons, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundglass.errors import REASONS, GroundglassError, ImageError, RecipeError
from groundglass.files.locators import read
from groundglass.sources.archive import archive_columns, kind_of, list_archives

PLAIN = [("a/1.jpg", b"one"), ("a/b/2.png", b"two" * 500), ("notes.txt", b"three"), ("empty.jpg", b"")]
MAKERS = {"zip": make_zip, "tar": make_tar}


@pytest.mark.parametrize("kind", MAKERS)
def test_every_member_is_a_row_that_reads_as_it_was(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / f"p.{kind}", PLAIN)
    found = rows(path)
    images = {f"p.{kind}/{name}": content for name, content in PLAIN if name != "notes.txt"}
    assert {uri: read(row["path"]) for uri, row in found.items()} == images
    for row in found.values():
        assert row["bytes"] == len(read(row["path"]))
        assert row["mtime_ns"] == path.stat().st_mtime_ns
    assert set(reasons(found).values()) == {None}
    assert sorted(item.name for item in tmp_path.iterdir()) == [f"p.{kind}"], "nothing is unpacked"


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_kept(tmp_path: Path, format: int) -> None:
    names = ["é/ü.jpg", "x" * 60 + "/" + "y" * 90 + ".jpg"]
    path = make_tar(tmp_path / "p.tar", [(name, b"x") for name in names], format)
    assert set(rows(path)) == {f"p.tar/{name}" for name in names}


def test_a_name_that_is_no_text_is_shown_with_its_bytes(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "p.tar", [("./a/\udcff.jpg", b"x")], tarfile.GNU_FORMAT)
    assert list(rows(path)) == ["p.tar/a/\\xff.jpg"]


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_both_rows(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / "p", [("a.jpg", b"first"), ("a.jpg", b"second"), ("a.jpg~2", b"third")])
    found = {uri: read(row["path"]) for uri, row in rows(path).items()}
    assert found == {"p/a.jpg": b"first", "p/a.jpg~3": b"second", "p/a.jpg~2": b"third"}


def test_several_archives_and_globs(tmp_path: Path) -> None:
    for name in ("s-0.tar", "s-1.tar"):
        make_tar(tmp_path / name, [("a/1.jpg", b"x"), ("2.png", b"y")])
    assert set(rows(tmp_path / "s-*.tar")) == {f"s-{n}.tar/{m}" for n in (0, 1) for m in ("a/1.jpg", "2.png")}
    assert set(rows(tmp_path / "s-*.tar", globs=["*.jpg"])) == {"s-0.tar/a/1.jpg", "s-1.tar/a/1.jpg"}
    (tmp_path / "x").mkdir()
    twin = make_tar(tmp_path / "x" / "s-0.tar", [("1.jpg", b"x")])
    assert len(rows(tmp_path / "s-0.tar", twin)) == 3


SHARD = [
    ("0001.jpg", b"jpeg"),
    (
        "0001.json",
        json.dumps({"caption": "a cat", "width": 3840, "licence": "CC0-1.0", "tags": ["x"]}).encode(),
    ),
    ("0001.cls", b"7\n"),
    ("0002.seg.png", b"mask"),
    ("0002.jpg", b"jpeg too"),
    ("0002.txt", b"ein Hund\n"),
    ("0002.json", b'{"width": "wide", "ratio": 1.5}'),
    ("0003.jpg", b"alone"),
    ("readme.txt", b"about all"),
]


@pytest.mark.parametrize("kind", MAKERS)
def test_what_lies_beside_a_picture_becomes_its_columns(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / "s", SHARD)
    types = archive_columns([str(path)])
    assert types == {
        "caption": "VARCHAR",
        "width": "VARCHAR",
        "licence": "VARCHAR",
        "tags": "VARCHAR",
        "cls": "VARCHAR",
        "ratio": "DOUBLE",
    }
    found = rows(path, types=types | {"width": "BIGINT"})
    assert set(found) == {f"s/{n}" for n in ("0001.jpg", "0002.seg.png", "0002.jpg", "0003.jpg")}
    first = {name: found["s/0001.jpg"][f"meta.{name}"] for name in types}
    assert first == {
        "caption": "a cat",
        "width": 3840,
        "licence": "CC0-1.0",
        "tags": '["x"]',
        "cls": "7",
        "ratio": None,
    }
    for name in ("0002.jpg", "0002.seg.png"):
        row = found[f"s/{name}"]
        assert (row["meta.caption"], row["meta.ratio"], row["meta.width"]) == ("ein Hund", 1.5, None)
    assert found["s/0003.jpg"]["meta.caption"] is None


def test_a_broken_companion_costs_only_its_columns(tmp_path: Path) -> None:
    deep = b"[" * 100_000
    shard = [("1.jpg", b"x"), ("1.json", b"{"), ("2.jpg", b"y"), ("2.json", deep), ("3.jpg", b"z")]
    shard += [("3.json", b"\x89PNG\0"), ("4.jpg", b"w"), ("4.txt", b"\xff\xfea"), ("5.jpg", b"v")]
    shard += [("5.txt", b"x" * (1 << 21)), ("6.jpg", b"u"), ("6.txt", b"sound")]
    path = make_tar(tmp_path / "s.tar", shard)
    assert archive_columns([str(path)]) == {"caption": "VARCHAR"}
    found = rows(path, types={"caption": "VARCHAR"})
    assert set(reasons(found).values()) == {None}
    assert [row["meta.caption"] for row in found.values()] == [None] * 5 + ["sound"]
    assert all("cannot be used" in row["detail"] for uri, row in found.items() if uri != "s.tar/6.jpg")


UNSAFE = ["../up.jpg", "a/../../up.jpg", "/etc/passwd", "C:/x.jpg", "c:x.jpg", "a\nb.jpg"]
UNSAFE_IN_ZIPS = ["..\\up.jpg", "a\\..\\..\\up.jpg", "\\etc\\up.jpg", "C:\\x.jpg", "\\\\server\\x.jpg"]


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("name", UNSAFE)
def test_names_that_lead_out_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    found = rows(MAKERS[kind](tmp_path / "p", [("good.jpg", b"x"), (name, b"y")]))
    assert reasons(found) == {"p/good.jpg": None, f"p/{name}": "unsafe_name"}
    assert all(found[f"p/{name}"][key] is None for key in ("bytes", "mtime_ns"))


def test_a_zip_of_windows_has_folders_and_no_way_out(tmp_path: Path) -> None:
    """PowerShell writes backslashes between folders."""
    path = make_zip(tmp_path / "p.zip", [("a\\b\\1.jpg", b"x"), ("a\\b\\1.txt", b"a cat"), ("a\\", b"")])
    (row,) = rows(path, types={"caption": "VARCHAR"}).values()
    assert (row["uri"], row["error"], row["meta.caption"]) == ("p.zip/a/b/1.jpg", None, "a cat")
    assert read(row["path"]) == b"x"
    found = reasons(rows(make_zip(tmp_path / "u.zip", [(name, b"y") for name in UNSAFE_IN_ZIPS])))
    assert set(found.values()) == {"unsafe_name"}
    assert len(found) == len(UNSAFE_IN_ZIPS)
    tar = make_tar(tmp_path / "p.tar", [("a\\b.jpg", b"x")])
    assert reasons(rows(tar)) == {"p.tar/a\\b.jpg": "unsafe_name"}, "in a tar it belongs to no name"


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "p.tar", [("good.jpg", b"x")])
    kinds = {
        "sym": tarfile.SYMTYPE,
        "hard": tarfile.LNKTYPE,
        "chr": tarfile.CHRTYPE,
        "fifo": tarfile.FIFOTYPE,
    }
    for name, kind in kinds.items():
        add_special(path, f"{name}.jpg", kind, "/etc/passwd")
    add_special(path, "folder", tarfile.DIRTYPE)
    expected = {f"p.tar/{name}.jpg": "unsafe_name" for name in kinds} | {"p.tar/good.jpg": None}
    assert reasons(rows(path)) == expected
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as archive:
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.mkdir("folder")
    assert reasons(rows(tmp_path / "l.zip")) == {"l.zip/link.jpg": "unsafe_name"}


def patched(path: Path, signature: bytes, at: int, value: bytes) -> Path:
    """A zip with bytes of its first header of a kind replaced."""
    data = bytearray(path.read_bytes())
    start = data.index(signature) + at
    data[start : start + len(value)] = value
    path.write_bytes(data)
    return path


def test_encrypted_and_foreign_packing_is_refused(tmp_path: Path) -> None:
    path = patched(make_zip(tmp_path / "e.zip", [("a.jpg", b"x")]), b"PK\1\2", 8, b"\1\0")
    row = rows(path)["e.zip/a.jpg"]
    assert (row["error"], row["detail"]) == ("unreadable", "encrypted")
    for method, name in ((zipfile.ZIP_LZMA, "LZMA"), (zipfile.ZIP_BZIP2, "bzip2")):
        row = rows(make_zip(tmp_path / "m.zip", [("a.jpg", b"x" * 99)], method))["m.zip/a.jpg"]
        assert row["error"] == "unsupported"
        assert name in row["detail"]
    path = patched(make_zip(tmp_path / "u.zip", [("a.jpg", b"x")]), b"PK\1\2", 10, struct.pack("<H", 77))
    assert "method 77" in rows(path)["u.zip/a.jpg"]["detail"]


def test_bombs_are_refused_by_what_they_declare(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "b.zip", [("bomb.png", bytes(80 << 20)), ("good.png", os.urandom(100))])
    assert path.stat().st_size < 100_000
    assert reasons(rows(path)) == {"b.zip/bomb.png": "too_large", "b.zip/good.png": None}
    path = patched(
        make_zip(tmp_path / "d.zip", [("a.jpg", b"x" * 99)]), b"PK\1\2", 24, struct.pack("<L", 2**31)
    )
    assert reasons(rows(path)) == {"d.zip/a.jpg": "too_large"}


def test_a_bomb_that_lies_about_its_size_is_not_unpacked(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "b.zip", [("bomb.png", bytes(80 << 20))])
    patched(path, b"PK\1\2", 24, struct.pack("<L", 5000))
    row = rows(path)["b.zip/bomb.png"]
    assert row["error"] is None
    with pytest.raises(ImageError) as caught:
        read(row["path"])
    assert caught.value.reason == "too_large"


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """The zip bomb that does not nest: many names for one packed kernel."""
    path = make_zip(tmp_path / "o.zip", [("a.jpg", os.urandom(500)), ("b.jpg", os.urandom(500))])
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\1\2")
    data[second + 42 : second + 46] = struct.pack("<L", 10)
    path.write_bytes(data)
    assert reasons(rows(path)) == {"o.zip/a.jpg": None, "o.zip/b.jpg": "too_large"}


def test_a_truncated_zip_lists_what_is_whole(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "t.zip", [(f"{n}.jpg", os.urandom(1000)) for n in range(5)])
    whole = {uri: read(row["path"]) for uri, row in rows(path).items()}
    os.truncate(path, 3500)
    found = rows(path)
    assert found.pop("t.zip")["error"] == "truncated"
    assert list(found) == ["t.zip/0.jpg", "t.zip/1.jpg", "t.zip/2.jpg"]
    assert all(read(row["path"]) == whole[uri] for uri, row in found.items())


@pytest.mark.parametrize(("length", "whole"), [(512 + 100, 0), (3000, 1), (3 * 1536 + 200, 3), (3 * 1536, 3)])
def test_a_truncated_tar_lists_what_is_whole(tmp_path: Path, length: int, whole: int) -> None:
    path = make_tar(tmp_path / "t.tar", [(f"{n}.jpg", os.urandom(1000)) for n in range(5)])
    os.truncate(path, length)
    found = rows(path)
    good = [uri for uri, row in found.items() if row["error"] is None]
    assert good == [f"t.tar/{n}.jpg" for n in range(whole)]
    assert all(len(read(found[uri]["path"])) == 1000 for uri in good)
    if length % 1536:
        assert "truncated" in reasons(found).values()


def test_a_header_damaged_in_the_middle_is_told(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "t.tar", [(f"{n}.jpg", os.urandom(1000)) for n in range(5)])
    with path.open("r+b") as file:
        file.seek(2 * 1536)
        file.write(b"\xaa" * 512)
    assert reasons(rows(path)) == {"t.tar": "corrupt", "t.tar/0.jpg": None, "t.tar/1.jpg": None}


def test_a_tar_that_points_backwards_ends(tmp_path: Path) -> None:
    """A negative size sends a reader back to the same header for ever."""
    path = make_tar(tmp_path / "t.tar", [("a.jpg", b"x"), ("b.jpg", b"y")])
    data = bytearray(path.read_bytes())
    header = data[1024:1536]
    header[124:136] = tarfile.itn(-1024, 12, tarfile.GNU_FORMAT)  # type: ignore[attr-defined]
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    data[1024:1536] = header
    path.write_bytes(data)
    assert reasons(rows(path)) == {"t.tar": "corrupt", "t.tar/a.jpg": None}


def test_compressed_tars_are_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "t.tar", [("a.jpg", b"x")])
    packed = tmp_path / "t.tar.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for names in ([packed], [path, packed]):
        with pytest.raises(RecipeError) as caught:
            list_archives([str(name) for name in names])
        assert "gzip" in caught.value.message
        assert f"gzip -dk {packed}" in caught.value.hint


def test_what_is_no_archive_is_refused_and_one_bad_shard_is_a_row(tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar"
    bad.write_bytes(b"not an archive at all" * 100)
    with pytest.raises(RecipeError, match="neither a zip nor a tar"):
        list_archives([str(bad)])
    good = make_tar(tmp_path / "good.tar", [("a.jpg", b"x")])
    (tmp_path / "empty.tar").write_bytes(b"")
    found = reasons(rows(good, bad, tmp_path / "empty.tar"))
    assert found == {"bad.tar": "corrupt", "empty.tar": "corrupt", "good.tar/a.jpg": None}
    for name in ("none.zip", "no-*.tar"):
        with pytest.raises(RecipeError, match="there is no archive"):
            list_archives([str(tmp_path / name)])
    with pytest.raises(RecipeError, match="is a folder"):
        list_archives([str(tmp_path)])


def test_content_decides_what_an_archive_is(tmp_path: Path) -> None:
    assert kind_of(make_zip(tmp_path / "a.tar", [("a", b"x")])) == "zip"
    assert kind_of(make_tar(tmp_path / "a.zip", [("a", b"x")])) == "tar"
    assert kind_of(make_zip(tmp_path / "none.zip", [])) == "zip"


def listed_or_refused(path: Path) -> None:
    """Listing and reading end in rows with known reasons, or in one of our own errors."""
    try:
        types = archive_columns([str(path)])
        found = list_archives([str(path)], (), types).to_pylist()
    except GroundglassError:
        return
    for row in found:
        assert row["error"] is None or row["error"] in REASONS
        if row["error"] is None:
            try:
                assert len(read(row["path"])) == row["bytes"]
            except ImageError:
                continue


HOSTILE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@HOSTILE
@given(
    start=st.sampled_from([b"", b"PK\3\4", b"PK\5\6", b"a.jpg" + bytes(95) + b"0000644\0"]), data=st.binary()
)
def test_random_bytes_raise_nothing_of_others(tmp_path: Path, start: bytes, data: bytes) -> None:
    path = tmp_path / "r"
    path.write_bytes(start + data)
    listed_or_refused(path)


@pytest.mark.parametrize("kind", MAKERS)
@HOSTILE
@given(places=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6))
def test_damaged_archives_raise_nothing_of_others(
    tmp_path: Path, kind: str, places: list[tuple[float, bytes]]
) -> None:
    path = MAKERS[kind](
        tmp_path / f"d.{kind}", [("a.jpg", b"x" * 300), ("a.json", b'{"w": 1}'), ("b.jpg", b"y")]
    )
    data = bytearray(path.read_bytes()[:2600])
    for share, junk in places:
        at = int(share * len(data))
        data[at : at + len(junk)] = junk
    path.write_bytes(data)
    listed_or_refused(path)
