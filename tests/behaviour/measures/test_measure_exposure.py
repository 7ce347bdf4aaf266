from __future__ import annotations

import numpy as np
import pytest

from groundglass import testing
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.exposure import exposure


def framed(rgb: np.ndarray) -> Frame:
    return open_frame(testing.encoded(np.ascontiguousarray(rgb), "BMP"))


def test_clipped_shares_are_exact():
    rgb = testing.flat(100, 100)
    rgb[:10] = 0
    rgb[10:13] = 255
    rgb[13:15] = (255, 0, 0)  # luma 76: clipped in one channel only
    values = exposure(framed(rgb))
    assert values["clipped_dark"] == 0.10
    assert values["clipped_bright"] == 0.03
    assert values["clipped_channel"] == 0.05


@pytest.mark.parametrize(("level", "is_dark", "is_bright"), [(4, 1, 0), (5, 0, 0), (250, 0, 0), (251, 0, 1)])
def test_levels_belong_to_the_clipped_side(level: int, is_dark: int, is_bright: int):
    values = exposure(framed(testing.flat(9, 7, level)))
    assert (values["clipped_dark"], values["clipped_bright"]) == (is_dark, is_bright)
    assert values["clipped_channel"] == is_bright


def test_levels_are_settings():
    values = exposure(framed(testing.gradient(256, 256)), dark=255, bright=0)
    assert (values["clipped_dark"], values["clipped_bright"]) == (1, 1)


def test_mean_and_contrast_are_those_of_luma():
    frame = framed(testing.photo(320, 200))
    values = exposure(frame)
    assert values["mean_luma"] == pytest.approx(frame.luma.mean())
    assert values["contrast"] == pytest.approx(frame.luma.std())


def test_longer_exposure_is_brighter_and_clips_more():
    rgb = testing.photo(200, 200).astype(float)
    series = [
        exposure(framed((rgb * gain).clip(0, 255).astype(np.uint8))) for gain in (0.1, 0.5, 1, 1.5, 2.5)
    ]
    for name in ("mean_luma", "clipped_bright", "clipped_channel"):
        assert [v[name] for v in series] == sorted(v[name] for v in series)
    assert series[-1]["clipped_bright"] > 0.2
    assert exposure(framed((rgb * 0.1 - 10).clip(0, 255).astype(np.uint8)))["clipped_dark"] > 0.5
