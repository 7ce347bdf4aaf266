"""A folder's listing: every image is a row, whatever it is called and wherever its links lead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.sources.folder import glob_pattern, list_folders, look_into_folders
from groundglass.tables.parquet import bytes_to_path


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def uris(folder: Path, *globs: str) -> list[str]:
    return list_folders([str(folder)], globs)["uri"].to_pylist()


ODD_NAMES = [
    "a b.jpg",
    "two.dots.in.jpg",
    "-n.png",
    "ü/ñ 日本.webp",
    "line\nbreak.jpg",
    ".hidden.jpg",
    "'quote\".png",
]


def test_every_image_is_a_row_with_the_path_below_the_folder(tmp_path: Path):
    assert uris(fill(tmp_path, *ODD_NAMES)) == sorted(ODD_NAMES)


def test_names_that_are_no_unicode_are_listed_and_can_be_opened(tmp_path: Path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    with open(path, "wb") as file:
        file.write(b"x")
    listing = list_folders([str(tmp_path)])
    assert listing["uri"].to_pylist() == ["caf\\xe9.jpg"]
    assert bytes_to_path(listing["path"][0].as_py()).read_bytes() == b"x"


def test_a_name_that_looks_like_an_escaped_one_is_not_lost(tmp_path: Path):
    for name in (b"/caf\xe9.jpg", b"/caf\\xe9.jpg"):
        with open(os.fsencode(tmp_path) + name, "wb") as file:
            file.write(b"x")
    listing = list_folders([str(tmp_path)])
    assert len(set(listing["uri"].to_pylist())) == 2


def test_links_are_followed_and_loops_are_not(tmp_path: Path):
    fill(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    listing = {row["uri"]: row["error"] for row in list_folders([str(tmp_path)]).to_pylist()}
    assert listing == {"a/1.jpg": None, "b/2.jpg": None, "b/to_a/1.jpg": None, "self": "unreadable"}


def test_a_broken_link_and_a_pipe_are_rows_with_a_reason(tmp_path: Path):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    errors = dict(
        zip(*[list_folders([str(tmp_path)])[name].to_pylist() for name in ("uri", "error")], strict=True)
    )
    assert errors == {"gone.jpg": "unreadable", "pipe.jpg": "not_an_image"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_locked_folder_inside_is_a_row(tmp_path: Path):
    fill(tmp_path, "in/1.jpg", "2.jpg")
    (tmp_path / "in").chmod(0)
    try:
        rows = {row["uri"]: row["error"] for row in list_folders([str(tmp_path)]).to_pylist()}
    finally:
        (tmp_path / "in").chmod(0o700)
    assert rows == {"in": "unreadable", "2.jpg": None}


def test_several_folders_keep_their_names(tmp_path: Path):
    fill(tmp_path, "a/1.jpg", "b/1.jpg")
    listing = list_folders([f"{tmp_path}/a", f"{tmp_path}/b/"])
    assert listing["uri"].to_pylist() == [f"{tmp_path}/a/1.jpg", f"{tmp_path}/b/1.jpg"]


def test_an_archive_in_a_folder_is_skipped_and_the_key_that_reads_it_is_named(tmp_path: Path):
    fill(tmp_path, "a.zip", "photo.png")
    found = look_into_folders([str(tmp_path)])
    assert found.listing()["uri"].to_pylist() == ["photo.png"]
    assert "a.zip is an archive: a source with the key `archive` reads the images in it" in found.notes
    fill(tmp_path, "b.TAR")
    notes = look_into_folders([str(tmp_path)]).notes
    assert "2 files are archives: a source with the key `archive` reads the images in them" in notes


def test_a_folder_that_is_none_stops(tmp_path: Path):
    fill(tmp_path, "file.jpg")
    with pytest.raises(RecipeError, match="there is no folder"):
        list_folders([str(tmp_path / "nowhere")])
    with pytest.raises(RecipeError, match="is a file, not a folder"):
        list_folders([str(tmp_path / "file.jpg")])


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.jpg", ["1.jpg", "a/2.jpg", "a/b/3.jpg"]),
        ("a/*.jpg", ["a/2.jpg"]),
        ("a/**", ["a/2.jpg", "a/b/3.jpg"]),
        ("**/b/*", ["a/b/3.jpg"]),
        ("?.png", ["4.png"]),
    ],
)
def test_globs(tmp_path: Path, glob: str, found: list[str]):
    assert uris(fill(tmp_path, "1.jpg", "a/2.jpg", "a/b/3.jpg", "4.png"), glob) == found


@given(st.text(alphabet="ab/.[](){}+^$|\\", min_size=1, max_size=12))
def test_a_glob_without_signs_fits_itself(text: str):
    pattern = glob_pattern([text])
    assert pattern is not None
    assert pattern.fullmatch(text if "/" in text else f"some/{text}")
