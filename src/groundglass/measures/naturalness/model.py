"""Multivariate Gaussians of features: fitted to the sharp patches of a reference, and how far an image is from one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from groundglass.errors import NoValue, RecipeError
from groundglass.measures.naturalness.features import FEATURES, MIRRORED, Patches
from groundglass.measures.naturalness.moments import Floats

SHARP = 0.75
"""Share of the sharpest patch's deviation from which a patch of a reference counts (T of section II.B)."""
TEXTURED = 0.5
"""The least texture of a patch of a reference: flat drawings among the photos add nothing."""
PICTURES, PATCHES = 20, 5 * FEATURES
"""The fewest images and sharp patches for a reference. With 40 photos, about 180 patches, other images
are ranked much as with 193 photos (SRCC .94, mean of 20 draws); with 10 photos, SRCC .72."""
DIGITS = 9
"""Significant digits of a fit: two machines agree to this many."""


class SharpSums(NamedTuple):
    """An image's contribution to a fit.

    patches   how many of its patches are sharp
    total     36 sums of their features
    products  36×36 sums of products of them
    """

    patches: int
    total: Floats
    products: Floats


class Gaussian(NamedTuple):
    """Mean (36) and covariance (36×36) of features, and the number of images and patches behind them."""

    mean: Floats
    covariance: Floats
    images: int
    patches: int


def sharp_sums(patches: Patches) -> SharpSums:
    """The sums of the sharp patches of one image. Raises NoValue ``flat`` where none has enough texture.

    >>> sharp_sums(Patches(np.ones((4, 36)), np.array([4.0, 3.5, 2.0, 5.0]), np.array([1, 1, 1, 0.2]))).patches
    2
    """
    full = patches.texture >= TEXTURED
    if not full.any():
        raise NoValue("flat", "no patch has texture")
    chosen = patches.features[full & (patches.sharpness > SHARP * patches.sharpness[full].max())]
    return SharpSums(len(chosen), chosen.sum(axis=0), chosen.T @ chosen)


def fit_gaussian(images: Iterable[SharpSums]) -> Gaussian:
    """The Gaussian of all sharp patches and of their mirror images, eq. 9; so a mirrored image is as natural.

    Raises RecipeError where there are fewer than `PICTURES` or `PATCHES`, or where they are all alike.
    """
    found = list(images)
    patches = sum(sums.patches for sums in found)
    if len(found) < PICTURES or patches < PATCHES:
        raise RecipeError(
            f"{len(found):,} images with {patches:,} sharp patches are too few for a reference",
            f"{PICTURES} images and {PATCHES} patches are the least; 100 photos are better",
        )
    total = np.sum([sums.total for sums in found], axis=0)
    products = np.sum([sums.products for sums in found], axis=0)
    mirrored = np.r_[MIRRORED, MIRRORED + FEATURES // 2]
    mean = (total + total[mirrored]) / (2 * patches)
    square = (products + products[np.ix_(mirrored, mirrored)]) / (2 * patches)
    covariance = (square - np.outer(mean, mean)) * (patches / (patches - 1))
    if (np.diag(covariance) <= 0).any():
        raise RecipeError("the images of the reference are all alike", "name a folder of different photos")
    return Gaussian(_short(mean), _short(covariance), len(found), patches)


def distance(reference: Gaussian, features: Floats) -> float:
    """How far n×36 features of an image are from a reference's, eq. 10; from 0, lower is more natural.

    Raises NoValue ``flat`` where fewer than two patches have texture.
    """
    if len(features) < 2:
        raise NoValue("flat", f"{len(features)} patches have texture, 2 are needed")
    apart = reference.mean - features.mean(axis=0)
    # The pseudo-inverse, since a few patches give a covariance without an inverse.
    pooled = (reference.covariance + np.cov(features, rowvar=False)) / 2
    return float(np.sqrt(max(0.0, apart @ np.linalg.pinv(pooled, hermitian=True) @ apart)))


def _short(values: Floats) -> Floats:
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.flat]).reshape(values.shape)
