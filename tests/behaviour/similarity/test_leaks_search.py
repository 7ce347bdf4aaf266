"""`find_leak`: copies, crops and larger pictures are found; unlike ones are left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.image.frame import open_frame
from groundglass.similarity.test_images.fingerprints import make_print
from groundglass.similarity.test_images.inverted_index import Index, build_index
from groundglass.similarity.test_images.search import ALIKE, Leak, find_leak
from groundglass.similarity.test_images.sign_map import CELLS, correlation, relief
from groundglass.similarity.test_images.similarity_transform import fit

Luma = npt.NDArray[np.uint8]
COUNT = 7


@cache
def _luma(seed: int, width: int, height: int) -> Luma:
    return np.ascontiguousarray(testing.photo(width, height, seed)[..., 1])


def luma(seed: int, width: int = 480, height: int = 360) -> Luma:
    """A picture of one's own to change, made once a process."""
    return _luma(seed, width, height).copy()


@cache
def known() -> Index:
    return build_index([replace(make_print(luma(i)), set="mine", name=f"{i}") for i in range(COUNT)])


def resized(picture: Luma, scale: float) -> Luma:
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way), np.uint8)


def recompressed(picture: Luma, quality: int) -> Luma:
    return open_frame(testing.jpeg(np.dstack([picture] * 3), quality)).luma


def middle(picture: Luma, share: float) -> Luma:
    """The middle of it, a share of its area."""
    height, width = (round(side * share**0.5) for side in picture.shape)
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 3
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def inside(picture: Luma, times: float, seed: int) -> Luma:
    """In a picture of so many times its area."""
    height, width = (round(side * times**0.5) for side in picture.shape)
    larger = luma(500 + seed, width, height)
    top, left = (height - picture.shape[0]) // 3, (width - picture.shape[1]) // 2
    larger[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return larger


MADE: dict[str, tuple[Callable[[Luma, int], Luma], str, bool]] = {
    "itself": (lambda p, _: p, "same", False),
    "mirrored": (lambda p, _: p[:, ::-1], "same", True),
    "upside down": (lambda p, _: p[::-1, ::-1], "same", False),
    "turned by 90°": (lambda p, _: np.rot90(p), "same", False),
    "quality 30": (lambda p, _: recompressed(p, 30), "same", False),
    "halved": (lambda p, _: resized(p, 0.5), "same", False),
    "doubled": (lambda p, _: resized(p, 2), "same", False),
    "a border cut": (lambda p, _: middle(p, 0.95), "same", False),
    "60 % of it": (lambda p, _: middle(p, 0.6), "inside", False),
    "60 %, mirrored, halved": (lambda p, _: resized(middle(p, 0.6)[:, ::-1], 0.5), "inside", True),
    "60 %, doubled, quality 30": (lambda p, _: recompressed(resized(middle(p, 0.6), 2), 30), "inside", False),
    "in twice its area": (lambda p, s: inside(p, 2, s), "contains", False),
    "in six times its area": (lambda p, s: inside(p, 6, s), "contains", False),
    "in four times, mirrored, quality 50": (
        lambda p, s: recompressed(inside(p, 4, s)[:, ::-1], 50),
        "contains",
        True,
    ),
    "in four times, halved": (lambda p, s: resized(inside(p, 4, s), 0.5), "contains", False),
}


@pytest.mark.parametrize("name", MADE)
def test_every_version_is_found_and_named(name: str) -> None:
    make, relation, mirrored = MADE[name]
    for seed in range(COUNT):
        found = find_leak(np.ascontiguousarray(make(luma(seed), seed)), known())
        assert found is not None, seed
        assert (found.of, found.relation, found.mirrored) == (f"mine/{seed}", relation, mirrored)
        assert ALIKE <= found.score <= 1


def test_unlike_pictures_are_left_alone() -> None:
    assert [find_leak(luma(seed, 400, 400), known()) for seed in range(100, 140)] == [None] * 40


@pytest.mark.parametrize("picture", [
    np.full((300, 300), 90, np.uint8), np.zeros((1, 1), np.uint8), np.zeros((2000, 3), np.uint8),
    np.tile(np.arange(256, dtype=np.uint8), (200, 1)),
    np.tile(np.array([[0, 255], [255, 0]], np.uint8).repeat(16, 0).repeat(16, 1), (12, 12)),
])  # fmt: skip
def test_pictures_with_nothing_to_tell_them_by_are_no_leaks(picture: Luma) -> None:
    assert find_leak(picture, known()) is None
    alone = build_index([replace(make_print(picture), name="dull")])
    assert find_leak(luma(3), alone) is None


def test_an_empty_index_finds_nothing() -> None:
    assert find_leak(luma(0), build_index([])) is None


def test_a_test_image_listed_twice_is_still_found() -> None:
    twice = build_index([replace(make_print(luma(0)), name=name) for name in ("a", "b")])
    found = find_leak(middle(luma(0), 0.6), twice)
    assert isinstance(found, Leak)
    assert found.of in ("a", "b")


def test_two_parts_of_one_picture_overlap() -> None:
    whole = luma(77, 700, 500)
    index = build_index([replace(make_print(whole[:, :460]), name="left")])
    found = find_leak(np.ascontiguousarray(whole[:, 200:]), index)
    assert found is not None
    assert (found.relation, found.of) == ("overlaps", "left")
    assert found.overlap == pytest.approx(260 / 460, abs=0.08)


@settings(deadline=None, max_examples=30)
@given(
    scale=st.floats(0.2, 5), angle=st.floats(-3, 3), x=st.floats(-200, 200), y=st.floats(-200, 200),
    wrong=st.integers(0, 12), seed=st.integers(0, 99),
)  # fmt: skip
def test_the_similarity_is_found_among_wrong_pairs(
    scale: float, angle: float, x: float, y: float, wrong: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    source = np.column_stack([rng.uniform(0, 300, (20, 2)), rng.uniform(31, 90, 20), rng.uniform(0, 6, 20)])
    turn = scale * np.exp(1j * angle)
    z = turn * (source[:, 0] + 1j * source[:, 1]) + complex(x, y)
    target = np.column_stack([z.real, z.imag, source[:, 2] * scale, source[:, 3] + angle])
    target[20 - wrong :, :2] += rng.uniform(400, 900, (wrong, 2)) * scale
    found = fit(source.astype(np.float32), target.astype(np.float32), 300 * scale)
    assert found is not None
    assert abs(found.turn - turn) < 0.02 * scale


def test_reliefs_of_part_of_a_picture_agree_there() -> None:
    means = np.random.default_rng(0).uniform(0, 255, (CELLS, CELLS)).astype(np.float32)
    seen = np.zeros((CELLS, CELLS), bool)
    seen[5:20, 5:20] = True
    part = relief(np.where(seen, means, 0), seen)
    assert correlation(part, relief(means), seen) > 0.9
    assert abs(correlation(part, relief(means[::-1]), seen)) < 0.4
    assert correlation(part, relief(means), np.zeros_like(seen)) == 0
