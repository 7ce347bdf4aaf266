"""Near-duplicates among millions of 64-bit picture hashes.

Two pictures are near-duplicates when the Hamming distance of their hashes, or of one's hash and the other's mirrored
hash, is at most ``distance``.

Search is multi-index hashing (Norouzi, Punjani, Fleet 2012): a hash is cut into 4 bands of 16 bits; of two hashes
within distance d one band differs in at most d // 4 bits, so only pictures in those few buckets are compared.

Two questions, two answers:

- `near_duplicate_clusters`: who must stay together? Connected components. Chains count: a and c share a cluster
  when both are near b, so clusters of plain pictures can grow long. A split needs that: nothing near leaks.
- `nearest_kept`: who can go? Best first, a picture goes when one already kept is near *itself*. There are no chains:
  every dropped picture has a kept one within ``distance``, and no two kept ones are that near.

Equal hashes are brought together first, so a million blank pictures cost no more than one. Far distances (above
about 12) name unrelated pictures and visit many buckets: slow.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

BANDS = 4
WIDTH = 16
BUCKETS = 1 << WIDTH
DEFAULT_DISTANCE = 6

Bits = NDArray[np.uint64]


def to_bits(hashes: pa.ChunkedArray | pa.Array | NDArray[np.integer]) -> Bits:
    """Hashes as 64-bit numbers, from 16 hex digits or from integers; there must be no nulls.

    >>> to_bits(pa.array(["00000000000000ff", "8000000000000000"])).tolist()
    [255, 9223372036854775808]
    """
    if isinstance(hashes, np.ndarray):
        return hashes.astype(np.uint64)
    if pa.types.is_string(hashes.type) or pa.types.is_large_string(hashes.type):
        digits = "".join(hashes.to_pylist())
        if len(digits) != 16 * len(hashes):
            raise ValueError("a hash is 16 hex digits")
        return np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64)
    return np.asarray(hashes.to_numpy(zero_copy_only=False)).astype(np.uint64)


def near_duplicate_clusters(
    phash: Bits, phash_mirror: Bits, distance: int = DEFAULT_DISTANCE
) -> NDArray[np.int64]:
    """A label for each picture; equal labels are joined by a chain of near-duplicates.

    The label is the row number of the cluster's first picture. Takes uint64 arrays of `to_bits`.

    >>> near_duplicate_clusters(np.array([5, 7, 2**60], np.uint64), np.array([5, 7, 2**60], np.uint64), 1).tolist()
    [0, 0, 2]
    """
    unique, first, back = _unique(phash, phash_mirror)
    parent = _compare_all(*unique, _masks(distance), distance)
    labels = np.full(len(first), len(back), np.int64)
    roots = _roots(parent)
    np.minimum.at(labels, roots, first)
    return labels[roots][back]


def nearest_kept(
    phash: Bits, phash_mirror: Bits, distance: int = DEFAULT_DISTANCE
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For pictures given best first: the row of the kept picture that each is a near-duplicate of, and how near.

    A kept picture is its own; its distance is 0. Of several kept pictures that are better the nearest is named, of
    equally near ones the best. Pictures of one hash get one answer.

    >>> hashes = np.array([0b0001, 0b0011, 0b0111, 0b1111], np.uint64)
    >>> [column.tolist() for column in nearest_kept(hashes, hashes, 1)]
    [[0, 0, 2, 2], [0, 1, 0, 1]]
    """
    unique, first, back = _unique(phash, phash_mirror)
    twin, bits = _compare_kept(*unique, _masks(distance), distance)
    return first[twin][back], bits[back]


def _unique(
    phash: Bits, phash_mirror: Bits
) -> tuple[tuple[Bits, Bits], NDArray[np.int64], NDArray[np.int64]]:
    """Different hashes in the order of their first picture; that picture's row; and each picture's hash."""
    _, first, back = np.unique(phash, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    first = first[order]
    return (phash[first], phash_mirror[first]), first, rank[back]


def _masks(distance: int) -> NDArray[np.int64]:
    """Every change of a band by at most distance // 4 bits, the unchanged first."""
    places = [1 << bit for bit in range(WIDTH)]
    radius = min(distance // BANDS, WIDTH)
    return np.array([sum(chosen) for n in range(radius + 1) for chosen in combinations(places, n)], np.int64)


@njit(cache=True, nogil=True)
def count_bits(x: np.uint64) -> np.uint64:  # population count, Hacker's Delight fig. 5-2
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit(cache=True, nogil=True)
def _root(parent: NDArray[np.int64], i: np.int64) -> np.int64:
    while parent[i] != i:
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
    """The four bands of each hash: every fourth bit, so that all bands know as much of the picture."""
    keys = np.zeros((BANDS, len(hashes)), np.uint16)
    for i in range(len(hashes)):
        for bit in range(64):
            set_ = (hashes[i] >> np.uint64(bit)) & np.uint64(1)
            keys[bit % BANDS, i] |= np.uint16(set_ << np.uint64(bit // BANDS))
    return keys


@njit(cache=True, nogil=True)
def _starts(keys: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Where each bucket of each band starts when the hashes are laid out by bucket."""
    starts = np.zeros((BANDS, BUCKETS + 1), np.int64)
    for band in range(BANDS):
        for key in keys[band]:
            starts[band, key + 1] += 1
        starts[band] = np.cumsum(starts[band])
    return starts


@njit(cache=True, nogil=True)
def _compare_all(hashes: Bits, mirrors: Bits, masks: NDArray[np.int64], distance: int) -> NDArray[np.int64]:
    """Join each hash with every earlier one that is near: a union-find forest."""
    n = len(hashes)
    parent, own, other = np.arange(n), _keys(hashes), _keys(mirrors)
    starts = _starts(own)
    ends = starts[:, :-1].copy()
    laid, names = np.empty((BANDS, n), np.uint64), np.empty((BANDS, n), np.int32)
    for i in range(n):
        for side in range(2):
            wanted = hashes[i] if side == 0 else mirrors[i]
            for band in range(BANDS):
                key = np.int64(own[band, i] if side == 0 else other[band, i])
                for mask in masks:
                    bucket = key ^ mask
                    for place in range(starts[band, bucket], ends[band, bucket]):
                        if count_bits(wanted ^ laid[band, place]) <= distance:
                            a, b = _root(parent, np.int64(i)), _root(parent, np.int64(names[band, place]))
                            parent[max(a, b)] = min(a, b)
        _lay(i, hashes[i], own, ends, laid, names)
    return parent


@njit(cache=True, nogil=True)
def _compare_kept(
    hashes: Bits, mirrors: Bits, masks: NDArray[np.int64], distance: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each hash the nearest earlier one that was kept, or itself, and their distance."""
    n = len(hashes)
    twin, bits, own, other = np.arange(n), np.zeros(n, np.int64), _keys(hashes), _keys(mirrors)
    starts = _starts(own)
    ends = starts[:, :-1].copy()
    laid, names = np.empty((BANDS, n), np.uint64), np.empty((BANDS, n), np.int32)
    for i in range(n):
        best = distance + 1
        for side in range(2):
            wanted = hashes[i] if side == 0 else mirrors[i]
            for band in range(BANDS):
                key = np.int64(own[band, i] if side == 0 else other[band, i])
                for mask in masks:
                    bucket = key ^ mask
                    for place in range(starts[band, bucket], ends[band, bucket]):
                        apart = np.int64(count_bits(wanted ^ laid[band, place]))
                        if apart <= best and apart <= distance:
                            name = np.int64(names[band, place])
                            if apart < best or name < twin[i]:
                                best, twin[i], bits[i] = apart, name, apart
        if best > distance:
            _lay(i, hashes[i], own, ends, laid, names)
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
    """Lay a hash into its bucket of each band, where later ones find it."""
    for band in range(BANDS):
        place = ends[band, keys[band, i]]
        laid[band, place], names[band, place] = hash_, i
        ends[band, keys[band, i]] = place + 1
