"""How tests work on the rating page: by its keys, as a rater does."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from browser_tools import wait

DARK_GREY = (0x76, 0x76, 0x76)
"""The surround of an image."""


class Rater:
    """A rating page and the keys of its rater."""

    def __init__(self, reader, url: str) -> None:
        self.reader = reader
        self.page = reader.page
        self.url = url

    def open(self) -> Rater:
        self.page.goto(self.url)
        self.state("begin")
        return self

    def begin(self, trial: str | None = "t1") -> Rater:
        self.open()
        self.press("Enter")
        return self.sees(trial) if trial else self.state("trial")

    def press(self, *keys: str) -> Rater:
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def state(self, name: str) -> Rater:
        wait(self.page, f"document.body.dataset.state === '{name}'")
        return self

    def sees(self, trial: str) -> Rater:
        """Until a trial is on the screen."""
        here = "document.body.dataset.state === 'trial' && document.body.dataset.trial"
        wait(self.page, f"({here}) === '{trial}'")
        return self

    def text(self, query: str) -> str:
        return self.page.locator(query).inner_text()

    def pixels(self) -> np.ndarray:
        """The image area of the screen, one value for each screen pixel."""
        shot = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        ratio = self.page.evaluate("devicePixelRatio")
        box = self.page.locator("#canvas").bounding_box()
        wide, high = (
            round(box["width"] * ratio),
            round(box["height"] * ratio),
        )  # the canvas has whole screen pixels
        return np.asarray(shot)[:high, :wide]


def places_of(screen: np.ndarray, image: np.ndarray) -> list[tuple[int, int]]:
    """Where an image appears on the screen, pixel for pixel: (x, y) of its corner."""
    high, wide = image.shape[:2]
    if screen.shape[0] < high or screen.shape[1] < wide:
        return []
    first = screen[: screen.shape[0] - high + 1, : screen.shape[1] - wide + 1]
    found = np.argwhere((first == image[0, 0]).all(axis=2))
    return [(int(x), int(y)) for y, x in found if (screen[y : y + high, x : x + wide] == image).all()]
