"""Names: safe for meta_info, LMDB, file systems; no two alike; the same every time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.releases.names import NAMINGS, Named, name_rows, safe_stem

words = st.text(min_size=0, max_size=200)
rows = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from(["", "crop(0,0,8,8)", "crop(8,0,8,8)", "resize(9x9,box)/crop(0,0,8,8)"]),
    ),
    min_size=1,
    max_size=30,
    unique=True,
)


def named(root: int, region: str, uri: str = "a b.png", split: str = "train") -> Named:
    return Named(f"r{root}", uri, f"{root:064x}", region, split)


@given(words)
def test_a_safe_stem_has_nothing_that_a_trainer_stumbles_over(text):
    stem = safe_stem(text)
    assert stem
    assert not re.search(r"[\s.,/\\:*?\"<>|\x00]", stem)
    assert not stem.startswith("-")
    assert stem.isprintable()
    assert len(stem.encode()) <= 121
    assert safe_stem(f"some/folder/{stem}.png") == stem


@pytest.mark.parametrize(
    ("uri", "stem"),
    [
        ("a/IMG 0113.v2.jpg", "IMG_0113_v2"),
        ("new\nline.png", "new_line"),
        ("tab\there.png", "tab_here"),
        ("--rf.png", "rf"),
        (".hidden.png", "hidden"),
        ("Ångström.png", "Ångström"),
        ("A\u030angstro\u0308m.png", "Ångström"),
        ("写真 1.png", "写真_1"),
        ("\u202etxt.png", "txt"),
        ("bad\udcff.png", "bad"),
        ("con.png", "con_"),
        ("...", "image"),
        ("no_ending", "no_ending"),
    ],
)
def test_stems_of_awkward_names(uri, stem):
    assert safe_stem(uri) == stem


@given(rows, st.sampled_from(sorted(NAMINGS)), st.lists(words, min_size=7, max_size=7))
def test_no_two_pictures_of_a_split_have_the_same_name(places, how, uris):
    given_rows = [named(root, region, uris[root], f"s{root % 2}") for root, region in places]
    names = name_rows(given_rows, how)
    for split in ("s0", "s1"):
        own = [name.casefold() for name, row in zip(names, given_rows, strict=True) if row.split == split]
        assert len(set(own)) == len(own)
    assert names == name_rows(given_rows, how)


def test_numbers_are_as_wide_as_the_count_needs():
    assert name_rows([named(n, "") for n in range(3)], "number") == ["0000", "0001", "0002"]
    assert name_rows([named(n, "") for n in range(10_001)], "number")[-1] == "10000"
    assert name_rows([named(n, "") for n in range(10_001)], "number")[0] == "00000"


def test_numbers_begin_anew_in_each_split():
    pictures = [named(0, "", split="train"), named(1, "", split="validation"), named(2, "", split="train")]
    assert name_rows(pictures, "number") == ["0000", "0000", "0001"]


def test_tiles_are_counted_in_reading_order_whatever_the_order_of_the_rows():
    regions = [
        "crop(0,512,512,512)",
        "crop(512,0,512,512)",
        "resize(300x200,box)/crop(0,0,128,128)",
        "crop(0,0,512,512)",
    ]
    names = name_rows([named(1, region, "x.png") for region in regions], "keep")
    assert names == ["x_s003", "x_s002", "x_s004", "x_s001"]


def test_namesakes_of_two_folders_and_of_two_cases_differ():
    pictures = [named(0, "", "a/x.png"), named(1, "", "b/X.jpg"), named(2, "", "c/x_2.png")]
    assert name_rows(pictures, "keep") == ["x", "X_2", "x_2_2"]
    assert name_rows(pictures[::-1], "keep") == ["x_2_2", "X_2", "x"]


def test_a_photograph_that_is_called_like_a_tile():
    pictures = [named(0, "crop(0,0,8,8)", "x.png"), named(1, "", "x_s001.png")]
    assert name_rows(pictures, "keep") == ["x_s001_2", "x_s001"]


def test_hashes_follow_content_and_region_not_place():
    assert name_rows([named(3, "", "a.png")], "hash") == name_rows([named(3, "", "b/c.png")], "hash")
    assert name_rows([named(3, "")], "hash") != name_rows([named(3, "crop(0,0,8,8)")], "hash")
