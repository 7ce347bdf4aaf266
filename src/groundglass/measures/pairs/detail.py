"""The lesson of a pair: how far LQ is from clean, how much detail HQ adds, and whether structures agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import cv2
from groundglass.measures.pairs.align import Plane, upscaled
from groundglass.measures.pairs.faithful_fit import reduced
from groundglass.measures.pairs.hallucination import gradient, window_mean
from groundglass.measures.pairs.psnr_ssim import psnr

C = 1.0
"""Stabiliser, levels²: variances below are rounding."""
SCREEN = 1.5
"""Standard deviation of the Gaussian that separates LQ's finest band, px of LQ."""

FINEST = 1.0
"""Standard deviation of the Gaussian below LQ's finest detail, px of LQ."""
EDGE = 6
"""Px of LQ at every edge that `added_detail` leaves out."""
LEAST_DETAIL = 0.5
"""Levels: a finest band below is rounding."""


def down_consistency(lq: NDArray[Any], fitted: NDArray[Any]) -> float:
    """PSNR of the fitted HQ against LQ, dB, both at the size of LQ. A floor, never a score to rank by.

    Plain bicubic upscaling has about 51 dB and captured truth about 33: the highest value is that of the restorer that
    changes least. Infinite for equal images.

    >>> down_consistency(np.zeros((8, 8, 3)), np.full((8, 8, 3), 16.0)).__round__(2)
    24.05
    """
    return psnr(lq.astype(np.float64), fitted.astype(np.float64))


def structure_shift(lq: Plane, fitted: Plane) -> float:
    """How far the structures of LQ and of the fitted HQ differ, 0 to 2; lower is better.

    One minus the structure term of SSIM (Wang et al. 2004, equation 10) on 8×8 px, averaged with LQ's standard
    deviation as the weight: flat parts, where noise decides, count little.

    >>> plane = np.random.default_rng(0).uniform(0, 255, (32, 32)).astype(np.float32)
    >>> abs(structure_shift(plane, plane)) < 1e-5, structure_shift(plane, 255 - plane) > 1.9
    (True, True)
    """
    mean_x, mean_y = window_mean(lq), window_mean(fitted)
    deviation_x = np.sqrt(np.maximum(window_mean(lq * lq) - mean_x**2, 0))
    deviation_y = np.sqrt(np.maximum(window_mean(fitted * fitted) - mean_y**2, 0))
    covariance = window_mean(lq * fitted) - mean_x * mean_y
    alike = (covariance + C) / (deviation_x * deviation_y + C)
    weight = deviation_x + 1e-6
    return float(((1 - alike) * weight).sum() / weight.sum())


def already_clean(lq: Plane, reduced_hq: Plane) -> float:
    """How nearly LQ is a plain reduction of HQ, 0 to 1: near 1 there is neither blur nor noise to remove.

    The similarity (2 cov + C) / (var + var + C) of the finest bands (above a Gaussian of 1.5 px) of LQ and of HQ
    reduced by area without blur: blur lowers LQ's variance, noise raises it without covariance.

    >>> plane = np.random.default_rng(0).uniform(0, 255, (32, 32)).astype(np.float32)
    >>> already_clean(plane, plane), already_clean(cv2.GaussianBlur(plane, (0, 0), 1), plane) < 0.8
    (1.0, True)
    """
    x, y = (plane - cv2.GaussianBlur(plane, (0, 0), SCREEN) for plane in (lq, reduced_hq))
    covariance = float(((x - x.mean()) * (y - y.mean())).mean())
    return max(0.0, (2 * covariance + C) / (float(x.var()) + float(y.var()) + C))


def texture_gain(lq: Plane, aligned_hq: Plane) -> float:
    """How much finer HQ is than upscaled LQ: the log2 ratio of their gradients where LQ has texture.

    0 and below: HQ has no detail beyond LQ's, as an unchanged or over-smoothed copy. 1 is twice the gradient. The root
    mean square of Sobel's gradient, over the half of the px with the larger gradient in upscaled LQ.

    >>> plane = np.random.default_rng(0).uniform(0, 255, (32, 32)).astype(np.float32)
    >>> texture_gain(plane, upscaled(plane, 128, 128))
    0.0
    """
    height, width = aligned_hq.shape
    own = gradient(upscaled(lq, width, height))
    places = own >= np.median(own)
    theirs = gradient(aligned_hq.astype(np.float32))
    ratio = (float(np.square(theirs[places]).mean()) + C) / (float(np.square(own[places]).mean()) + C)
    return float(0.5 * np.log2(ratio))


def added_detail(lq: Plane, aligned_hq: Plane) -> float | None:
    """How much detail HQ has that the grid of LQ cannot hold, as the log2 of its ratio to LQ's own finest detail.

    Captured HQ at ×4 has -0.6 to 0.7; upscaled LQ, sharpened or not, -3.5 to -1.2; lower is smoother. The numerator
    is the root mean square of HQ minus HQ reduced and upscaled again. The denominator is that of the finest band
    (above a Gaussian of 1 px) of LQ or of the reduced HQ, the smaller one: noise in LQ is not detail that HQ must
    exceed. None if there is no such band. Grain counts as detail, and sharp edges may hide that textures are gone.

    >>> plane = np.random.default_rng(0).uniform(0, 255, (256, 256)).astype(np.float32)
    >>> lq = cv2.GaussianBlur(reduced(plane, 64, 64), (0, 0), 1)
    >>> added_detail(lq, plane) > 0, added_detail(lq, upscaled(lq, 256, 256)) < -2
    (True, True)
    """
    height, width = aligned_hq.shape
    small = reduced(aligned_hq, lq.shape[1], lq.shape[0])
    rest = aligned_hq - upscaled(small, width, height)
    per_px = width / lq.shape[1]
    own = min(_rms(plane - cv2.GaussianBlur(plane, (0, 0), FINEST), EDGE) for plane in (lq, small))
    if own < LEAST_DETAIL:
        return None
    return float(np.log2(max(_rms(rest, round(EDGE * per_px)), 1e-3) / own))


def _rms(plane: Plane, edge: int) -> float:
    """The root mean square without an edge, into which alignment may have moved unseen px."""
    return float(np.sqrt(np.square(plane[edge:-edge, edge:-edge]).mean()))
