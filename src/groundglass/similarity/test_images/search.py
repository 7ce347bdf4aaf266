"""Does a photo show a test image: all of it, inside a larger image, in part, mirrored or turned?

Candidates come from the relief of the whole photo (copies, in eight orientations) and from local features (a crop of
either one). Each is aligned with the test image and must then correlate with its relief: no chance match passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.libraries import cv2
from groundglass.similarity.test_images.fingerprints import Print
from groundglass.similarity.test_images.inverted_index import Index, candidates, matches, unit
from groundglass.similarity.test_images.local_features import Features, find_features, working
from groundglass.similarity.test_images.sign_map import CELLS, cell_means, correlation, relief
from groundglass.similarity.test_images.similarity_transform import Similarity, fit

Luma = npt.NDArray[np.uint8]
SIDE = 768
"""Before feature detection a photo is reduced to this longer side, px."""
MOST = 1200
"""The most features of a photo."""
CANDIDATES = 10
"""Faces of test images that are compared closely."""
NEAR = 64
"""Matched descriptors may differ in this many of 256 bits."""
FEWEST = 5
"""With fewer inliers, matched features are not evidence."""
ALIKE = 0.7
"""Two images show the same if their reliefs correlate by at least this …"""
FEW = 10
SURE = 0.8
"""… or by this, if fewer than `FEW` features agree. Chosen with benchmarks/leaks.py: a chance match had .67 with 5
features; the higher limit costs a few true matches."""
WHOLE = 0.85
"""This share of an image counts as all of it, because borders are often cropped."""
LEAST = 0.05
"""The smallest share of the test image that counts as a leak."""
SAMPLES = 8
"""Px per side from which a cell is averaged when a photo is aligned with a test image."""
SCALES = 1 / 12, 12.0
"""Px of the reduced test image per px of the reduced photo: a match outside this range is implausible."""


@dataclass(frozen=True)
class Leak:
    """A test image that was found in a photo.

    of         "Set5/woman"
    relation   "same", "contains" (all of the test image), "inside" (all of the photo is part of it), "overlaps"
    mirrored   whether it is mirrored
    score      correlation of the common part, `ALIKE` to 1
    overlap    share of the test image that the photo shows, 0 to 1
    matches    features that agree on its position; 0 if whole images were compared
    """

    of: str
    relation: str
    mirrored: bool
    score: float
    overlap: float
    matches: int


def find_leak(luma: Luma, index: Index) -> Leak | None:
    """The test image of the index that H×W uint8 ``luma`` shows most clearly; None if it shows none.

    >>> from dataclasses import replace
    >>> from groundglass import testing
    >>> from groundglass.similarity.test_images.inverted_index import build_index
    >>> from groundglass.similarity.test_images.fingerprints import make_print
    >>> luma = np.ascontiguousarray(testing.photo(480, 360)[..., 1])
    >>> index = build_index([replace(make_print(luma), set="mine", name="one")])
    >>> found = find_leak(np.ascontiguousarray(luma[60:, 340:40:-1]), index)
    >>> found.of, found.relation, found.mirrored
    ('mine/one', 'inside', True)
    """
    small = working(luma, SIDE)
    found = max(_whole(small, index), key=lambda leak: leak.score, default=None)
    # A copy of the whole image is certain and cheap; parts are searched only without one.
    if found is not None:
        return found
    features = find_features(small, MOST)
    parts = _parts(small, features, index, candidates(index, features, CANDIDATES))
    return max(parts, key=lambda leak: (leak.matches, leak.score), default=None)


def _whole(small: Luma, index: Index) -> Iterator[Leak]:
    """Test images that the whole photo correlates with, in any of eight orientations."""
    cells = cell_means(small)
    if not index.prints or relief(cells).std() < 1:
        return
    turns = np.stack([unit(relief(np.rot90(cells, turn))) for turn in range(4)])
    scores = (index.reliefs @ turns.T).max(axis=1)
    for face in np.flatnonzero(scores >= ALIKE).tolist():
        label = index.prints[face // 2].label
        yield Leak(label, "same", bool(face % 2), round(float(scores[face]), 3), 1.0, 0)


def _parts(small: Luma, features: Features, index: Index, faces: list[int]) -> Iterator[Leak]:
    """Test images that features find in the photo (or the photo in them) and that correlate in the common part."""
    for face in faces:
        known, theirs = index.prints[face // 2], index.faces[face]
        rows, columns = matches(features, theirs, NEAR)
        side = max(known.width, known.height)
        laid = fit(features.points[rows], theirs.points[columns], side)
        if laid is None or laid.inliers < FEWEST or not SCALES[0] <= laid.scale <= SCALES[1]:
            continue
        leak = _laid_over(small, known, laid, mirrored=bool(face % 2))
        if leak is not None:
            yield leak


def _laid_over(small: Luma, known: Print, laid: Similarity, *, mirrored: bool) -> Leak | None:
    """The leak, if the photo, aligned with the test image, shows the same; else None."""
    means, seen = _cells_seen(small, known, laid)
    theirs = known.relief[:, ::-1] if mirrored else known.relief
    score = correlation(relief(means, seen), theirs, seen)
    overlap = float(seen.mean())
    if score < (ALIKE if laid.inliers >= FEW else SURE) or overlap < LEAST:
        return None
    of_photograph = overlap * known.width * known.height / (small.size * laid.scale**2)
    relation = _relation(overlap, of_photograph)
    return Leak(known.label, relation, mirrored, round(score, 3), round(overlap, 3), laid.inliers)


def _cells_seen(
    small: Luma, known: Print, laid: Similarity
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """The photo's means in the test image's 32×32 cells, and which of these cells are entirely inside the photo."""
    size = CELLS * SAMPLES
    grid = np.diag([size / known.width, size / known.height]) @ laid.matrix
    shrunk = max(1.0, 1 / float(np.sqrt(abs(np.linalg.det(grid[:, :2])))))
    # Warping samples single px: without this blur a photo that shrinks would alias.
    image = cv2.GaussianBlur(small, (0, 0), 0.4 * shrunk) if shrunk > 1.5 else small
    warped = cv2.warpAffine(image, grid, (size, size), flags=cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.full_like(small, 255), grid, (size, size), flags=cv2.INTER_LINEAR)
    share = cv2.resize(inside, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    # 250 of 255: a cell that the border cuts would mix the photo with black.
    return cell_means(np.asarray(warped, np.uint8)), np.asarray(share) >= 250


def _relation(of_test: float, of_photograph: float) -> str:
    if of_test >= WHOLE:
        return "same" if of_photograph >= WHOLE else "contains"
    return "inside" if of_photograph >= WHOLE else "overlaps"
