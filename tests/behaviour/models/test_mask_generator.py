"""Masks that count: stability by its definition, boxes by the masks, discs by their number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import ImageError
from groundglass.models.architectures.mask_generator import (
    Proposals,
    Wishes,
    count,
    point_grid,
    propose,
    stability,
)
from groundglass.models.architectures.upsampled_masks import areas_and_boxes

torch = pytest.importorskip("torch")

CENTRES = [(10, 12), (30, 9), (52, 14), (12, 34), (34, 36), (50, 50), (14, 54)]


def disc(x: float, y: float, radius: float, side: int = 64) -> np.ndarray:
    """Logits of a disc: 8 inside, -8 outside, a slope of 2 px between."""
    down, across = np.mgrid[:side, :side]
    return np.clip(4 * (radius - np.hypot(across - x, down - y)), -8, 8)


def proposals(logits: np.ndarray, scores: np.ndarray, **wishes: float) -> Proposals:
    return propose(
        torch.tensor(logits, dtype=torch.float32), torch.tensor(scores), (1.0, 1.0), Wishes(side=64, **wishes)
    )


@given(
    st.integers(0, 999),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 40),
    st.floats(0.05, 1.0),
    st.sampled_from([0.5, 3.0, 30.0]),
)
def test_areas_and_boxes_are_those_of_the_enlarged_masks(
    seed: int, size: tuple[int, int], side: int, share: float, spread: float
):
    logits = np.random.default_rng(seed).normal(0, spread, (5, *size)).astype(np.float32)
    shown = (side, max(1, round(side * share)))
    areas, boxes = areas_and_boxes(logits, side, shown)
    large = torch.nn.functional.interpolate(torch.tensor(logits)[None], (side, side), mode="bilinear")[
        0
    ].numpy()
    large = large[:, : shown[0], : shown[1]]
    sure = np.abs(large[..., None] - [1, 0, -1]).min((1, 2, 3)) > 1e-4  # where rounding decides nothing
    for n in np.flatnonzero(sure):
        assert areas[n].tolist() == [(large[n] > limit).sum() for limit in (1, 0, -1)]
        rows, columns = np.nonzero(large[n] > 0)
        around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0, 0, 0, 0]
        assert boxes[n].tolist() == around


@given(
    st.integers(0, 999),
    st.tuples(st.integers(2, 9), st.integers(2, 9)),
    st.integers(8, 40),
    st.tuples(st.floats(0.2, 1.0), st.floats(0.2, 1.0)),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.sampled_from([0.5, 3.0, 30.0]),
)
def test_masks_are_brought_back_to_the_pictures_size_as_the_authors_do_it(
    seed: int,
    size: tuple[int, int],
    side: int,
    shares: tuple[float, float],
    picture: tuple[int, int],
    spread: float,
):
    """Enlarged to the square, its padding cut off, resized to the photograph."""
    logits = np.random.default_rng(seed).normal(-spread / 2, spread, (5, *size)).astype(np.float32)
    shown = max(1, round(side * shares[0])), max(1, round(side * shares[1]))
    areas, boxes = areas_and_boxes(logits, side, shown, image=picture)
    square = torch.nn.functional.interpolate(torch.tensor(logits)[None], (side, side), mode="bilinear")
    cut = square[..., : shown[0], : shown[1]]
    large = torch.nn.functional.interpolate(cut, picture, mode="bilinear")[0].numpy()
    sure = np.abs(large[..., None] - [1, 0, -1]).min((1, 2, 3)) > 1e-4 * spread
    for n in np.flatnonzero(sure):
        assert areas[n].tolist() == [(large[n] > limit).sum() for limit in (1, 0, -1)]
        rows, columns = np.nonzero(large[n] > 0)
        around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0, 0, 0, 0]
        assert boxes[n].tolist() == around


@given(st.integers(0, 999))
def test_stability_is_the_overlap_of_two_thresholds(seed: int):
    logits = np.random.default_rng(seed).normal(0, 2, (4, 6, 6)).astype(np.float32)
    expected = []
    for mask in logits:
        high, low = mask > 1, mask > -1
        expected.append((high & low).sum() / (high | low).sum())
    np.testing.assert_allclose(stability(areas_and_boxes(logits, 6, (6, 6))[0]), expected)


@pytest.mark.parametrize("k", range(1, len(CENTRES) + 1))
def test_k_discs_proposed_by_many_points_are_k(k: int):
    """Every disc is proposed nine times, a little larger and smaller, among much that is not trusted or unstable."""
    chance = np.random.default_rng(k)
    discs = [disc(x, y, 7 + d) for x, y in CENTRES[:k] for d in np.linspace(-0.2, 0.2, 9)]
    doubted = [disc(x, y, 7) for x, y in CENTRES]
    vague = [0.1 * disc(x, y, 9) for x, y in CENTRES]
    logits = np.stack(discs + doubted + vague)
    scores = np.concatenate(
        [chance.uniform(0.9, 1.0, len(discs)), [0.88] * len(doubted), [0.99] * len(vague)]
    )
    order = chance.permutation(len(logits))
    parts = [proposals(logits[part], scores[part], stability=0.8) for part in np.array_split(order, 4)]
    found = count(parts, 0.7)
    assert found["objects_sam"] == k
    assert found["objects_cover"] == pytest.approx(k * np.pi * 7**2 / 64**2, rel=0.1)


def test_no_mask_is_zero_objects_and_nothing_is_covered():
    assert count([proposals(np.full((3, 64, 64), -5.0), np.ones(3))], 0.7) == {
        "objects_sam": 0,
        "objects_cover": 0.0,
    }


def test_padding_is_no_part_of_the_picture():
    """A mask over everything covers the whole picture, where a quarter of the square is picture."""
    whole = torch.full((1, 64, 64), 5.0)
    found = propose(whole, torch.ones(1), (0.5, 0.5), Wishes(side=128))
    assert found.boxes.tolist() == [[0, 0, 64, 64]]
    assert count([found], 0.7) == {"objects_sam": 1, "objects_cover": 1.0}
    whole[:, :32, :32] = -5
    assert count([propose(whole, torch.ones(1), (0.5, 0.5), Wishes(side=128))], 0.7)["objects_sam"] == 0


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_no_number_is_an_error_and_never_a_count(broken: float):
    logits = np.zeros((2, 64, 64))
    with pytest.raises(ImageError, match="not numbers"):
        proposals(logits, np.array([0.9, broken]))
    logits[1, 3, 4] = broken
    with pytest.raises(ImageError, match="not numbers"):
        proposals(logits, np.array([0.9, 0.1]))


def test_points_lie_in_the_middle_of_their_cells():
    grid = point_grid(32)
    assert grid.shape == (1024, 2)
    assert grid.min() == 1 / 64
    assert grid.max() == 63 / 64
    assert len(np.unique(grid, axis=0)) == 1024
