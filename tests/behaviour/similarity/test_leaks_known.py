"""Real leaks are found, and photographs that are none are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundglass.image.frame import open_frame
from groundglass.similarity.test_images.fingerprints import make_print, read_prints
from groundglass.similarity.test_images.inverted_index import build_index
from groundglass.similarity.test_images.known_sets import FILE, SETS, load_index
from groundglass.similarity.test_images.search import Leak, find_leak
from shared_data import shared

TRUE = {"bsds500/302003.jpg": "Set5/woman"}
"""Photographs among the training ones that do show a test image."""


def leak_in(path: Path, against: str = "all") -> Leak | None:
    return find_leak(open_frame(path).luma, load_index(against))


def found(path: Path, against: str = "all") -> tuple[str, str]:
    leak = leak_in(path, against)
    assert leak is not None
    return leak.of, leak.relation


def test_all_four_sets_are_shipped() -> None:
    prints = read_prints(FILE)
    assert [sum(known.set == name for known in prints) for name in SETS] == [5, 14, 100, 100]
    assert len({known.label for known in prints}) == 219
    assert FILE.stat().st_size < 6e6


@pytest.mark.parametrize(
    ("path", "against", "of"),
    [
        ("train_photos/bsds500/302003.jpg", "all", "Set5/woman"),
        ("low_quality/RealSet80/butterfly.png", "all", "Set5/butterfly"),
        ("low_quality/RealSet80/foreman.png", "all", "BSD100/img_099"),
        ("benchmarks/Set5/HR/head.png", "Set14", "Set14/face"),
        ("benchmarks/Set14/HR/face.png", "Set5", "Set5/head"),
    ],
)
def test_the_known_leaks_are_found(path: str, against: str, of: str) -> None:
    assert found(shared(path), against)[0] == of


def test_the_sets_own_pictures_are_found_under_their_names() -> None:
    for name in ("Set5", "Set14"):
        for path in sorted(shared("benchmarks", name, "HR").iterdir()):
            assert found(path, name) == (f"{name}/{path.stem}", "same")


def test_low_resolution_versions_are_found_too() -> None:
    files = sorted(shared("benchmarks", "Set5", "LR_bicubic", "X2").iterdir())
    assert len(files) == 5
    assert all(found(path, "Set5")[1] == "same" for path in files)


def test_no_false_alarm_among_training_photographs() -> None:
    folder = shared("train_photos")
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".png", ".bmp"))
    leaks = {str(path.relative_to(folder)): leak_in(path) for path in files}
    assert len(files) > 300
    assert {path: leak.of for path, leak in leaks.items() if leak} == TRUE


def test_the_same_photograph_in_two_wallpaper_sets_turned_and_cropped() -> None:
    one, other = (
        shared("dedup", "cross_source", name) for name in ("elementary_spacex.jpg", "popos_spacex-81773.jpg")
    )
    leak = find_leak(open_frame(other).luma, build_index([make_print(open_frame(one).luma)]))
    assert leak is not None
    assert leak.score > 0.8


def test_flipped_resized_and_turned_copies_are_known_again() -> None:
    folder = shared("dedup", "imagededup")
    base = sorted((folder / "base_images").iterdir())
    index = build_index([make_print(open_frame(path).luma) for path in base])
    names = (
        "ukbench00120_hflip.jpg",
        "ukbench00120_resize.jpg",
        "ukbench00120_rotation.jpg",
        "ukbench09268.jpg",
    )
    leaks = [find_leak(open_frame(folder / "mixed_images" / name).luma, index) for name in names]
    assert all(leak is not None for leak in leaks)
    assert np.array_equal([leak.mirrored for leak in leaks if leak], [True, False, False, False])
