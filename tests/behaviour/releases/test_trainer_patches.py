"""What is said of images that are too small for trainers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from groundglass.releases.trainer_patches import (
    PADDED,
    PATCHES,
    Known,
    Patch,
    small_images_note,
    small_tiles_note,
    too_small,
)
from groundglass.releases.writers.folder import FolderRelease
from groundglass.releases.writers.paired import PairedRelease
from groundglass.releases.writers.writer import LowResolution, Release

HR_ONLY = FolderRelease()


def paired(*scales: int) -> Release:
    return PairedRelease(lr_scales=scales)


def sides(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def named(side: int, step: Release) -> list[str]:
    """The trainers that an image of this side is too small for."""
    return [patch.trainers for found in too_small(sides(side), step) for patch in found.patches]


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("patch", PATCHES)
def test_an_image_is_too_small_from_one_pixel_below_a_patch(scale: int, patch: Patch):
    needed = patch.side * scale
    assert patch.trainers in named(needed - 1, paired(scale))
    assert patch.trainers not in named(needed, paired(scale))


@pytest.mark.parametrize("tile", [64, 128, 192, 256, 400, 512])
def test_tiles_that_every_trainer_can_cut_from_are_not_warned_of(tile: int):
    assert (small_tiles_note(tile, paired(2)) == ()) == (tile >= 128)
    assert (small_tiles_note(tile, paired(2, 4)) == ()) == (tile >= 256)
    assert (small_tiles_note(tile, HR_ONLY) == ()) == (tile >= PADDED.side)


def test_hr_is_cut_to_a_multiple_of_all_scales_first():
    """Of 230 px 224 are left at x7 alone, and 210 where HR must be a multiple of 3 too."""
    smallest = PATCHES[0].trainers
    assert smallest not in named(230, paired(7))
    assert smallest in named(230, paired(3, 7))


def test_only_images_that_lr_is_made_of_by_the_trainer_are_padded():
    assert "Real-ESRGAN" in small_images_note(sides(300), HR_ONLY)[0]
    assert "BasicSR" not in small_images_note(sides(300), HR_ONLY)[0]
    assert "Real-ESRGAN" not in small_images_note(sides(100), paired(4))[0]


def test_lr_of_the_validation_split_says_nothing_of_training():
    step = FolderRelease(validation_lr=LowResolution(scales=(8,)))
    assert small_images_note(sides(400), step) == ()


def test_the_numbers_are_those_of_the_images():
    note = small_images_note(sides(*[100] * 3, *[150] * 4, *[250] * 5, *[600] * 8), paired(4))[0]
    assert re.findall(r"(\d+) of 20 images for (\d+) px", note) == [("3", "128"), ("7", "192"), ("12", "256")]
    assert " at x4: " in note
    assert note.endswith("; BasicSR then stops")


def test_equal_numbers_are_said_once():
    note = small_images_note(sides(64, 64), paired(4))[0]
    assert note.count("all 2 images") == 1
    assert all(patch.trainers in note for patch in PATCHES)


@pytest.mark.parametrize("known", ["at most", "about"])
def test_numbers_that_are_not_known_are_not_told_as_if_they_were(known: Known):
    note = small_images_note(sides(100, 600), paired(4), known)[0]
    assert f"{known} 1 image for" in note
    assert "of 2" not in note


def test_no_images_are_no_reason_to_warn():
    assert small_images_note(sides(), paired(4)) == ()
