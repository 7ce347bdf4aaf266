"""The table of public sets: its form, and how a source is recognised as one of them."""

from __future__ import annotations

import re
import tomllib

import pytest

from groundglass.similarity.test_images.known_sets import SETS
from groundglass.sources.public_datasets import (
    FACTS,
    FILE,
    KINDS,
    PHRASES,
    SOURCES,
    PublicDataset,
    public_datasets,
    recognise,
    recognise_test_set,
)

SPDX = {"CC0-1.0", "CC-BY-2.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"}
SPDX |= {"CDLA-Permissive-2.0", "MIT", "Apache-2.0"}
"""Identifiers of https://spdx.org/licenses/ that a set may have; a new one is added with the set."""
LINK = re.compile(r"https?://[\w.-]+\.[a-z]{2,}(/[^\s|\])]*)?")
BY_NAME = {one.name: one for one in public_datasets()}
EVERY = pytest.mark.parametrize("one", public_datasets(), ids=lambda one: one.name)


def test_each_set_is_there_once():
    assert len(BY_NAME) == len(public_datasets())
    assert {one.kind for one in public_datasets()} == set(KINDS)


def test_the_sets_of_decontaminate_are_in_the_table_with_their_numbers():
    assert {name: BY_NAME[name].images for name in SETS} == {
        "Set5": 5,
        "Set14": 14,
        "BSD100": 100,
        "Urban100": 100,
    }


@EVERY
def test_a_licence_is_an_spdx_identifier_or_a_phrase_that_the_page_explains(one: PublicDataset):
    assert not one.licence or one.licence in SPDX | PHRASES.keys()


@EVERY
def test_each_fact_has_its_source_and_each_source_its_fact(one: PublicDataset):
    assert one.source.keys() == {fact for fact in FACTS if one.states(fact)}
    for fact in one.source:
        sources = one.sources_of(fact)
        assert all(source in SOURCES or LINK.fullmatch(source) for source in sources)
        assert len(sources) in {1, len(one.leaks)} if fact == "leaks" else len(sources) == 1


@EVERY
def test_a_measured_fact_says_on_which_files(one: PublicDataset):
    measured = any("measured" in one.sources_of(fact) for fact in one.source)
    assert measured == bool(one.measured_on)


@EVERY
def test_links_sizes_and_names_have_their_form(one: PublicDataset):
    assert not one.home or LINK.fullmatch(one.home)
    assert one.size is None or (len(one.size) == 2 and all(side > 0 for side in one.size))
    assert not (one.size and one.size_note)
    assert all(re.fullmatch(r"[a-z0-9]+", name) for name in one.also)
    assert "|" not in "".join((one.name, one.files, one.test, one.images_note, one.size_note, *one.leaks))


def test_no_key_of_the_file_is_misspelt():
    known = set(PublicDataset.__dataclass_fields__)
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["set"]
    assert {key for row in rows for key in row} <= known


@pytest.mark.parametrize(
    ("label", "size", "name"),
    [
        ("img_align_celeba", (178, 218), "CelebA"),
        ("/data/CelebA/train.zip", (218, 178), "CelebA"),
        ("ffhq/thumbnails128x128", (128, 128), "FFHQ thumbnails"),
        ("ffhq", (1024, 1024), "FFHQ"),
        ("GOPRO_Large/train", (1280, 720), "GoPro"),
    ],
)
def test_a_set_is_recognised_by_its_name_and_size_together(label: str, size: tuple[int, int], name: str):
    found = recognise(label, *size)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("label", "size"),
    [
        ("photos", (178, 218)),
        ("celeba", (1024, 1024)),
        ("celeba", (178, 240)),
        ("accelebate", (178, 218)),
        ("my-celebs", (178, 218)),
        ("", (178, 218)),
    ],
)
def test_neither_a_name_nor_a_size_alone_is_a_known_set(label: str, size: tuple[int, int]):
    assert recognise(label, *size) is None


@pytest.mark.parametrize(
    ("label", "images", "name"),
    [("benchmarks/Set5/HR", 5, "Set5"), ("BSDS100", 100, "BSD100"), ("Manga109", 109, "Manga109")],
)
def test_a_test_set_is_recognised_by_its_name_and_number_together(label: str, images: int, name: str):
    found = recognise_test_set(label, images)
    assert found is not None
    assert found.name == name
    assert recognise_test_set(label, images + 1) is None
    assert recognise_test_set("photos", images) is None
