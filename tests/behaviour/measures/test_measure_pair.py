"""The measures of a made image with its origin: planted shifts, casts and patches come back as values."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundglass import testing
from groundglass.catalog import Measure
from groundglass.errors import NoValue
from groundglass.image.frame import Frame, MadeImage, Makes, open_frame
from groundglass.image.region import Made
from groundglass.measures.pairs import pair, pair_fidelity
from groundglass.measures.pairs.faithful_fit import reduced
from groundglass.measures.pairs.psnr_ssim import score, upscaled_to

KEY = "0123456789abcdef"
BOTH = (pair.MEASURE, pair_fidelity.MEASURE)
SCALE = 4


@pytest.fixture(scope="module")
def scene() -> Any:
    random = np.random.default_rng(1)
    planes = sum(cv2.GaussianBlur(random.normal(0, 40 * s, (420, 484, 3)), (0, 0), s) for s in (1, 2, 5, 12))
    return np.clip(planes + 128, 0, 255).astype(np.uint8)


def smaller(rgb: Any) -> Any:
    """A known chain: blur, reduce by area, noise."""
    small = reduced(cv2.GaussianBlur(rgb, (0, 0), 1.5), rgb.shape[1] // SCALE, rgb.shape[0] // SCALE)
    noise = np.random.default_rng(2).normal(0, 2, small.shape)
    return np.clip(np.round(small + noise), 0, 255).astype(np.uint8)


def makes(image: Any) -> Makes:
    """A step that makes this image."""

    def make(rgb: Any, sha256: str, region: str, made: Made) -> MadeImage:
        return MadeImage(image, "", {})

    return make


def degraded(hq: Any, lq: Any) -> Frame:
    """The frame of LQ as a step that degrades HQ makes it."""
    height, width = lq.shape[:2]
    frame = open_frame(testing.png(hq), makes=makes(lq))
    return frame.at(f"degraded({width}x{height},x{hq.shape[1] // width},{KEY})")


def restored(lq: Any, hq: Any) -> Frame:
    """The frame of HQ as a step that restores LQ makes it."""
    height, width = hq.shape[:2]
    frame = open_frame(testing.png(lq), makes=makes(hq))
    return frame.at(f"restored({width}x{height},x{width // lq.shape[1]},{KEY})")


def judged(frame: Frame) -> dict[str, Any]:
    return pair.pair(frame)


def fidelity(frame: Frame) -> dict[str, Any]:
    return pair_fidelity.pair_fidelity(frame)


@settings(max_examples=12, deadline=None)
@given(x=st.integers(-6, 6), y=st.integers(-6, 6))
def test_a_planted_shift_comes_back(scene: Any, x: int, y: int):
    """HQ is a crop that is moved by known px against the crop that LQ was made from."""
    hq = scene[20 + y : 340 + y, 20 + x : 404 + x]
    found = judged(degraded(np.ascontiguousarray(hq), smaller(scene[20:340, 20:404])))
    shift = float(np.hypot(x, y))
    assert found["shift"] == pytest.approx(shift, abs=0.15)
    if shift > 1.5:
        assert found["pair_verdict"] == "rejected"
        assert str(found["pair_reasons"]).startswith(f"geometry: shift {found['shift']:.1f} px, limit 1.2")
    elif shift == 0:
        assert (found["pair_verdict"], found["pair_reasons"], found["pair_map"]) == ("accepted", None, None)
        assert found["hallucinated_share"] == 0


@pytest.mark.parametrize("measure", BOTH)
def test_a_degraded_and_a_restored_image_have_their_roles(scene: Any, measure: Measure):
    hq = np.ascontiguousarray(scene[:320, :384])
    lq = smaller(hq)
    assert measure.compute(degraded(hq, lq)) == measure.compute(restored(lq, hq))


def test_an_invented_patch_is_on_the_map(scene: Any):
    hq = np.ascontiguousarray(scene[:320, :384])
    lq = smaller(hq)
    hq[100:148, 200:248] = 255 - hq[100:148, 200:248][::-1]
    found = judged(restored(lq, hq))
    assert found["pair_verdict"] == "rejected"
    assert "local: " in str(found["pair_reasons"])
    image = Image.open(io.BytesIO(found["pair_map"]))
    assert (image.mode, image.size) == ("1", (96, 80))
    places = np.asarray(image)
    true = np.zeros(places.shape, bool)
    true[25:37, 50:62] = True
    assert (places & true).sum() / (places | true).sum() > 0.5
    assert found["hallucinated_share"] == pytest.approx(places.mean())


def test_a_cast_is_a_value_that_an_expression_can_name(scene: Any):
    hq = np.ascontiguousarray(scene[:320, :384])
    lq = smaller(hq)
    tinted = np.clip(hq * np.array([1.12, 1, 0.88]), 0, 255).astype(np.uint8)
    plain, red = (judged(restored(lq, image))["colour_cast"] for image in (hq, tinted))
    assert plain < 1 < 4.6 < red


@pytest.mark.parametrize("measure", BOTH)
def test_a_flip_of_both_changes_little(scene: Any, measure: Measure):
    hq = np.ascontiguousarray(scene[:320, :384])
    lq = smaller(hq)
    plain = measure.compute(degraded(hq, lq))
    flipped = measure.compute(degraded(*(np.ascontiguousarray(image[:, ::-1]) for image in (hq, lq))))
    assert plain.get("pair_verdict") == flipped.get("pair_verdict")
    for name in ("down_psnr", "already_clean", "psnr_y", "ssim_y", "ms_ssim"):
        assert plain.get(name, 0) == pytest.approx(flipped.get(name, 0), rel=0.02)


@pytest.mark.parametrize("measure", BOTH)
@pytest.mark.parametrize("region", ["", "crop(0,0,64,64)", f"degraded(64x64,x4,{KEY})/crop(0,0,32,32)"])
def test_an_image_that_no_step_made_has_no_value(measure: Measure, region: str):
    frame = open_frame(testing.png(testing.photo(256, 256))).at(region)
    with pytest.raises(NoValue, match="no_pair"):
        measure.compute(frame)


def test_small_pairs_are_unknown_and_have_the_fidelity_that_fits():
    hq = testing.photo(80, 80)
    found = judged(degraded(hq, smaller(hq)))
    assert found["pair_verdict"] == "unknown"
    assert "at least 32 are needed" in str(found["pair_reasons"])
    assert found["shift"] is None
    few = fidelity(degraded(hq, smaller(hq)))
    assert few["ms_ssim"] is None
    assert few["psnr_y"] is not None
    assert few["gmsd_colour"] is not None
    tiny = testing.photo(16, 16)
    with pytest.raises(NoValue, match="too_small"):
        fidelity(degraded(tiny, smaller(tiny)))


def test_equal_images_are_rejected_and_have_finite_values(scene: Any):
    hq = np.ascontiguousarray(scene[:256, :256])
    found = judged(degraded(hq, hq))
    assert found["pair_verdict"] == "rejected"
    assert found["pair_reasons"] == "identical: LQ and HQ have the same pixels"
    equal = fidelity(degraded(hq, hq))
    assert (equal["psnr_y"], equal["ssim_y"], equal["gmsd"]) == (100, 1, 0)


def test_fidelity_is_that_of_upscaled_lq_under_the_protocol_of_networks(scene: Any):
    hq = np.ascontiguousarray(scene[:320, :384])
    lq = smaller(hq)
    found = fidelity(degraded(hq, lq))
    again = score(hq, upscaled_to(lq, 384, 320), SCALE, "network")
    assert (found["psnr_y"], found["ssim_y"]) == (again.psnr, again.ssim)


def test_a_stronger_degradation_is_further_from_its_origin(scene: Any):
    hq = np.ascontiguousarray(scene[:320, :384])
    mild, strong = (fidelity(degraded(hq, smaller(cv2.GaussianBlur(hq, (0, 0), blur)))) for blur in (0.5, 6))
    assert mild["psnr_y"] > strong["psnr_y"]
    assert mild["ms_ssim"] > strong["ms_ssim"]
    assert mild["gmsd"] < strong["gmsd"]
    assert mild["gmsd_colour"] < strong["gmsd_colour"]


def test_an_upscaled_lq_is_a_copy(scene: Any):
    lq = smaller(scene[:320, :384])
    found = judged(restored(lq, upscaled_to(lq, 384, 320)))
    assert found["pair_verdict"] == "rejected"
    assert str(found["pair_reasons"]).startswith("copy: HQ is LQ upscaled")
    assert found["down_psnr"] > 40
    assert found["added_detail"] < -1.2
