"""An inverted index that finds the test images with features like a photo's, without comparing all of them.

A descriptor's 256 bits are cut into 16 keys of 16 bits. Descriptors of the same corner differ in few bits, so that some
key is equal (multi-index hashing: Norouzi, Punjani, Fleet 2012). The cost hardly grows with the number of test images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.libraries import njit
from groundglass.similarity.near_duplicates import count_bits
from groundglass.similarity.test_images.fingerprints import Print
from groundglass.similarity.test_images.local_features import WORDS, Features, Points
from groundglass.similarity.test_images.sign_map import CELLS, compressed
from groundglass.similarity.test_images.similarity_transform import count_agreeing

BANDS = 16
BUCKETS = 1 << 16
NEAR = 60
"""Descriptors of the same corner mostly differ in at most this many of 256 bits."""
CROWDED = 150
"""A bucket with more descriptors than this is skipped: its key is too common."""
PAIRS = 64
"""Pairs of features that are tested for agreement, for each face."""
FEWEST_AGREE = 3

Bits = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Index:
    """Fingerprints, and an index of their descriptors.

    prints       the test images
    faces        each one's features, unchanged and mirrored: faces 2i and 2i + 1 belong to print i
    descriptors, points  of all faces, one after the other
    sides        the longer side of each face in px
    owner        the face of each descriptor
    starts, laid  16 bands of buckets: ``laid[band, starts[band, key] : starts[band, key + 1]]`` are descriptors
    reliefs      2n×1024, unit length, unchanged and mirrored
    """

    prints: Sequence[Print]
    faces: Sequence[Features]
    descriptors: Bits
    points: Points
    sides: Points
    owner: Ints
    starts: Ints
    laid: Ints
    reliefs: npt.NDArray[np.float32]


def build_index(prints: Sequence[Print]) -> Index:
    """The index of fingerprints; it takes about 60 kB for each."""
    faces = [face for known in prints for face in (known.features, known.mirrored)]
    descriptors = np.concatenate([np.zeros((0, WORDS), np.uint64), *(face.descriptors for face in faces)])
    points = np.concatenate([np.zeros((0, 4), np.float32), *(face.points for face in faces)])
    sides = np.repeat([float(max(known.width, known.height)) for known in prints], 2).astype(np.float32)
    owner = np.repeat(np.arange(len(faces), dtype=np.int32), [len(face) for face in faces])
    keys = keys_of(descriptors)
    laid = np.empty((BANDS, len(descriptors)), np.int32)
    starts = np.zeros((BANDS, BUCKETS + 1), np.int32)
    for band in range(BANDS):
        laid[band] = np.argsort(keys[:, band], kind="stable")
        starts[band, 1:] = np.cumsum(np.bincount(keys[:, band], minlength=BUCKETS))
    shown = [side for known in prints for side in (known.relief, known.relief[:, ::-1])]
    reliefs = np.array([unit(side) for side in shown], np.float32).reshape(len(shown), CELLS * CELLS)
    return Index(prints, faces, descriptors, points, sides, owner, starts, laid, reliefs)


def keys_of(descriptors: Bits) -> npt.NDArray[np.uint16]:
    """The 16 keys of each descriptor: n×16."""
    return np.ascontiguousarray(descriptors.astype("<u8")).view("<u2").astype(np.uint16)


def unit(relief: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
    """A relief as a vector of mean 0 and length 1 (0 if it is flat), so that products are correlations."""
    values = compressed(relief).ravel()
    values = values - values.mean()
    length = np.sqrt(values @ values)
    return values / length if length > 0 else values


def candidates(index: Index, features: Features, most: int) -> list[int]:
    """The faces with the most agreeing features, best first; at most ``most``, and none with fewer than 3.

    Features agree if they imply the same similarity between the two images (`similarity_transform`).
    """
    if not len(features) or not len(index.descriptors):
        return []
    keys = keys_of(features.descriptors)
    counts, own, theirs = _look_up(
        features.descriptors, keys, index.descriptors, index.owner, index.starts, index.laid, len(index.faces)
    )
    agree = _agreeing(counts, own, theirs, features.points, index.points, index.sides)
    order = np.argsort(-agree, kind="stable")[:most]
    return [int(face) for face in order if agree[face] >= FEWEST_AGREE]


def matches(features: Features, face: Features, near: int) -> tuple[Ints, Ints]:
    """Pairs of a feature and its nearest feature of the face, if that is within ``near`` bits: rows of both."""
    nearest, bits = _nearest(features.descriptors, face.descriptors)
    rows = np.flatnonzero(bits <= near).astype(np.int32)
    return rows, nearest[rows]


@njit(cache=True, nogil=True)
def _bits_apart(a: Bits, i: int, b: Bits, j: int) -> np.int64:
    return np.int64(
        count_bits(a[i, 0] ^ b[j, 0]) + count_bits(a[i, 1] ^ b[j, 1])
        + count_bits(a[i, 2] ^ b[j, 2]) + count_bits(a[i, 3] ^ b[j, 3])
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _look_up(
    wanted: Bits, keys: npt.NDArray[np.uint16], known: Bits, owner: Ints, starts: Ints, laid: Ints, faces: int
) -> tuple[Ints, Ints, Ints]:
    """For each face: the number of features within `NEAR` bits of its descriptors, and the rows of the nearest pairs.

    Only the nearest pairs are kept, because blurred images have hundreds of pairs with every face.
    """
    counts, last = np.zeros(faces, np.int32), np.full(faces, -1, np.int32)
    own, theirs = np.zeros((faces, PAIRS), np.int32), np.zeros((faces, PAIRS), np.int32)
    bits = np.zeros((faces, PAIRS), np.int64)
    limit, slot = np.full(faces, NEAR, np.int64), np.zeros(faces, np.int32)
    for i in range(len(wanted)):
        for band in range(BANDS):
            key = np.int64(keys[i, band])
            start, stop = starts[band, key], starts[band, key + 1]
            # A common key, as of flat patches, would cost much and match by chance.
            if stop - start > CROWDED:
                continue
            for place in range(start, stop):
                j = laid[band, place]
                face = owner[j]
                apart = _bits_apart(wanted, i, known, j)
                if apart > limit[face] or (last[face] == i and apart >= bits[face, slot[face]]):
                    continue
                if last[face] != i:
                    last[face] = i
                    slot[face] = counts[face] if counts[face] < PAIRS else np.argmax(bits[face])
                    counts[face] = min(counts[face] + 1, PAIRS)
                row = slot[face]
                own[face, row], theirs[face, row], bits[face, row] = i, j, apart
                if counts[face] == PAIRS:
                    # The list is full: from here on only nearer pairs get in.
                    limit[face] = bits[face].max() - 1
    return counts, own, theirs


@njit(cache=True, nogil=True)
def _agreeing(counts: Ints, own: Ints, theirs: Ints, points: Points, known: Points, sides: Points) -> Ints:
    """For each face, the number of its pairs that agree with the best guess of one of them."""
    agree = np.zeros(len(counts), np.int32)
    for face in range(len(counts)):
        n = counts[face]
        if n < FEWEST_AGREE:
            continue
        a, b = points[own[face, :n]], known[theirs[face, :n]]
        for i in range(n):
            found = count_agreeing(a, b, i, sides[face])
            agree[face] = max(agree[face], found)
    return agree


@njit(cache=True, nogil=True)
def _nearest(wanted: Bits, known: Bits) -> tuple[Ints, Ints]:
    nearest, bits = np.zeros(len(wanted), np.int32), np.full(len(wanted), 257, np.int32)
    for i in range(len(wanted)):
        for j in range(len(known)):
            apart = _bits_apart(wanted, i, known, j)
            if apart < bits[i]:
                nearest[i], bits[i] = j, apart
    return nearest, bits
