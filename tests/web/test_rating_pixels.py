"""The image on the screen: exactly its pixels at 1:1, both images in one place, and never a blank frame between."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
from fake_study import noise, png
from PIL import Image
from study_pages import DARK_GREY, Rater, places_of

from browser_tools import CHROMIUM, QUIET, Reader, wait
from patience import wait_until

WIDE, HIGH = 300, 200
RED, BLUE = (180, 40, 40), (40, 40, 180)


def plain(colour: tuple[int, int, int]) -> bytes:
    return png(np.full((HIGH, WIDE, 3), colour, dtype=np.uint8))


def settled(rater, image: np.ndarray) -> list[tuple[int, int]]:
    return wait_until(lambda: places_of(rater.pixels(), image), "the image is on the screen, pixel for pixel")


def of_noise(number: int, side: str) -> np.ndarray:
    return noise(number * 2 + (side == "right"), WIDE, HIGH)


@pytest.fixture
def scaled(browser) -> Iterator:
    """A reader on a screen with a display scale of its own. An emulated one differs: it rounds in CSS pixels."""
    made = []

    def start(ratio: float) -> Reader:
        flags = [*QUIET, f"--force-device-scale-factor={ratio}", "--window-size=601,537"]
        chromium = browser.browser_type.launch(executable_path=str(CHROMIUM), args=flags)
        made.append(chromium)
        return Reader(chromium, viewport=None, no_viewport=True)

    yield start
    for chromium in made:
        chromium.close()


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2])
def test_one_to_one_shows_exactly_the_pixels(serve, scaled, ratio):
    server = serve(
        protocol="pairwise", trials=2, size=(WIDE, HIGH), images=lambda n, side: png(of_noise(n, side))
    )
    rater = Rater(scaled(ratio), server.url).begin()
    assert rater.page.evaluate("devicePixelRatio") == ratio
    assert rater.text("#zoom-text") == "1:1"
    first = settled(rater, of_noise(1, "left"))
    rater.press("Space")
    assert settled(rater, of_noise(1, "right")) == first
    rater.press("a").sees("t2")
    assert settled(rater, of_noise(2, "left")) == first
    assert tuple(rater.pixels()[0, 0]) == DARK_GREY


@pytest.mark.parametrize("ratio", [1, 1.5])
def test_an_image_larger_than_the_screen_is_fitted_then_shown_one_to_one(rate, ratio):
    whole = noise(7, 1500, 1100)
    rater, _ = rate(
        {"device_scale_factor": ratio, "viewport": {"width": 500, "height": 400}},
        trials=2, size=(1500, 1100), images=lambda *_: png(whole),
    )  # fmt: skip
    assert rater.text("#zoom-text").startswith("fit")
    rater.press("z")
    wait(rater.page, "document.querySelector('#zoom-text').innerText === '1:1'")
    high, wide = rater.pixels().shape[:2]
    top, left = round((1100 - high) / 2), round((1500 - wide) / 2)

    def shows(x: int, y: int) -> bool:
        """Whether the screen shows the part of the image from here on, give or take a rounded half pixel."""
        screen = rater.pixels()
        near = [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        return any((screen == whole[y : y + high, x : x + wide]).all() for x, y in near)

    wait_until(lambda: shows(left, top), "the middle of the image at 1:1")
    rater.press("ArrowRight", "ArrowDown")
    moved = round(60 * ratio)
    wait_until(lambda: shows(left + moved, top + moved), "the image moved by exactly so many pixels")


def test_zoomed_pixels_are_squares_until_somebody_wants_them_smooth(rate):
    rater, _ = rate(
        {"viewport": {"width": 700, "height": 500}},
        trials=3, size=(WIDE, HIGH), images=lambda n, _: png(noise(n, WIDE, HIGH)),
    )  # fmt: skip
    rater.press("+", "+")

    def doubled(number: int) -> np.ndarray:
        return noise(number, WIDE, HIGH).repeat(2, axis=0).repeat(2, axis=1)

    settled(rater, doubled(1))
    rater.press("3").sees("t2")  # zoom and place stay for the next image
    settled(rater, doubled(2))
    rater.press("s")
    wait_until(lambda: not places_of(rater.pixels(), doubled(2)), "the pixels are smooth")
    rater.press("s", "z")
    settled(rater, noise(2, WIDE, HIGH))


def test_a_smaller_low_quality_image_is_shown_in_the_place_of_the_other(rate):
    low, high = noise(1, WIDE // 2, HIGH // 2), noise(2, WIDE, HIGH)
    rater, _ = rate(
        protocol="pair_accept", trials=1, size=(WIDE, HIGH), images=lambda _, side: png(low if side == "lq" else high)
    )  # fmt: skip
    first = settled(rater, low.repeat(2, axis=0).repeat(2, axis=1))
    rater.press("Space")
    assert settled(rater, high) == first


def test_side_by_side_split_and_difference(rate):
    left, right = of_noise(1, "left"), of_noise(1, "right")
    rater, _ = rate(
        {"viewport": {"width": 800, "height": 400}},
        protocol="pairwise", trials=1, size=(WIDE, HIGH), images=lambda _, side: png(left if side == "left" else right),
    )  # fmt: skip
    rater.press("m")
    [(x_left, y_left)] = settled(rater, left)
    [(x_right, y_right)] = settled(rater, right)
    assert y_left == y_right
    assert x_left < 400 < x_right
    rater.press("m")
    [(x, y)] = settled(rater, left[:, : WIDE // 2 - 2])
    assert (x + WIDE // 2 + 2, y) in settled(rater, right[:, WIDE // 2 + 2 :])
    rater.press("m")
    apart = np.abs(left.astype(int) - right.astype(int))
    settled(rater, np.minimum(4 * apart, 255).astype(np.uint8))


class Frames:
    """Every frame that the browser composes, as an image."""

    def __init__(self, page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.seen: list[np.ndarray] = []
        self.session.on("Page.screencastFrame", self.keep)
        self.session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})

    def keep(self, frame) -> None:
        data = base64.b64decode(frame["data"])
        self.seen.append(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
        self.session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})


def painted(page) -> None:
    """Until the browser has drawn a frame."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def colours_of(frames: Frames, page) -> set[tuple[int, ...]]:
    """The colours at nine places of the image's area, in all frames."""
    box = page.locator("#canvas").bounding_box()
    x, y = box["width"] / 2, box["height"] / 2
    places = [(round(y + dy), round(x + dx)) for dx in (-120, 0, 120) for dy in (-80, 0, 80)]
    return {tuple(int(one) for one in frame[place]) for frame in frames.seen for place in places}


def test_flips_and_next_images_have_no_blank_frame(rate):
    rater, _ = rate(
        {"viewport": {"width": 640, "height": 480}},
        protocol="pairwise", trials=12, size=(WIDE, HIGH),
        images=lambda _, side: plain(RED if side == "left" else BLUE),
    )  # fmt: skip
    frames = Frames(rater.page)
    for _ in range(30):
        rater.press("Space")
        painted(rater.page)
    for number in range(2, 12):
        rater.press("a").sees(f"t{number}").press("Space")
        painted(rater.page)
    assert len(frames.seen) > 20
    assert colours_of(frames, rater.page) == {RED, BLUE}


def test_a_changed_window_never_leaves_the_canvas_blank(rate):
    rater, _ = rate(trials=2, size=(WIDE, HIGH), images=lambda *_: plain(RED))
    frames = Frames(rater.page)
    for width in (900, 700, 1100):
        rater.page.set_viewport_size({"width": width, "height": 700})
        painted(rater.page)
        assert tuple(rater.pixels()[336, width // 2]) == RED
    assert frames.seen
