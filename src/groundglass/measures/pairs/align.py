"""How one image of a pair is shifted, turned and scaled against the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import cv2

Plane = NDArray[np.float32]
Matrix = NDArray[np.float64]

FINE, COARSE = 0.625, 3.0
"""Standard deviations of the band that is compared, in px of LQ: finer detail exists on one side only, coarser light
moves nothing."""
LEAST = 96
"""Pixels of HQ that a side needs: below, too few structures decide an affine map."""
CLIPPED = 4.0
"""Mean deviations at which the band is clipped if the first search fails: one strong object, true or false, must not
decide alone."""
ITERATIONS, EPSILON = 200, 1e-6
"""ECC's most iterations, and the change of the correlation at which it ends."""
ENOUGH = 0.7
"""Correlation at which no further search is tried."""


@dataclass(frozen=True)
class Alignment:
    """The map from places of the upscaled LQ image to places of HQ, in px of HQ.

    Shift and rotation are those of the best rigid map. Along stripes, an affine map is nearly free to slide, and its
    shift would be wrong by up to .3 px.

    matrix       the affine map, 2×3: HQ place = matrix · (x, y, 1)
    shift_x, shift_y  displacement of the centre, px
    corner       the largest displacement of a corner by the affine map, px
    rotation     degrees, positive from x to y
    correlation  of both bands after the affine map, -1 to 1
    """

    matrix: Matrix
    shift_x: float
    shift_y: float
    corner: float
    rotation: float
    correlation: float

    @property
    def shift(self) -> float:
        """The length of the centre's displacement, px."""
        return float(np.hypot(self.shift_x, self.shift_y))


class _Found(NamedTuple):
    """Maps as 2×3 matrices, and the correlation after the affine one."""

    affine: Matrix
    rigid: Matrix
    correlation: float


def luma(rgb: NDArray[Any]) -> Plane:
    """BT.601 luma of the full range 0 to 255, float32 H×W; a plane stays as it is."""
    if rgb.ndim == 2:
        return rgb.astype(np.float32)
    return cast(Plane, rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))


def upscaled(lq: NDArray[Any], width: int, height: int) -> NDArray[np.float32]:
    """LQ in the size of HQ, bicubic, float32 without clipping."""
    large = cv2.resize(lq.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return large.astype(np.float32, copy=False)


def align(lq: NDArray[Any], hq: NDArray[Any]) -> Alignment | None:
    """The affine map between LQ, H×W[×3], and a larger or equal HQ; None if one is flat or under 96 px.

    If the search fails, it is the shift alone with its correlation: near 0 for two different scenes.

    Both as luma of one size (LQ upscaled by bicubic), as a band: Gaussian σ .625 minus σ 3 px of LQ (2.5 and 12 px of
    HQ at ×4). First the shift by phase correlation (Kuglin & Hines 1975), then a rigid and last an affine map by the
    enhanced correlation coefficient (Evangelidis & Psarakis, PAMI 2008, section 4).

    >>> random = np.random.default_rng(0)
    >>> scene = cv2.GaussianBlur(random.uniform(0, 255, (200, 200)).astype(np.float32), (0, 0), 3)
    >>> found = align(scene[10:170, 10:170], scene[12:172, 7:167])
    >>> round(found.shift_x, 1), round(found.shift_y, 1)
    (3.0, -2.0)
    """
    height, width = hq.shape[:2]
    if min(height, width) < LEAST:
        return None
    scale = max(width / lq.shape[1], 1.0)
    ours, theirs = band(upscaled(luma(lq), width, height), scale), band(luma(hq), scale)
    if min(ours.std(), theirs.std()) < 1e-3:
        return None
    found = _refined(ours, theirs)
    if found.correlation < ENOUGH:
        again = _refined(_clipped(ours), _clipped(theirs))
        found = max(found, again, key=lambda one: one.correlation)
    return _described(found, width, height)


def band(plane: Plane, scale: float) -> Plane:
    """The detail of a plane that both images of a pair have."""
    fine = cv2.GaussianBlur(plane, (0, 0), FINE * scale)
    return cast(Plane, fine - cv2.GaussianBlur(plane, (0, 0), COARSE * scale))


def _clipped(detail: Plane) -> Plane:
    limit = CLIPPED * float(np.abs(detail).mean())
    return np.clip(detail, -limit, limit)


def warped(hq: NDArray[Any], matrix: Matrix) -> NDArray[np.float32]:
    """HQ moved onto the upscaled LQ, cubic; outside of HQ its edge is repeated."""
    return cv2.warpAffine(
        hq.astype(np.float32),
        matrix,
        hq.shape[1::-1],
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32, copy=False)


def _first_shift(ours: Plane, theirs: Plane) -> tuple[float, float]:
    window = cv2.createHanningWindow((ours.shape[1], ours.shape[0]), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(ours, theirs, window)
    limit = min(ours.shape) / 4
    return (x, y) if max(abs(x), abs(y)) < limit else (0.0, 0.0)


def _refined(ours: Plane, theirs: Plane) -> _Found:
    """The maps and the correlation after the affine one, from the better of the found shift and none."""
    tried: list[_Found] = []
    for x, y in dict.fromkeys((_first_shift(ours, theirs), (0.0, 0.0))):
        found = _from_shift(ours, theirs, np.array([[1, 0, x], [0, 1, y]], np.float32))
        tried.append(found)
        if found.correlation > ENOUGH:
            break
    return max(tried, key=lambda one: one.correlation)


def _from_shift(ours: Plane, theirs: Plane, first: NDArray[np.float32]) -> _Found:
    """The rigid map from a shift, and the affine map from the rigid one; if a search fails, the map before it."""
    rigid, affine, correlation = first, first, None
    try:
        correlation, rigid = _ecc(ours, theirs, first, cv2.MOTION_EUCLIDEAN)
        affine = rigid
        correlation, affine = _ecc(ours, theirs, rigid, cv2.MOTION_AFFINE)
    except cv2.error:  # the iteration left the image or met a flat overlap
        if correlation is None:
            moved = warped(theirs, first.astype(np.float64))
            correlation = float(np.corrcoef(ours.ravel(), moved.ravel())[0, 1])
    return _Found(affine.astype(np.float64), rigid.astype(np.float64), correlation)


def _ecc(
    ours: Plane, theirs: Plane, first: NDArray[np.float32], motion: int
) -> tuple[float, NDArray[np.float32]]:
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ITERATIONS, EPSILON)
    everywhere = np.ones(ours.shape, np.uint8)
    correlation, matrix = cv2.findTransformECC(ours, theirs, first.copy(), motion, criteria, everywhere, 1)
    return float(correlation), cast(NDArray[np.float32], matrix)


def _described(found: _Found, width: int, height: int) -> Alignment:
    right, bottom = width - 1, height - 1
    corners = np.array([[0, right, 0, right], [0, 0, bottom, bottom], [1.0] * 4])
    corner = float(np.hypot(*(found.affine @ corners - corners[:2])).max())
    center = np.array([right / 2, bottom / 2, 1.0])
    x, y = found.rigid @ center - center[:2]
    rotation = float(np.degrees(np.arctan2(found.rigid[1, 0], found.rigid[0, 0])))
    return Alignment(found.affine, float(x), float(y), corner, rotation, found.correlation)
