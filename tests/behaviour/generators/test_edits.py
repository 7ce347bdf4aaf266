"""Answers of image-edit models: cut only a little, brought to their size, refused if they show something else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass import testing
from groundglass.generators.edits import MOST_CUT, EditTask, cannot_fit, cut_to, off_by
from groundglass.image.encode import encode_png
from groundglass.image.resize import resize

sides = st.integers(8, 4000)
sizes = st.tuples(sides, sides)


@given(answer=sizes, wanted=sizes)
def test_a_cut_keeps_nearly_all_of_an_answer_and_ends_at_the_ratio(
    answer: tuple[int, int], wanted: tuple[int, int]
) -> None:
    part = cut_to(answer, wanted)
    assert (part is None) == (off_by(answer, wanted) > MOST_CUT)
    if part is None:
        return
    width, height = answer
    assert min(part.x, part.y) >= 0
    assert part.x + part.width <= width
    assert part.y + part.height <= height
    assert part.width == width or part.height == height
    assert part.width * part.height >= width * height * (1 - MOST_CUT) - max(answer)
    # As near to the ratio as whole pixels allow.
    assert abs(part.width * wanted[1] / wanted[0] - part.height) <= max(1, wanted[1] / wanted[0])
    before, after = width - part.width - part.x, part.x
    assert 0 <= before - after <= 1, "the middle is kept"


@given(wanted=sizes, times=st.integers(1, 8))
def test_an_answer_of_the_same_ratio_is_whole_and_its_settings_can_fit(
    wanted: tuple[int, int], times: int
) -> None:
    size = wanted[0] * times, wanted[1] * times
    assert cut_to(size, wanted) == (0, 0, *size)
    assert not cannot_fit({"size": f"{size[0]}x{size[1]}"}, wanted)


def task_of(image: np.ndarray, scale: int = 2) -> EditTask:
    return EditTask("key", "sharp", {}, image, scale)


def test_an_answer_is_resized_to_exactly_the_scale() -> None:
    photo = testing.photo(60, 45, 1)
    answer = resize(photo, 128, 96, "matlab_bicubic")
    task = task_of(photo, 4)
    assert task.judge(encode_png(answer)) == (".png", "", "")
    assert task.answer is not None
    assert task.answer.rgb.shape == (180, 240, 3)
    assert (task.answer.rgb == resize(answer, 240, 180, "matlab_bicubic")).all()
    assert task.answer.plain().keys() == {"sha256", "size"}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (np.full((90, 120, 3), 253, np.uint8), "blank"),
        (np.full((120, 90, 3), 128, np.uint8), "blank"),
        (testing.photo(90, 120, 2), "wrong_size"),
        (np.clip(testing.photo(120, 90, 2) // 64 + 251, 0, 255).astype(np.uint8), "blank"),
    ],
)
def test_an_answer_that_lost_the_image_is_not_kept(made: np.ndarray, reason: str) -> None:
    task = task_of(testing.photo(60, 45, 1))
    ending, error, detail = task.judge(encode_png(made))
    assert (ending, error) == (".png", reason)
    assert detail
    assert task.answer is None
