from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from groundglass import testing
from groundglass.errors import NoValue
from groundglass.image.frame import open_frame
from groundglass.measures.text_and_graphics.text_and_graphics import text_and_graphics
from shared_data import shared


def values(rgb: np.ndarray) -> dict[str, float]:
    found = text_and_graphics(open_frame(testing.encoded(np.ascontiguousarray(rgb), "BMP")))
    return {name: float(value) for name, value in found.items() if isinstance(value, float)}


def written(rgb: np.ndarray, text: str, size: int = 28, opacity: float = 1.0) -> np.ndarray:
    """The picture with words near its lower left corner."""
    picture = Image.fromarray(rgb.copy())
    place = (12, rgb.shape[0] - 2 * size)
    ImageDraw.Draw(picture).text(place, text, fill=(255, 255, 255), font=ImageFont.load_default(size))
    return (rgb * (1 - opacity) + np.asarray(picture) * opacity).round().astype(np.uint8)


def page(lines: int) -> np.ndarray:
    picture = Image.new("RGB", (600, 600), "white")
    for line in range(lines):
        text = "Words that stand in a line of print"
        ImageDraw.Draw(picture).text(
            (30, 20 + 36 * line), text, fill="black", font=ImageFont.load_default(18)
        )
    return np.asarray(picture)


def drawing() -> np.ndarray:
    rgb = testing.flat(500, 400, 230)
    cv2.circle(rgb, (150, 200), 90, (200, 40, 40), -1, cv2.LINE_AA)
    cv2.rectangle(rgb, (260, 80), (460, 330), (20, 90, 180), -1)
    cv2.line(rgb, (0, 380), (500, 350), (0, 0, 0), 3, cv2.LINE_AA)
    return rgb


def test_drawings_are_graphics_and_photographs_are_not():
    for rgb in (drawing(), page(8), open_frame(testing.jpeg(drawing(), 85)).rgb):
        assert values(rgb)["graphics_score"] > 0.85
    for seed in range(4):
        assert values(testing.photo(400, 300, seed))["graphics_score"] < 0.5


def test_grain_makes_a_photograph_of_a_drawing():
    scores: list[float] = []
    for sigma in (0, 1, 2, 5):
        noise = np.random.default_rng(0).normal(0, sigma, (400, 500, 3))
        scores.append(values((drawing() + noise).round().clip(0, 255).astype(np.uint8))["graphics_score"])
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.6


def test_more_lines_of_print_cover_more():
    shares = [values(page(lines))["text_share"] for lines in (0, 1, 4, 8, 15)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    # a line of 18 px type is some 300 x 17 px of 600 x 600
    assert shares[-1] == pytest.approx(15 * 300 * 17 / 600**2, rel=0.25)


@pytest.mark.parametrize("seed", range(4))
def test_a_caption_is_found_and_has_one_tone(seed: int):
    rgb = cv2.GaussianBlur(testing.photo(600, 400, seed), (0, 0), 1.5)
    before, after = values(rgb), values(written(rgb, "Summer market 2019"))
    assert after["text_share"] > before["text_share"] + 0.01
    assert after["overlay_share"] > before["overlay_share"] + 0.01


def test_a_caption_that_is_seen_through_has_not_one_tone():
    shade = np.linspace(0, 160, 600).astype(np.uint8)[None, :, None]
    rgb = np.broadcast_to(shade, (400, 600, 3))
    found = values(written(rgb, "Summer market 2019", opacity=0.6))
    assert found["text_share"] > 0.01
    assert found["overlay_share"] == 0


def test_too_small():
    with pytest.raises(NoValue) as caught:
        values(testing.photo(31, 200))
    assert caught.value.reason == "too_small"


def test_photographs_that_nothing_was_fitted_to():
    names = sorted(shared("train_photos", "bsds500").glob("*.jpg"))
    unseen = [n for n in names if hashlib.sha256(f"train_photos/bsds500/{n.name}".encode()).digest()[0] % 2]
    found = [text_and_graphics(open_frame(name)) for name in unseen[::3]]
    assert np.mean([value["graphics_score"] > 0.65 for value in found]) < 0.05
    assert np.mean([value["text_share"] > 0 for value in found]) < 0.2


def test_a_printed_page_and_a_flat_illustration():
    skimage = pytest.importorskip("skimage")
    path = f"{skimage.__path__[0]}/data/page.png"
    assert text_and_graphics(open_frame(path))["text_share"] > 0.25
    drawn = text_and_graphics(open_frame(shared("large_4k", "budgie", "valley-midnight.jpg")))
    assert drawn["graphics_score"] > 0.8
