"""Near-duplicate search against the slow obvious way."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.similarity.near_duplicates import near_duplicate_clusters, nearest_kept


def distances(phash: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    return np.minimum(
        np.bitwise_count(phash[:, None] ^ phash[None, :]), np.bitwise_count(mirror[:, None] ^ phash[None, :])
    ).astype(int)


def flipped_bits(bits: np.ndarray) -> np.ndarray:
    """A mirror that is its own mirror, as a picture's is: reversed bit order."""
    return np.array([int(f"{int(x):064b}"[::-1], 2) for x in bits], np.uint64)


@st.composite
def hashes(draw: st.DrawFn) -> np.ndarray:
    """Hashes in a few neighbourhoods, so that near, far, equal and chained pairs all occur."""
    centres = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4))
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from(centres), st.lists(st.integers(0, 63), max_size=7)),
            min_size=1,
            max_size=40,
        )
    )
    return np.array([centre ^ sum(1 << bit for bit in set(bits)) for centre, bits in rows], np.uint64)


@settings(deadline=None)
@given(hashes(), st.integers(0, 12))
def test_clusters_are_the_connected_components(phash: np.ndarray, distance: int) -> None:
    mirror = flipped_bits(phash)
    near = distances(phash, mirror) <= distance
    reach = near | near.T | np.eye(len(phash), dtype=bool)
    for _ in range(len(phash)):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    labels = near_duplicate_clusters(phash, mirror, distance)
    assert ((labels[:, None] == labels[None, :]) == reach).all()
    assert all(labels[row] == np.flatnonzero(reach[row])[0] for row in range(len(phash)))


@settings(deadline=None, max_examples=60)
@given(hashes(), st.integers(0, 12))
def test_nearest_kept_covers_and_never_chains(phash: np.ndarray, distance: int) -> None:
    mirror = flipped_bits(phash)
    apart = distances(phash, mirror)
    twin, bits = nearest_kept(phash, mirror, distance)
    kept: list[int] = []
    answers: dict[int, tuple[int, int]] = {}
    for row, value in enumerate(phash.tolist()):
        near = [(int(apart[row, other]), other) for other in kept if apart[row, other] <= distance]
        expected = answers.setdefault(value, min(near) if near else (0, row))
        assert (int(bits[row]), int(twin[row])) == expected
        if not near:
            kept.append(row)


def test_a_crowd_of_blank_pictures_costs_no_more_than_one() -> None:
    blank = np.zeros(300_000, np.uint64)
    assert (near_duplicate_clusters(blank, blank) == 0).all()
    twin, bits = nearest_kept(blank, blank)
    assert (twin == 0).all()
    assert (bits == 0).all()
