"""The 36 numbers that describe the texture of a patch, at two scales."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundglass.errors import NoValue
from groundglass.libraries import cv2, special
from groundglass.measures.naturalness.moments import MAPS, SUMS, Floats, Luma, patch_moments

PATCH = 96
"""Side of a patch, px; half of it at the second scale."""
FEATURES = 36
"""Of each scale 18: shape and spread of the coefficients, then shape, mean and both spreads of each product."""
SMALLEST = 2 * PATCH
"""The shorter side, px, from which there are four patches."""
MOST = 256
"""The most patches of an image; those of larger images are evenly spread."""
TEXTURED = 0.1
"""The least texture of a patch: a burnt-out sky next to a roof has too little for a fit."""
MIRRORED = np.r_[0:10, 14:18, 10:14]
"""The features of one scale in the order of the mirrored image: the diagonals change places."""
_SHAPES = 0.2, 10.0, 0.001  # of the distributions: least, greatest, step of the table


class Patches(NamedTuple):
    """The patches of an image that have texture.

    features  n×36
    sharpness mean local deviation of each, grey levels
    texture   share of its pixels that differ from their surroundings, `TEXTURED` to 1
    """

    features: Floats
    sharpness: Floats
    texture: Floats


def patch_features(luma: Luma) -> Patches:
    """The features of patches of 96 px of H×W uint8 ``luma``: as many as fit side by side, at most 256.

    They are spread over the image so that the first and the last ones touch its edges, and the same patches are seen
    in the mirrored image. A patch without texture (one colour) is left out.

    Raises NoValue ``too_small`` where a side is under 192 px.

    >>> from groundglass import testing
    >>> patches = patch_features(np.ascontiguousarray(testing.photo(320, 240)[..., 1]))
    >>> patches.features.shape, patches.sharpness.shape
    ((6, 36), (6,))
    """
    height, width = luma.shape
    if min(height, width) < SMALLEST:
        raise NoValue("too_small", f"{width} x {height} px, {SMALLEST} are needed")
    # Even sides, so that both scales show exactly the same places.
    even = luma[: height // 2 * 2, : width // 2 * 2]
    rows, columns = _counts(height // PATCH, width // PATCH)
    tops, lefts = np.meshgrid(_spread(height // 2, rows), _spread(width // 2, columns), indexing="ij")
    sums, sharpness = patch_moments(even, 2 * tops.ravel(), 2 * lefts.ravel(), PATCH)
    half = np.asarray(cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    coarse, _ = patch_moments(half, tops.ravel(), lefts.ravel(), PATCH // 2)
    # A patch needs texture at both scales, since both give half of its features.
    texture = np.minimum(_texture(sums), _texture(coarse))
    good = texture >= TEXTURED
    described = np.hstack([describe(sums[good]), describe(coarse[good])])
    return Patches(described, sharpness[good], texture[good])


def _texture(sums: Floats) -> Floats:
    """The share of a patch's coefficients that are not 0; 0 where a map has values of one sign only."""
    count, below, above = (sums[..., place] for place in range(3))
    fitting = (np.minimum(below, above) > 0).all(axis=1)
    return np.where(fitting, (below + above)[:, 0] / count[:, 0], 0.0)


def _counts(rows: int, columns: int) -> tuple[int, int]:
    """Fewer rows and columns in the same proportion where there would be more than `MOST` patches.

    >>> _counts(5, 5), _counts(22, 40)
    ((5, 5), (11, 20))
    """
    if rows * columns <= MOST:
        return rows, columns
    fewer = min(rows, max(1, int(np.sqrt(MOST * rows / columns))))
    return fewer, min(columns, max(1, round(fewer * columns / rows)), MOST // fewer)


def _spread(length: int, count: int) -> npt.NDArray[np.int64]:
    """The starts of ``count`` half-size patches on ``length`` px, the same counted from both ends.

    >>> _spread(150, 3).tolist(), _spread(48, 1).tolist()
    ([0, 51, 102], [0])
    """
    room = length - PATCH // 2
    if count == 1:
        return np.array([room // 2])
    starts = np.arange(count) * room // (count - 1)
    half = count // 2
    starts[count - half :] = room - starts[:half][::-1]
    return starts


def describe(sums: Floats) -> Floats:
    """n×18 features of n×5×6 sums (`SUMS`): the coefficients' α and β, and γ, η, βl, βr of each product.

    Every map must have negative and positive values.
    """
    shape, mean, left, right = fit(sums)
    plain = np.stack([shape[:, 0], (left[:, 0] + right[:, 0]) / 2], axis=1)
    products = np.stack([shape, mean, left, right], axis=2)[:, 1:]
    return np.hstack([plain, products.reshape(len(sums), 4 * (MAPS - 1))])


def fit(sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Shape γ, mean η and spreads βl, βr of asymmetric generalised Gaussians, eqs. 7 and 8, by moments.

    ``sums`` are (…, 6). Source of the estimator: Lasmar, Stitou and Berthoumieu, "Multiscale skewed heavy tailed model
    for texture analysis", ICIP 2009. Shapes are in .2 to 10.

    >>> values = np.random.default_rng(0).laplace(size=100_000)
    >>> low, high = values[values < 0], values[values > 0]
    >>> sums = [values.size, low.size, high.size, (low**2).sum(), (high**2).sum(), abs(values).sum()]
    >>> [round(float(value), 1) + 0 for value in fit(np.array(sums, float))]
    [1.0, 0.0, 1.0, 1.0]
    """
    assert sums.shape[-1] == SUMS
    count, below, above, below2, above2, absolute = np.moveaxis(sums, -1, 0)
    left, right = np.sqrt(below2 / below), np.sqrt(above2 / above)
    skew = left / right
    ratio = (absolute / count) ** 2 / ((below2 + above2) / count)
    ratio = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shapes, ratios = _table()
    shape = np.interp(ratio, ratios, shapes)
    scale = np.sqrt(special.gamma(1 / shape) / special.gamma(3 / shape))
    left, right = left * scale, right * scale
    return shape, (right - left) * special.gamma(2 / shape) / special.gamma(1 / shape), left, right


@cache
def _table() -> tuple[Floats, Floats]:
    """Shapes, and (E|x|)² ÷ E x² of a generalised Gaussian of each."""
    least, greatest, step = _SHAPES
    shapes = np.arange(least, greatest + step / 2, step)
    return shapes, special.gamma(2 / shapes) ** 2 / (special.gamma(1 / shapes) * special.gamma(3 / shapes))
