"""The tiler: squares cover an image, a local filter has the same pixels in tiles, and seams are errors."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.errors import ImageError, RecipeError
from groundglass.models.restorers.checks import check_answer, check_image, levels_of
from groundglass.models.restorers.records import Levels, Network, Pixels
from groundglass.models.restorers.tiles import check_tiles, restore_tiled, spans


def shifts(levels: Levels, radius: int) -> Levels:
    """A filter of that radius with exact sums: the mean of 5 px as far apart. Edges are cut off."""
    height, width = (side - 2 * radius for side in levels.shape[:2])
    places = [(radius, radius), (0, radius), (2 * radius, radius), (radius, 0), (radius, 2 * radius)]
    return sum(levels[y : y + height, x : x + width] for y, x in places) / np.float32(5)


def local(radius: int, scale: int = 1, **more: int) -> Network:
    """A network with convolutions of that radius that use its margin up, and repeats pixels."""

    def run(levels: Levels) -> Levels:
        return shifts(levels, radius).repeat(scale, 0).repeat(scale, 1)

    return Network(run, scale, margin=radius, valid=True, **more)


def zeros_around(radius: int) -> Network:
    """The same, but it fills up with zeros, as most networks do."""

    def run(levels: Levels) -> Levels:
        return shifts(np.pad(levels, ((radius, radius), (radius, radius), (0, 0))), radius)

    return Network(run, 1)


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@given(
    st.integers(1, 400), st.integers(4, 16).flatmap(lambda o: st.tuples(st.just(o), st.integers(4 * o, 120)))
)
def test_squares_cover_an_axis_without_gap_and_see_the_overlap_on_both_sides(
    length: int, cut: tuple[int, int]
):
    overlap, tile = cut
    found = spans(length, tile, overlap)
    assert [one.first for one in found] == [0, *(one.last for one in found[:-1])]
    assert found[-1].last == length
    for one in found:
        assert one.size == min(tile, length)
        assert one.start >= 0
        assert one.start + one.size <= length
        assert one.start <= max(one.first - overlap, 0)
        assert one.start + one.size >= min(one.last + overlap, length)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(8, 150), st.integers(8, 150), st.integers(1, 3), st.sampled_from((1, 2, 8)), st.integers(4, 12),
    st.integers(0, 9),
)  # fmt: skip
def test_a_local_filter_has_the_same_pixels_in_tiles_and_whole(
    height: int, width: int, scale: int, multiple: int, overlap: int, seed: int
):
    rgb = noise(height, width, seed)
    network = local(2, scale, multiple=multiple)
    whole = restore_tiled(network, rgb, 1000, overlap)
    assert whole.shape == (height * scale, width * scale, 3)
    assert np.array_equal(restore_tiled(network, rgb, 4 * overlap, overlap), whole)


def test_a_filter_with_zeros_around_has_them_too_inside_three_quarters_of_the_overlap():
    rgb = noise(90, 120)
    whole = restore_tiled(zeros_around(9), rgb, 1000, 12)
    assert np.array_equal(restore_tiled(zeros_around(9), rgb, 48, 12), whole)


def test_a_filter_that_looks_further_than_the_overlap_is_an_error():
    with pytest.raises(ImageError, match=r"two tiles differ by .* levels where they meet") as caught:
        restore_tiled(zeros_around(16), noise(90, 120), 48, 4)
    assert caught.value.reason == "seams"


def test_a_network_that_weighs_the_whole_tile_is_an_error_if_it_shows():
    brightest = Network(lambda seen: seen / seen.max(), 1)
    ramp = np.repeat(np.linspace(20, 250, 200).astype(np.uint8)[None, :, None], 40, 0).repeat(3, 2)
    with pytest.raises(ImageError, match="seams"):
        restore_tiled(brightest, ramp, 64, 16)


def test_a_network_of_one_size_sees_only_that_size():
    seen: list[tuple[int, ...]] = []

    def run(levels: Levels) -> Levels:
        seen.append(levels.shape)
        return levels

    rgb = noise(30, 150)
    assert np.array_equal(restore_tiled(Network(run, 1, side=64), rgb, 64, 8), rgb)
    assert set(seen) == {(64, 64, 3)}


def test_memory_does_not_grow_with_the_height_of_an_image():
    def most(height: int) -> int:
        rgb = np.zeros((height, 300, 3), np.uint8) + np.arange(300, dtype=np.uint8)[None, :, None]
        tracemalloc.start()
        out = restore_tiled(local(1, 2), rgb, 64, 8)
        peak = tracemalloc.get_traced_memory()[1] - out.nbytes
        tracemalloc.stop()
        return peak

    assert most(3000) < 1.2 * most(300)


@pytest.mark.parametrize("answer", [np.nan, np.inf])
def test_one_number_that_is_not_finite_is_an_error(answer: float):
    def run(levels: Levels) -> Levels:
        levels = levels.copy()
        levels[3, 4, 1] = answer
        return levels

    with pytest.raises(ImageError, match=r"blank: not finite: 1 of the model's numbers"):
        restore_tiled(Network(run, 1), noise(40, 40), 256, 16)


@pytest.mark.parametrize("level", [0.0, 0.4, 0.99])
def test_an_answer_of_black_white_or_one_colour_is_an_error(level: float):
    with pytest.raises(ImageError) as caught:
        restore_tiled(Network(lambda seen: np.full_like(seen, level), 1), noise(40, 40), 256, 16)
    assert caught.value.reason == "blank"


@pytest.mark.parametrize("level", [0, 100, 255])
def test_an_image_of_black_white_or_one_colour_may_stay_so(level: int):
    rgb = np.full((40, 40, 3), level, np.uint8)
    assert np.array_equal(restore_tiled(Network(lambda seen: seen, 1), rgb, 256, 16), rgb)


def test_faint_noise_on_one_colour_may_be_removed():
    rgb = (120 + np.random.default_rng(0).normal(0, 4, (40, 40, 3))).astype(np.uint8)
    check_answer(np.full((40, 40, 3), 120 / 255, np.float32), levels_of(rgb))


@pytest.mark.parametrize("shape", [(39, 40, 3), (40, 40), (80, 80, 3), (40, 40, 1)])
def test_an_answer_of_another_size_is_an_error(shape: tuple[int, ...]):
    with pytest.raises(ImageError) as caught:
        restore_tiled(Network(lambda _: np.zeros(shape, np.float32), 1), noise(40, 40), 256, 16)
    assert caught.value.reason == "wrong_size"


@pytest.mark.parametrize(
    ("size", "scale", "reason"), [((7, 90), 4, "too_small"), ((9000, 9000), 4, "too_large")]
)
def test_an_image_that_is_too_small_or_too_large_is_an_error(size: tuple[int, int], scale: int, reason: str):
    with pytest.raises(ImageError) as caught:
        check_image(np.broadcast_to(np.uint8(0), (*size, 3)), scale)
    assert caught.value.reason == reason
    check_image(np.broadcast_to(np.uint8(0), (40, 40, 3)), scale)


@pytest.mark.parametrize(("tile", "overlap"), [(63, 16), (256, 3), (8, 4)])
def test_tiles_that_cannot_be_cut_are_errors_of_the_recipe(tile: int, overlap: int):
    with pytest.raises(RecipeError):
        check_tiles(tile, overlap)
    check_tiles(64, 16)
