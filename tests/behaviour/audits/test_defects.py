"""The catalog of defects: each is what it says, and does harm that can be measured."""

from __future__ import annotations

import numpy as np
import pytest

from groundglass import testing
from groundglass.audits.defects import CLEAN, DEFECTS, find_defects, injure
from groundglass.errors import RecipeError
from groundglass.image.frame import open_frame
from groundglass.measures.catalog import MEASURES
from groundglass.measures.pairs.psnr_ssim import psnr
from groundglass.random_streams import stream

PHOTO = testing.photo(128, 112, 4)
FAULTS = [(d, s) for d in DEFECTS.values() for s in d.severities if d.kind == "fault"]
LATER = {"resolution"}
"""Measures that a defect may name before they are in the catalog."""


def test_names_and_severities_are_unique_and_measures_are_known():
    assert "clean" not in DEFECTS
    for defect in DEFECTS.values():
        assert len({severity.name for severity in defect.severities}) == len(defect.severities)
        assert set(defect.seen_by) <= MEASURES.keys() | LATER
        assert defect.seen_by or defect.exact


@pytest.mark.parametrize(("defect", "severity"), FAULTS, ids=lambda one: one.name)
def test_a_fault_does_harm_keeps_the_size_and_is_the_same_for_a_stream(defect, severity):
    files = [injure(PHOTO, severity, stream(1, "x")) for _ in range(2)]
    frame = open_frame(files[0])
    assert files[0] == files[1]
    assert frame.rgb.shape == PHOTO.shape
    assert frame.header.format == ("JPEG" if severity.quality else "PNG")
    assert psnr(PHOTO, frame.rgb) < 50


@pytest.mark.parametrize(
    "name",
    [
        d.name
        for d in DEFECTS.values()
        if len(d.severities) > 1 and d.kind == "fault" and d.name != "motion_blur"
    ],
)
def test_harm_grows_or_falls_steadily_over_the_severities(name: str):
    harm = [
        psnr(PHOTO, open_frame(injure(PHOTO, severity, stream(1, "x"))).rgb)
        for severity in DEFECTS[name].severities
    ]
    assert harm in (sorted(harm), sorted(harm, reverse=True))


def test_the_clean_version_is_the_photograph_itself():
    assert np.array_equal(open_frame(injure(PHOTO, CLEAN.severities[0], stream(1))).rgb, PHOTO)


def test_an_unknown_name_ends_with_the_nearest():
    with pytest.raises(RecipeError, match="Did you mean 'letterbox'"):
        find_defects(["leterbox"])
    assert find_defects([]) == tuple(DEFECTS.values())
