"""The second moments of a photo: all that a linear x2 upscaler needs to know of it, and they add up.

RAISR (Romano, Isidoro and Milanfar 2017) upscales with one linear filter per kind of edge. Its least-squares filters
need of each photo only A = ΣΦᵀΦ and B = ΣΦᵀR per kind, with Φ the LR patch around a pixel and R what bicubic
upscaling misses there. The moments of a set are the sum of its photos' moments, so any selection of photos is
"trained" by one sum and one solve, without seeds and without noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.image.resize import crop_to_multiple, resize
from groundglass.libraries import cv2

Plane = NDArray[Any]
Floats = NDArray[np.float32]

SCALE = 2
PATCH = 7
"""Side of the LR patch, px; its centre is subtracted from it, so brightness itself says nothing."""
MARGIN = PATCH // 2
SMALLEST = 16
"""Side of the smallest image that has moments, px."""
FEATURES = PATCH * PATCH - 1
TARGETS = SCALE * SCALE
ANGLES, STRENGTHS, COHERENCES = 12, 3, 2
BUCKETS = ANGLES * STRENGTHS * COHERENCES
STRENGTH_LIMITS = (0.01, 0.03)
COHERENCE_LIMIT = 0.4
TENSOR_SIGMA = 1.5

UPPER = np.triu_indices(FEATURES)
"""A is symmetric: its upper triangle is kept."""
PACKED = len(UPPER[0])
LENGTH = BUCKETS * (PACKED + FEATURES * TARGETS) + 2
"""Numbers that a photo's moments take: A and B of each bucket, the energy of R, and the number of values in R."""


@dataclass(frozen=True)
class Sample:
    """Which LR pixels count: every ``step``-th each way, the border of `MARGIN` px left out."""

    step: int


TRAINING = Sample(2)
"""Neighbouring patches say nearly the same: every second pixel each way costs a quarter and loses nothing."""
SCORING = Sample(1)


def moments(luma: Plane, sample: Sample = TRAINING) -> Floats:
    """The moments of one image: `LENGTH` numbers.

    ``luma`` is H x W, 0..255, at least 16 px each way: uint8 as in a file, or float. It is the ground truth;
    the LR is made from it by matlab_bicubic and rounded, as a file would be.

    Raises ValueError if the image is smaller than 16 px.

    >>> found = moments(np.random.default_rng(0).integers(0, 256, (32, 48)).astype(np.uint8))
    >>> found.shape == (LENGTH,), int(found[-1])
    (True, 180)
    """
    if min(luma.shape) < SMALLEST:
        raise ValueError(f"{luma.shape[1]} x {luma.shape[0]} px are too few: at least {SMALLEST} each way")
    truth = crop_to_multiple(luma, SCALE)
    height, width = truth.shape
    small = resize(truth.astype(np.float64), width // SCALE, height // SCALE, "matlab_bicubic")
    lr = np.clip(np.floor(small + 0.5), 0, 255)
    missing = (truth - resize(lr, width, height, "matlab_bicubic")) / 255
    lr = (lr / 255).astype(np.float32)
    inner = np.s_[MARGIN : -MARGIN : sample.step, MARGIN : -MARGIN : sample.step]

    patches = np.lib.stride_tricks.sliding_window_view(lr, (PATCH, PATCH))[:: sample.step, :: sample.step]
    features = patches.reshape(-1, PATCH * PATCH) - lr[inner].reshape(-1, 1)
    features = np.delete(features, PATCH * PATCH // 2, axis=1)
    residuals = _by_pixel(missing)[inner].reshape(-1, TARGETS).astype(np.float32)
    kinds = kinds_of_edges(lr)[inner].ravel()

    order = np.argsort(kinds, kind="stable")
    bounds = np.searchsorted(kinds[order], np.arange(BUCKETS + 1))
    features, residuals = features[order], residuals[order]
    A = np.zeros((BUCKETS, PACKED), np.float32)
    B = np.zeros((BUCKETS, FEATURES, TARGETS), np.float32)
    for bucket in np.flatnonzero(np.diff(bounds)):
        Φ, R = (values[bounds[bucket] : bounds[bucket + 1]] for values in (features, residuals))
        A[bucket] = (Φ.T @ Φ)[UPPER]
        B[bucket] = Φ.T @ R
    energy = np.square(residuals, dtype=np.float64).sum()
    return np.concatenate([A.ravel(), B.ravel(), np.array([energy, residuals.size], np.float32)])


def _by_pixel(plane: Plane) -> Plane:
    """H x W as H/2 x W/2 x 4: the four HR pixels of each LR pixel."""
    height, width = plane.shape
    blocks = plane.reshape(height // SCALE, SCALE, width // SCALE, SCALE)
    return blocks.transpose(0, 2, 1, 3).reshape(height // SCALE, width // SCALE, TARGETS)


def kinds_of_edges(lr: Floats) -> NDArray[np.int64]:
    """The bucket of each pixel, 0..`BUCKETS` - 1: angle, strength and coherence of the structure tensor there.

    ``lr`` is H x W, 0..1. The tensor is averaged by a Gaussian of σ `TENSOR_SIGMA`; √λ1 is the strength and
    (√λ1 − √λ2) / (√λ1 + √λ2) the coherence, λ its eigenvalues (Romano et al. 2017, section III.C).
    """
    gradients = np.gradient(lr)
    dy, dx = np.asarray(gradients[0]), np.asarray(gradients[1])
    xx, xy, yy = (cv2.GaussianBlur(plane, (0, 0), TENSOR_SIGMA) for plane in (dx * dx, dx * dy, dy * dy))
    middle, half = (xx + yy) / 2, np.sqrt(np.square((xx - yy) / 2) + xy * xy)
    strong, weak = np.sqrt(middle + half), np.sqrt(np.maximum(middle - half, 0))
    turn = np.arctan2(2 * xy, xx - yy) / (2 * np.pi) + 0.5  # of the angle doubled: 0..1 is half a turn
    angle = np.minimum((turn * ANGLES).astype(np.int64), ANGLES - 1)
    strength = np.searchsorted(STRENGTH_LIMITS, strong.ravel(), side="right").reshape(strong.shape)
    coherent = (strong - weak) / np.maximum(strong + weak, 1e-9) > COHERENCE_LIMIT
    return (angle * STRENGTHS + strength) * COHERENCES + coherent
