from __future__ import annotations

import cv2
import numpy as np
import pytest

from groundglass import testing
from groundglass.measures.text_and_graphics.synthetic_graphics import tone_concentration, weak_share
from groundglass.measures.text_and_graphics.text_lines import Line, find_lines, share_of


def written(text: str, ground: int = 200, ink: int = 20, scale: float = 1.0) -> np.ndarray:
    picture = np.full((200, 400), ground, np.uint8)
    cv2.putText(picture, text, (20, 100), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 2, cv2.LINE_AA)
    return picture


def sure(luma: np.ndarray) -> list[Line]:
    return [line for line in find_lines(luma) if line.confidence > 0]


@pytest.mark.parametrize(("ground", "ink"), [(200, 20), (30, 220), (128, 250)])
def test_letters_of_a_word_make_one_line(ground: int, ink: int):
    line = max(sure(written("Harbour", ground, ink)), key=lambda line: line.width)
    assert line.letters == 7
    assert 15 <= line.x <= 30
    assert 70 <= line.y <= 85
    assert line.tone_spread < 3


def test_turned_to_a_negative_the_same_lines_are_found():
    luma = written("Harbour 12")
    before, after = (
        sorted((line.x, line.y, line.width, line.height) for line in sure(picture))
        for picture in (luma, 255 - luma)
    )
    assert before == after != []


def test_two_letters_and_scattered_dots_are_no_line():
    assert sure(written("HO")) == []
    luma = np.full((200, 400), 200, np.uint8)
    for x, y in np.random.default_rng(0).integers(10, 190, (12, 2)):
        cv2.circle(luma, (int(2 * x), int(y)), int(3 + x % 9), 20, 2)
    assert len(sure(luma)) <= 1


def test_noise_is_no_lettering():
    assert sure(testing.noise(300, 200)[..., 0]) == []


def test_print_has_more_confidence_on_even_ground():
    texture = cv2.GaussianBlur(testing.noise(400, 200)[..., 0], (0, 0), 2).astype(float) - 128
    plain = written("Harbour", 150, 20).astype(float)
    best = [
        max(line.confidence for line in find_lines((plain + gain * texture).clip(0, 255).astype(np.uint8)))
        for gain in (0, 2)
    ]
    assert best[0] > best[1]


def test_shares_of_boxes():
    assert share_of([], (10, 10)) == 0
    assert share_of([Line(8, 8, 10, 10, 3, 0, 0)], (10, 10)) == pytest.approx(0.04)


def test_weak_steps_as_numpy_counts_them():
    luma = testing.photo(67, 43)[..., 0]
    steps = luma.astype(int)
    here = steps[:-1, :-1]
    larger = np.maximum(abs(steps[:-1, 1:] - here), abs(steps[1:, :-1] - here))
    assert weak_share(luma) == pytest.approx(((larger > 0) & (larger < 12)).mean())


def test_tone_concentration_of_few_tones():
    histogram = np.zeros(256, np.int64)
    histogram[:32] = 10
    assert tone_concentration(histogram) == 0.5
