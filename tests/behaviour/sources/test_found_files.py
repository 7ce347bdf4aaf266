"""Folders and archives are sorted alike: images, the texts and facts beside them, and what is neither."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from archives import make_tar, make_zip
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.sources.archive import look_into_archives
from groundglass.sources.folder import Folder, look_into_folders
from groundglass.sources.found_files import FoundFiles
from groundglass.sources.sidecar_columns import mixed_in_words
from groundglass.sources.system_files import FILES, FOLDERS
from groundglass.tables.parquet import bytes_to_path

PNG = testing.png(testing.flat(8, 8))


def fill(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def seen(found: FoundFiles, prefix: str = "") -> list[dict[str, Any]]:
    """The rows with their columns, places aside."""
    rows = found.listing(found.columns.types).to_pylist()
    kept = ("uri", "bytes", "error", "detail")
    return [
        {
            name: value.removeprefix(prefix) if name == "uri" else value
            for name, value in row.items()
            if name in kept or name.startswith("meta.")
        }
        for row in rows
    ]


def facts(folder: Path) -> dict[str, dict[str, Any]]:
    """By uri what lies beside each image."""
    return {
        row["uri"]: {
            name.removeprefix("meta."): value
            for name, value in row.items()
            if name.startswith("meta.") and value is not None
        }
        for row in seen(look_into_folders([str(folder)]))
    }


# --- one way for both -------------------------------------------------------------------------------------------------

SIGNS = "aÄéß日-_ .'\"$&;()[]{}#%@!~+=,^`"
STEMS = st.text(SIGNS, min_size=1, max_size=8).map(lambda text: text.strip(". ") or "a")
FORMS = st.sampled_from(["NFC", "NFD"])
NAMES = st.builds(
    lambda stem, form, dash, dot: dash + dot + unicodedata.normalize(form, stem),
    STEMS,
    FORMS,
    st.sampled_from(["", "", "-", "--"]),
    st.sampled_from(["", "", "."]),
)
IMAGE_ENDINGS = st.sampled_from([".jpg", ".PNG", ".seg.png", ".webp", ".jpeg", ""])
SIDECAR_ENDINGS = st.sampled_from(
    [".txt", ".caption", ".json", ".jpg.txt", ".caption.txt", ".meta.json", ".cls", ".TXT", ".jpg.json"]
)
SYSTEM = st.sampled_from(
    [".DS_Store", "Thumbs.db", "@eaDir/a.jpg/thumb.jpg", "__MACOSX/._a.jpg", "._a.jpg", "desktop.ini"]
)
OTHER = st.sampled_from(["README", "notes.md", "list.csv", "film.mp4", "page.url", "a.pdf"])
VALUES = st.one_of(st.integers(-5, 2**70), st.floats(), st.booleans(), st.text(max_size=5), st.none())
OBJECTS = st.dictionaries(
    st.text("abAB.\" é'", min_size=1, max_size=3), st.one_of(VALUES, st.lists(VALUES)), max_size=3
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
CONTENTS = st.one_of(
    st.builds(lambda text, codec: text.encode(codec), TEXTS, CODECS),
    st.builds(lambda value, codec: json.dumps(value).encode(codec), st.one_of(OBJECTS, VALUES), CODECS),
    st.just(b"caf\xe9 in a garden"),
    st.binary(max_size=9),
)
FOLDER_NAMES = st.sampled_from(["", "", "a b/", "ü/", "a.b/-c/"])


@st.composite
def folders(draw: st.DrawFn) -> dict[str, bytes]:
    """Files by their names: images, and beside some of them texts; files of systems and others."""
    files: dict[str, bytes] = {}
    for _ in range(draw(st.integers(1, 4))):
        stem = draw(FOLDER_NAMES) + draw(NAMES)
        files[stem + draw(IMAGE_ENDINGS)] = draw(st.sampled_from([PNG, PNG, b"no image"]))
        for ending in draw(st.lists(SIDECAR_ENDINGS, max_size=3)):
            files[stem + ending] = draw(CONTENTS)
    for name in draw(st.lists(st.one_of(SYSTEM, OTHER), max_size=3)):
        files[draw(FOLDER_NAMES) + name] = draw(st.one_of(st.just(PNG), CONTENTS))
    return files


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(files=folders())
def test_a_folder_its_zip_and_its_tar_give_the_same_rows_and_columns(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    place = tmp_path_factory.mktemp("same")
    fill(place / "f", files)
    members = sorted(files.items(), key=lambda pair: pair[0][::-1])  # an order of its own
    plain = look_into_folders([str(place / "f")])
    zipped = look_into_archives([str(make_zip(place / "z.zip", members))])
    tarred = look_into_archives([str(make_tar(place / "t.tar", members))])
    rows = seen(plain)
    assert str(rows) == str(seen(zipped, "z.zip/")) == str(seen(tarred, "t.tar/"))  # a NaN is like no other
    assert plain.columns.types == zipped.columns.types == tarred.columns.types
    for archive in (zipped, tarred):
        said = [note.replace("t.tar/", "").replace("z.zip/", "") for note in archive.notes]
        assert said == list(plain.notes)
    named = {row["uri"] for row in rows} | set(plain.skipped["uri"].to_pylist())
    assert all(name in named for name in files if name.lower().endswith((".jpg", ".png")) and "/" not in name)


# --- systems and others -----------------------------------------------------------------------------------------------


def an_example_of(pattern: str) -> str:
    return pattern.replace("[0-9][0-9][0-9]", "000").replace("[0-9a-f]*", "0a").replace("*", "x")


@pytest.mark.parametrize("pattern", [*FOLDERS, *FILES])
def test_what_systems_lay_there_is_skipped_and_counted(tmp_path: Path, pattern: str) -> None:
    name = an_example_of(pattern)
    inside = f"{name}/1.jpg" if pattern in FOLDERS else name
    files = {"a.jpg": PNG, f"sub/{inside}": PNG, f"sub/{inside.upper()}": PNG}
    found = look_into_folders([str(fill(tmp_path / "f", files))])
    assert [image.uri for image in found.images] == ["a.jpg"]
    shown = pattern.replace("\r", "\\r")
    count = len({name, name.upper()})
    assert found.notes == (f"skipped files of operating systems and programs: {shown} {count}",)
    zipped = look_into_archives([str(make_zip(tmp_path / "z.zip", list(files.items())))])
    unsafe = any(ord(sign) < 32 or sign == ":" for sign in name)
    assert unsafe or zipped.notes == found.notes


@pytest.mark.parametrize(
    "name", ["a.DS_Store.jpg", "eaDir/1.jpg", "Trash/1.jpg", "my._photo.jpg", "Cache/1.jpg"]
)
def test_what_is_only_called_alike_is_an_image(tmp_path: Path, name: str) -> None:
    found = look_into_folders([str(fill(tmp_path, {name: PNG}))])
    assert [image.uri for image in found.images] == [name]


def test_a_system_s_folder_that_is_named_itself_is_taken(tmp_path: Path) -> None:
    fill(tmp_path, {".thumbnails/1.jpg": PNG})
    assert len(look_into_folders([str(tmp_path / ".thumbnails")]).images) == 1
    assert not look_into_folders([str(tmp_path)]).images


def test_other_files_are_no_rows_and_counted_by_their_endings(tmp_path: Path) -> None:
    others = {
        "README": b"about",
        "a.md": b"# a",
        "b.md": b"BMW",
        "c.mp4": b"\0\0\0\x18ftypmp42",
        "d.pdf": b"%PDF-1",
    }
    found = look_into_folders([str(fill(tmp_path, {"a.jpg": PNG, "empty": b"", **others}))])
    assert [image.uri for image in found.images] == ["a.jpg"]
    assert found.notes == ("6 files skipped, not an image: md 2, no ending 2, mp4 1, pdf 1",)


def test_content_finds_images_of_odd_names_and_names_keep_broken_ones(tmp_path: Path) -> None:
    files = {
        "photo": PNG,
        "b.txt": PNG,
        "c.jpg": b"<html>",
        "d.jpg": b"",
        "e.NEF": b"?",
        "f.jpg~": b"?",
        "g.part": PNG,
    }
    found = look_into_folders([str(fill(tmp_path, files))])
    assert [image.uri for image in found.images] == sorted(files)
    assert found.notes == ()


def test_no_file_is_opened_whose_ending_says_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bytes] = []
    from groundglass.sources import image_names

    monkeypatch.setattr(image_names, "read_head", lambda locator, _: opened.append(locator) or PNG)
    files = {f"{number}.jpg": PNG for number in range(50)} | {f"{number}.txt": b"a" for number in range(50)}
    look_into_folders([str(fill(tmp_path, files | {"odd": PNG}))])
    assert [bytes_to_path(path).name for path in opened] == ["odd"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_what_cannot_be_opened_is_judged_by_its_name(tmp_path: Path) -> None:
    fill(tmp_path, {"a.jpg": PNG, "b.md": b"b", "c": PNG})
    for name in ("b.md", "c"):
        (tmp_path / name).chmod(0)
    assert [image.uri for image in look_into_folders([str(tmp_path)]).images] == ["a.jpg", "c"]


# --- beside an image --------------------------------------------------------------------------------------------------


def test_whose_a_text_is(tmp_path: Path) -> None:
    files = dict.fromkeys(
        ("1.jpg", "1.png", "2.a.jpg", "2.b.jpg", "3.jpg", "3.seg.png", "é.jpg", "v1.5.jpg"), PNG
    )
    files |= {
        "1.txt": b"both",
        "1.jpg.json": b'{"of": "the jpg alone"}',
        "2.a.txt": b"the first",
        "2.txt": b"the others of the key",
        "3.caption.txt": b"words",
        "3.title.txt": b"a title",
        "3.meta.json": b'{"w": 3}',
        "3.seg.json": b'{"classes": 7}',
        unicodedata.normalize("NFD", "é.txt"): b"written by a Mac",
        "v1.5.txt": b"five",
        "alone.txt": b"of nothing",
    }
    told = facts(fill(tmp_path, files))
    assert told == {
        "1.jpg": {"caption": "both", "of": "the jpg alone"},
        "1.png": {"caption": "both"},
        "2.a.jpg": {"caption": "the first"},
        "2.b.jpg": {"caption": "the others of the key"},
        "3.jpg": {"caption": "words", "title": "a title", "w": 3},
        "3.seg.png": {"classes": 7},
        "v1.5.jpg": {"caption": "five"},
        "é.jpg": {"caption": "written by a Mac"},
    }
    notes = look_into_folders([str(tmp_path)]).notes
    assert notes[0] == "1 file skipped, not an image: txt 1"
    assert notes[1].startswith("1 image share another image's name up to its first dot (seg.png 1)")


def test_of_two_captions_one_counts_and_it_is_said(tmp_path: Path) -> None:
    files = {
        "1.jpg": PNG,
        "1.txt": b"cat, sofa",
        "1.caption": b"A cat on a sofa.",
        "2.jpg": PNG,
        "2.txt": b"dog",
    }
    files |= {"3.jpg": PNG, "3.txt": b"the same\n", "3.caption": b"the same"}
    found = look_into_folders([str(fill(tmp_path, files))])
    captions = [image.facts["caption"] for image in found.images]
    assert captions == ["A cat on a sofa.", "dog", "the same"]
    assert found.notes == (
        "files next to one image disagree (meta.caption 1): the closest name wins, then .json, .caption, .txt",
    )


def test_texts_come_in_all_encodings_and_a_guess_is_said(tmp_path: Path) -> None:
    words = "Ein Café in Köln – schön"
    files = {f"{number}.jpg": PNG for number in range(5)}
    for number, codec in enumerate(["utf-8", "utf-8-sig", "utf-16", "cp1252"]):
        files[f"{number}.txt"] = words.encode(codec)
    files["4.json"] = json.dumps({"caption": words}).encode("utf-8-sig")
    found = look_into_folders([str(fill(tmp_path, files))])
    assert {image.facts["caption"] for image in found.images} == {words}
    assert [note for note in found.notes if "Windows-1252" in note]
    (tmp_path / "5.jpg").write_bytes(PNG)
    (tmp_path / "5.txt").write_bytes("Кошка на окне".encode("cp1251"))
    told = look_into_folders([str(tmp_path)])
    assert told.images[5].facts == {}
    assert "5.txt cannot be used" in str(told.images[5].wrong)
    assert any("5.txt cannot be used" in note for note in told.notes)


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([5, 5.5], "DOUBLE", [5.0, 5.5]),
        ([5, "high"], "VARCHAR", ["5", "high"]),
        ([True, 1], "VARCHAR", ["true", "1"]),
        ([[1], {"a": "ä"}], "VARCHAR", ["[1]", '{"a": "ä"}']),
        ([2**60, 0.5], "VARCHAR", [str(2**60), "0.5"]),
        ([2**70, 1], "VARCHAR", [str(2**70), "1"]),
        ([2**60, 7], "BIGINT", [2**60, 7]),
        (["007", "8"], "VARCHAR", ["007", "8"]),
        ([None, 3], "BIGINT", [None, 3]),
        ([None, None], "VARCHAR", [None, None]),
    ],
)
@pytest.mark.parametrize("shards", [1, 2])
def test_values_of_drifting_types_are_all_kept(
    tmp_path: Path, values: list[Any], kind: str, read: list[Any], shards: int
) -> None:
    """Within a shard, and between two."""
    members = [
        [(f"{number}.jpg", PNG), (f"{number}.json", json.dumps({"it": value}).encode())]
        for number, value in enumerate(values)
    ]
    if shards == 1:
        paths = [make_tar(tmp_path / "s.tar", [file for part in members for file in part])]
    else:
        paths = [make_tar(tmp_path / f"{number}.tar", part) for number, part in enumerate(members)]
    found = look_into_archives(list(map(str, paths)))
    assert found.columns.types == {"it": kind}
    assert found.listing({"it": kind})["meta.it"].to_pylist() == read
    kinds = {type(value) for value in values if value is not None}
    mixed = kind == "VARCHAR" and kinds not in (set(), {str}) and kinds != {list, dict}
    assert (mixed_in_words(found.columns) != []) == mixed
    assert found.notes == ()


def test_late_fields_are_columns_too(tmp_path: Path) -> None:
    files = {f"{number:04d}.jpg": PNG for number in range(300)}
    files |= {"0299.json": b'{"late": 1}'}
    assert look_into_folders([str(fill(tmp_path, files))]).columns.types == {"late": "BIGINT"}


def test_names_of_different_capitals_are_one_column_and_impossible_ones_are_named(tmp_path: Path) -> None:
    files = {
        "1.jpg": PNG,
        "1.json": b'{"Caption": "a", "": 1}',
        "2.jpg": PNG,
        "2.json": b'{"caption": "b"}',
    }
    found = look_into_folders([str(fill(tmp_path, files))])
    assert found.listing(found.columns.types)["meta.Caption"].to_pylist() == ["a", "b"]
    assert found.notes == ("fields left out, since their names cannot be column names: ''",)


def test_values_that_do_not_fit_the_type_asked_for_are_counted(tmp_path: Path) -> None:
    files = {"1.jpg": PNG, "1.json": b'{"w": 5.5, "other": 1}', "2.jpg": PNG, "2.json": b'{"w": "7"}'}
    brought = Folder(folder=(str(fill(tmp_path, files)),), columns={"w": "INTEGER", "none": "TEXT"}).look()
    assert brought.notes == (
        "no image has 'none' in a file next to it.",
        "values that do not have the requested type are left empty: meta.w (INTEGER) 1",
        "columns left out, since `columns` does not name them: other",
    )
    assert brought.listing is not None
    assert brought.listing({"w": "BIGINT"})["meta.w"].to_pylist() == [None, 7]


# --- many, and again --------------------------------------------------------------------------------------------------


def test_texts_are_read_once_and_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from groundglass.sources import sidecar_texts

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sidecar_texts, "_WORTH_KEEPING", 3)
    names: list[bytes] = []
    plain = sidecar_texts.read
    monkeypatch.setattr(sidecar_texts, "read", lambda locator: names.append(locator) or plain(locator))
    folder = fill(tmp_path / "f", {f"{n}.{e}": PNG for n in range(4) for e in ("jpg",)})
    fill(folder, {f"{n}.txt": b"a cat" for n in range(4)})

    def captions() -> tuple[list[str], int]:
        names.clear()
        found = look_into_folders([str(folder)])
        return [image.facts["caption"] for image in found.images], len(names)

    assert captions() == (["a cat"] * 4, 4)
    assert captions() == (["a cat"] * 4, 0)
    monkeypatch.setattr(sidecar_texts, "_known", {})
    assert captions() == (["a cat"] * 4, 0), "another process finds them on disk"
    (folder / "2.txt").write_bytes(b"a dog, later")
    assert captions() == (["a cat", "a cat", "a dog, later", "a cat"], 1)
    (folder / "2.txt").unlink()
    found = look_into_folders([str(folder)])
    assert [image.facts.get("caption") for image in found.images] == ["a cat", "a cat", None, "a cat"]
