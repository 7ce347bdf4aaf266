"""Near-duplicates among millions of 64-bit perceptual hashes.

Two images are near-duplicates if the Hamming distance of their hashes, with either of them in any of eight orientations
(mirrored, turned: `similarity.orientations`), is at most ``distance``, and if their details, in the same orientation,
correlate by at least `LEAST`. An image without detail has no near-duplicates: hashes of skies and dark frames are alike
by chance.

The search is multi-index hashing (Norouzi, Punjani, Fleet 2012): a hash is cut into 4 bands of 16 bits; if two hashes
are within distance d, one band differs in at most d // 4 bits, so only images in those few buckets are compared.

Two questions, two answers:

- `near_duplicate_clusters`: which images must stay together? Connected components. Chains count: a and c share a
  cluster if both are near b, so clusters of plain images can grow long. A split needs that: no near-duplicate leaks.
- `nearest_kept`: which images can be dropped? Best first, an image is dropped if a kept one is near *it*. There are no
  chains: every dropped image has a kept one within ``distance``, and no two kept ones are that near.

Images with equal hashes and similar details are grouped first and compared as one, so a million frames of one scene
cost no more than one. Large distances (above about 12) match unrelated images and visit many buckets, which is slow.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import njit
from groundglass.similarity.orientations import ways_of_cells

BANDS = 4
WIDTH = 16
BUCKETS = 1 << WIDTH
DEFAULT_DISTANCE = 6
LEAST = 0.8
"""Two images show the same if their details correlate by at least this."""

Bits = NDArray[np.uint64]
Details = NDArray[np.int8]


def near_duplicate_clusters(
    phash: Bits, others: Bits, distance: int = DEFAULT_DISTANCE, details: Details | None = None
) -> NDArray[np.int64]:
    """A label for each image; images with equal labels are joined by a chain of near-duplicates.

    The label is the row number of the cluster's first image. Takes uint64 arrays: ``others`` are the
    hashes of the same images mirrored (n), or in the orientations 1 to 7 (7×n, `ways_of_hashes`). ``details`` (n×256)
    are those of `to_details`; without them only hashes decide.

    >>> near_duplicate_clusters(np.array([5, 7, 2**60], np.uint64), np.array([5, 7, 2**60], np.uint64), 1).tolist()
    [0, 0, 2]
    """
    seen, known, first, back = _unique(phash, others, details)
    parent = _compare_all(seen, *_ways(known), *_masks(distance), distance)
    labels = np.full(len(first), len(back), np.int64)
    roots = _roots(parent)
    np.minimum.at(labels, roots, first)
    return labels[roots][back]


def nearest_kept(
    phash: Bits, others: Bits, distance: int = DEFAULT_DISTANCE, details: Details | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For images sorted best first: the row of the kept image that each is a near-duplicate of, and their distance.

    For a kept image that is its own row, with distance 0. Of several kept images the nearest is named, and of equally
    near ones the best. Images with equal hashes and similar details get the same answer.

    >>> hashes = np.array([0b0001, 0b0011, 0b0111, 0b1111], np.uint64)
    >>> [column.tolist() for column in nearest_kept(hashes, hashes, 1)]
    [[0, 0, 2, 2], [0, 1, 0, 1]]
    """
    seen, known, first, back = _unique(phash, others, details)
    twin, bits = _compare_kept(seen, *_ways(known), *_masks(distance), distance)
    return first[twin][back], bits[back]


def _unique(
    phash: Bits, others: Bits, details: Details | None
) -> tuple[Bits, Details, NDArray[np.int64], NDArray[np.int64]]:
    """Distinct images: their hashes in all orientations, details and first row; and each row's distinct image."""
    _, same = np.unique(phash, return_inverse=True)
    same = same.reshape(-1)
    known = np.empty((len(phash), 0), np.int8) if details is None else details
    order = np.argsort(same, kind="stable")
    firsts = _first_alike(order, same[order], known, _lengths(known))
    first, back = np.unique(firsts, return_inverse=True)
    return np.vstack([phash, others])[:, first], known[first], first, back.reshape(-1)


def _ways(details: Details) -> tuple[Details, NDArray[np.float64], NDArray[np.int64]]:
    """Details, their lengths, and the place of each cell in each orientation."""
    return details, _lengths(details), ways_of_cells()


def _lengths(details: Details) -> NDArray[np.float64]:
    return np.sqrt(np.einsum("ij,ij->i", details, details, dtype=np.float64))


def _masks(distance: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All changes of a band by few bits, no change first; and how many of them each band needs.

    If hashes are within ``distance``, at least one band differs in no more bits than its radius, because the radii sum
    to ``distance`` - 3: if every band exceeded its radius, more bits than that would differ (radius -1 is never met).
    """
    places = [1 << bit for bit in range(WIDTH)]
    radii = [min((distance - band) // BANDS, WIDTH) if distance >= band else -1 for band in range(BANDS)]
    masks = [sum(chosen) for n in range(max(radii) + 1) for chosen in combinations(places, n)]
    counts = [sum(comb(WIDTH, n) for n in range(radius + 1)) for radius in radii]
    return np.array(masks, np.int64), np.array(counts, np.int64)


@njit(cache=True, nogil=True)
def count_bits(x: np.uint64) -> np.uint64:  # population count, Hacker's Delight fig. 5-2
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit(cache=True, nogil=True)
def _root(parent: NDArray[np.int64], i: np.int64) -> np.int64:
    while parent[i] != i:
        # Path halving keeps the trees flat without a second pass.
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def _roots(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    roots = np.empty_like(parent)
    for i in range(len(parent)):
        roots[i] = _root(parent, np.int64(i))
    return roots


@njit(cache=True, nogil=True)
def _keys(hashes: Bits) -> NDArray[np.uint16]:
    """The four bands of each hash: every fourth bit, so that all bands carry the same amount of information."""
    keys = np.zeros((BANDS, len(hashes)), np.uint16)
    for i in range(len(hashes)):
        for band in range(BANDS):
            keys[band, i] = _key(hashes[i], band)
    return keys


@njit(cache=True, nogil=True)
def _key(hash_: np.uint64, band: int) -> np.int64:
    """Every fourth bit of a hash, from bit ``band``."""
    # Hacker's Delight 7-2, for every fourth bit.
    x = (hash_ >> np.uint64(band)) & np.uint64(0x1111111111111111)
    x = (x | (x >> np.uint64(3))) & np.uint64(0x0303030303030303)
    x = (x | (x >> np.uint64(6))) & np.uint64(0x000F000F000F000F)
    x = (x | (x >> np.uint64(12))) & np.uint64(0x000000FF000000FF)
    return np.int64((x | (x >> np.uint64(24))) & np.uint64(0xFFFF))


@njit(cache=True, nogil=True)
def _starts(keys: NDArray[np.uint16]) -> NDArray[np.int64]:
    """The start of each bucket of each band, with hashes sorted by bucket."""
    starts = np.zeros((BANDS, BUCKETS + 1), np.int64)
    for band in range(BANDS):
        for key in keys[band]:
            starts[band, key + 1] += 1
        starts[band] = np.cumsum(starts[band])
    return starts


@njit(cache=True, nogil=True)
def _agree(details: Details, lengths: NDArray[np.float64], places: NDArray[np.int64], i: int, j: int) -> bool:
    """Whether the details of i, in one orientation, and of j correlate; true if no details were given at all."""
    if details.shape[1] == 0:
        return True
    if lengths[i] == 0 or lengths[j] == 0:
        return False
    total = np.int64(0)
    for cell in range(details.shape[1]):
        total += np.int64(details[i, places[cell]]) * np.int64(details[j, cell])
    return total >= LEAST * lengths[i] * lengths[j]


@njit(cache=True, nogil=True)
def _first_alike(
    order: NDArray[np.int64], same: NDArray[np.int64], details: Details, lengths: NDArray[np.float64]
) -> NDArray[np.int64]:
    """For each image the first one with the same hash and detail; ``order`` has equal hashes next to each other."""
    firsts, heads = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    upright, count = np.arange(details.shape[1]), 0
    for place in range(len(order)):
        i = order[place]
        if place == 0 or same[place] != same[place - 1]:
            count = 0
        firsts[i] = i
        for head in heads[:count]:
            if _agree(details, lengths, upright, i, head):
                firsts[i] = head
                break
        # An image without detail matches none, so nothing is compared with it.
        if firsts[i] == i and (details.shape[1] == 0 or lengths[i] > 0):
            heads[count] = i
            count += 1
    return firsts


@njit(cache=True, nogil=True)
def _compare_all(
    hashes: Bits,
    details: Details,
    lengths: NDArray[np.float64],
    places: NDArray[np.int64],
    masks: NDArray[np.int64],
    counts: NDArray[np.int64],
    distance: int,
) -> NDArray[np.int64]:
    """Join each image with every earlier one that is near, in any orientation: a union-find forest."""
    n = hashes.shape[1]
    parent, own = np.arange(n), _keys(hashes[0])
    starts = _starts(own)
    ends = starts[:, :-1].copy()
    laid, names = np.empty((BANDS, n), np.uint64), np.empty((BANDS, n), np.int32)
    for i in range(n):
        if details.shape[1] and lengths[i] == 0:
            continue
        for side in range(len(hashes)):
            wanted = hashes[side, i]
            for band in range(BANDS):
                key = _key(wanted, band)
                for mask in masks[: counts[band]]:
                    bucket = key ^ mask
                    for place in range(starts[band, bucket], ends[band, bucket]):
                        # The cheap test first: most images in a bucket are far away.
                        if count_bits(wanted ^ laid[band, place]) <= distance:
                            a, b = _root(parent, np.int64(i)), _root(parent, np.int64(names[band, place]))
                            if a != b and _agree(details, lengths, places[side], i, names[band, place]):
                                # The smaller row is the root, so that a cluster's label is its first image.
                                parent[max(a, b)] = min(a, b)
        _lay(i, hashes[0, i], own, ends, laid, names)
    return parent


@njit(cache=True, nogil=True)
def _compare_kept(
    hashes: Bits,
    details: Details,
    lengths: NDArray[np.float64],
    places: NDArray[np.int64],
    masks: NDArray[np.int64],
    counts: NDArray[np.int64],
    distance: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each image the nearest earlier one that was kept (or the image itself), and their distance."""
    n = hashes.shape[1]
    twin, bits, own = np.arange(n), np.zeros(n, np.int64), _keys(hashes[0])
    starts = _starts(own)
    ends = starts[:, :-1].copy()
    laid, names = np.empty((BANDS, n), np.uint64), np.empty((BANDS, n), np.int32)
    for i in range(n):
        if details.shape[1] and lengths[i] == 0:
            continue
        best = distance + 1
        for side in range(len(hashes)):
            wanted = hashes[side, i]
            for band in range(BANDS):
                key = _key(wanted, band)
                for mask in masks[: counts[band]]:
                    bucket = key ^ mask
                    for place in range(starts[band, bucket], ends[band, bucket]):
                        apart = np.int64(count_bits(wanted ^ laid[band, place]))
                        name = int(names[band, place])
                        nearer = apart < best or (apart == best and name < twin[i])
                        if apart <= distance and nearer and _agree(details, lengths, places[side], i, name):
                            best, twin[i], bits[i] = apart, name, apart
        # Only kept images are put into the buckets: that is why there are no chains.
        if best > distance:
            _lay(i, hashes[0, i], own, ends, laid, names)
    return twin, bits


@njit(cache=True, nogil=True)
def _lay(
    i: int,
    hash_: np.uint64,
    keys: NDArray[np.uint16],
    ends: NDArray[np.int64],
    laid: NDArray[np.uint64],
    names: NDArray[np.int32],
) -> None:
    """Put a hash into its bucket of each band, where later ones find it."""
    for band in range(BANDS):
        place = ends[band, keys[band, i]]
        laid[band, place], names[band, place] = hash_, i
        ends[band, keys[band, i]] = place + 1
