"""Which boxes are kept, against a loop that does what the words say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundglass.models.architectures.box_nms import best_boxes, overlaps

SIDES = st.integers(0, 12)
BOX = st.tuples(SIDES, SIDES, SIDES, SIDES).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


def cells(box: tuple[int, int, int, int]) -> set[tuple[int, int]]:
    """The unit squares inside a box."""
    return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}


def by_counting(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    union = cells(one) | cells(other)
    return len(cells(one) & cells(other)) / len(union) if union else 0.0


@given(st.lists(st.tuples(BOX, st.integers(0, 5)), max_size=25), st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))
def test_suppression_is_what_a_slow_loop_does(
    found: list[tuple[tuple[int, int, int, int], int]], limit: float
):
    kept: list[int] = []
    for n in sorted(range(len(found)), key=lambda n: (-found[n][1], n)):
        if all(by_counting(found[n][0], found[k][0]) <= limit for k in kept):
            kept.append(n)
    boxes = np.array([box for box, _ in found], np.float64).reshape(-1, 4)
    scores = np.array([score for _, score in found], np.float64)
    assert best_boxes(boxes, scores, limit).tolist() == kept


@given(BOX, st.lists(BOX, min_size=1, max_size=10))
def test_overlap_counts_cells(one: tuple[int, int, int, int], others: list[tuple[int, int, int, int]]):
    found = overlaps(np.array(one, np.float64), np.array(others, np.float64))
    np.testing.assert_allclose(found, [by_counting(one, other) for other in others])
