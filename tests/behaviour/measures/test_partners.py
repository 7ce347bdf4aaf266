"""SR files find their HR files by name, and nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.measures.pairs.partners import find_partners


def names_of(hr: list[str], sr: list[str], scale: int = 4) -> dict[str, str]:
    return {hr[a]: sr[b] for a, b in find_partners(hr, sr, scale).pairs}


@pytest.mark.parametrize(
    ("hr", "sr"),
    [
        ("baby.png", "baby.png"),
        ("baby.png", "baby.jpg"),
        ("baby.png", "baby_x4.png"),
        ("baby.png", "babyx4.png"),
        ("baby.png", "baby_4x.png"),
        ("baby_HR.png", "baby_SR.png"),
        ("img_001_SRF_4_HR.png", "img_001_SRF_4_SR.png"),
        ("img_001_SRF_4_HR.png", "img_001.png"),
        ("baby.png", "baby_x4_out.png"),
        ("Set5/baby.png", "Set5/baby-sr.webp"),
    ],
)
def test_endings_that_programs_append_do_not_matter(hr: str, sr: str):
    assert names_of([hr, "other.png"], [sr, "other.png"]) == {hr: sr, "other.png": "other.png"}


def test_an_ending_that_all_share_does_not_matter():
    assert names_of(["a.png", "b.png"], ["a_MyNet_500k.png", "b_MyNet_500k.png"]) == {
        "a.png": "a_MyNet_500k.png",
        "b.png": "b_MyNet_500k.png",
    }
    # one file shows no common ending, and a number may be another image's
    assert names_of(["a.png", "b.png"], ["a_2.png"]) == {}


@pytest.mark.parametrize(
    ("hr", "sr"),
    [
        ("img_1.png", "img_10.png"),
        ("matrix.png", "matrix2.png"),
        ("a/x.png", "b/x.png"),
        ("a.png", "ax2.png"),
    ],
)
def test_names_that_only_begin_alike_are_not_partners(hr: str, sr: str):
    assert names_of([hr, "z.png"], [sr, "z.png"]) == {"z.png": "z.png"}


def test_the_exact_name_wins_and_the_other_file_is_named():
    found = find_partners(["a.png"], ["a.png", "a_x4.png"], 4)
    assert found.pairs == ((0, 0),)
    assert found.lonely_sr == {1: "no_partner: there is no HR file for it"}


def test_two_files_that_fit_leave_all_of_them_without_a_partner():
    found = find_partners(["a.png", "b.png", "b.jpg"], ["a_x4.png", "a_SR.png", "b.png"], 4)
    assert found.pairs == ()
    assert found.lonely_hr[0] == "several_partners: a_SR.png and a_x4.png"
    assert found.lonely_hr[1] == found.lonely_hr[2] == "several_partners: b.png"
    assert found.lonely_sr[2] == "several_partners: b.jpg and b.png"


NAMES = st.lists(st.from_regex(r"[ab]{1,2}(_x4|_SR|_1|x4)?\.png", fullmatch=True), max_size=6)


@given(NAMES, NAMES)
def test_every_file_is_in_one_pair_or_has_a_reason(hr: list[str], sr: list[str]):
    found = find_partners(hr, sr, 4)
    ours, theirs = [a for a, _ in found.pairs], [b for _, b in found.pairs]
    assert sorted([*ours, *found.lonely_hr]) == list(range(len(hr)))
    assert sorted([*theirs, *found.lonely_sr]) == list(range(len(sr)))
