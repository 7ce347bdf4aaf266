from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.errors import NoValue
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.borders.borders import borders
from shared_data import shared

SIDES = ("border_top", "border_bottom", "border_left", "border_right")
LETTERBOX, PILLARBOX, FRAME = (37, 41, 0, 0), (0, 0, 50, 50), (20, 20, 30, 33)


def framed(rgb: np.ndarray) -> Frame:
    return open_frame(testing.encoded(np.ascontiguousarray(rgb), "BMP"))


def boxed(rgb: np.ndarray, sides: tuple[int, int, int, int], value: int = 0) -> np.ndarray:
    return np.pad(rgb, (sides[:2], sides[2:], (0, 0)), constant_values=value)


def widths(frame: Frame) -> tuple[int, ...]:
    values = borders(frame)
    return tuple(values[side] for side in SIDES)


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(0, 40)] * 4), st.sampled_from([0, 3, 255]), st.integers(0, 5))
def test_exact_widths(sides: tuple[int, int, int, int], value: int, seed: int):
    noise = testing.noise(80, 70, seed)
    assert widths(framed(boxed(noise, sides, value))) == sides


def test_share_of_the_area():
    values = borders(framed(boxed(testing.noise(80, 60), (10, 10, 10, 10))))
    assert values["border_share"] == pytest.approx(1 - 80 * 60 / (100 * 80))


@cache
def pixels_of(path: Path) -> np.ndarray:
    return open_frame(path).rgb


@pytest.mark.parametrize("sides", [LETTERBOX, PILLARBOX, FRAME], ids=str)
@pytest.mark.parametrize("quality", [None, 95, 75, 50])
def test_boxed_photographs_to_the_pixel(sides: tuple[int, int, int, int], quality: int | None):
    """Missed are those that are themselves black along an edge; a width found is hardly ever another one."""
    right, found = 0, 0
    paths = sorted(shared("train_photos", "cid22").glob("*.png"))[::3]
    for path in paths:
        rgb = boxed(pixels_of(path), sides)
        got = widths(framed(rgb) if quality is None else open_frame(testing.jpeg(rgb, quality)))
        right += got == sides
        found += all(width > 0 for width, wanted in zip(got, sides, strict=True) if wanted)
    assert right >= 0.8 * len(paths)
    assert right >= found - 1


def test_plain_photographs_have_none():
    """Of 58 photographs none; the two drawings among them are left out, one of which has a painted frame."""
    drawn = {"Abstract-Art-1.png", "1454613116.png"}
    paths = [path for path in shared("train_photos", "cid22").glob("*.png") if path.name not in drawn]
    assert not [path.name for path in paths if any(widths(open_frame(path)))]


def test_large_photographs_have_none():
    """Among them a planet before black space, and skies."""
    paths = sorted(shared("large_4k").rglob("*.jpg"))
    assert not [path.name for path in paths if any(widths(open_frame(path)))]


def test_scans_with_a_black_edge():
    folder = shared("train_photos", "bsds500")
    assert widths(open_frame(folder / "323016.jpg")) == (0, 0, 0, 39)
    assert widths(open_frame(folder / "187071.jpg")) == (3, 0, 0, 0)
    found = [path.stem for path in sorted(folder.glob("*.jpg")) if any(widths(open_frame(path)))]
    assert 12 <= len(found) <= 20  # 16, each seen to be the edge of a scan


def test_skies_and_nights_that_fade_are_no_border():
    photo = testing.photo(300, 200)
    fade = np.linspace(0, 1, 120)[:, None, None] ** 2
    for level in (0, 230):
        sky = (level + fade * (photo[:120] - float(level))).astype(np.uint8)
        assert widths(framed(np.vstack([boxed(sky, (60, 0, 0, 0), level), photo[120:]])))[0] == 0


def test_stars_on_black_are_no_border():
    night = np.zeros((300, 400, 3), np.uint8)
    places = np.random.default_rng(2)
    night[places.integers(80, 300, 500), places.integers(0, 400, 500)] = 255
    night = cv2.GaussianBlur(night, (0, 0), 1)
    assert not any(widths(framed(night)))


def test_tolerance():
    rgb = boxed(testing.noise(100, 80), (20, 0, 0, 0), 40)
    rgb[:20] += np.random.default_rng(0).integers(0, 12, (20, 100, 1), dtype=np.uint8)
    assert borders(framed(rgb), tolerance=3)["border_top"] == 0
    assert borders(framed(rgb), tolerance=14)["border_top"] == 20


def test_without_value():
    with pytest.raises(NoValue) as caught:
        borders(framed(testing.flat(50, 50)))
    assert caught.value.reason == "flat"
    with pytest.raises(NoValue, match="16 are needed"):
        borders(framed(testing.noise(15, 80)))
