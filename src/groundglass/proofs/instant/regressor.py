"""Filters from moments, and scores from filters: both without making an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.proofs.instant.moments import BUCKETS, FEATURES, PACKED, TARGETS, UPPER

Floats = NDArray[Any]

RIDGE = 1e-5
"""Of the mean diagonal of A: it settles kinds of edges that a set hardly has, and changes no others."""


def solve(sums: Floats) -> Floats:
    """The filters of a set, BUCKETS x FEATURES x TARGETS, from the sum of its photos' moments.

    Ridge regression of each bucket: W = (A + λI)⁻¹ B. A bucket without pixels gets zeros, which is bicubic.
    """
    A, B = _unpacked(sums)
    λ = RIDGE * A[:, np.arange(FEATURES), np.arange(FEATURES)].mean(axis=1)
    ridge = np.where(λ > 0, λ, 1.0)[:, None, None] * np.eye(FEATURES)
    return np.linalg.solve(A + ridge, B)


def _unpacked(sums: Floats) -> tuple[Floats, Floats]:
    packed, crossed = np.split(sums[:-2].astype(np.float64), [BUCKETS * PACKED])
    A = np.empty((BUCKETS, FEATURES, FEATURES))
    rows, columns = UPPER
    A[:, rows, columns] = A[:, columns, rows] = packed.reshape(BUCKETS, PACKED)
    return A, crossed.reshape(BUCKETS, FEATURES, TARGETS)


def errors_of(filters: Floats, scored: Floats) -> Floats:
    """The mean squared error of each scored image, luma in 0..1: (tr WᵀAW − 2 tr WᵀB + Σ R²) / n.

    ``scored`` are the images' moments, a row each. tr WᵀAW is the inner product of A with WWᵀ, so one product of a
    matrix and a vector scores all images.
    """
    rows, columns = UPPER
    G = filters @ filters.transpose(0, 2, 1)
    doubled = G[:, rows, columns] * np.where(rows == columns, 1.0, 2.0)
    weights = np.concatenate([doubled.ravel(), -2 * filters.ravel()]).astype(np.float32)
    return (scored[:, :-2] @ weights + scored[:, -2]) / scored[:, -1]


def psnr_of(photos: Floats, shares: Floats, scored: Floats) -> Floats:
    """PSNR of luma in dB of each scored image, for each set of photos; higher is better. Sets x images.

    ``photos`` are photos' moments, a row each; ``shares`` says how much of each photo each set has, sets x photos,
    0 for none; ``scored`` are the scored images' moments, a row each. Nothing is clipped and the border of 6 px is
    left out, so these values belong to a protocol of their own, `instant`.
    """
    used = np.flatnonzero(shares.any(axis=0))
    sums = shares[:, used].astype(np.float32) @ photos[used]
    errors = np.stack([errors_of(solve(each), scored) for each in sums])
    return -10 * np.log10(errors)
