"""MS-SSIM: structural similarity over five scales."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.measures.pairs.psnr_ssim import WINDOW, ssim_terms

Plane = NDArray[np.float64]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""The exponent of each scale, the finest first (Wang et al. 2003, section 3.2)."""
LEAST = WINDOW * 2 ** (len(WEIGHTS) - 1)
"""Pixels that the shorter side needs: the window must fit at the coarsest scale."""


def ms_ssim(reference: NDArray[Any], restored: NDArray[Any], peak: float = 255.0) -> float:
    """Multi-scale structural similarity of two planes H×W, 0 to 1; higher is better, 1 for equal planes.

    Wang, Simoncelli, Bovik, Multi-scale structural similarity for image quality assessment, 2003, equation 7: contrast
    and structure at five scales, luminance at the coarsest only. Each scale is the mean of 2 × 2 px of the one before.
    A scale whose mean contrast-structure is negative counts as 0, as in common implementations.

    Raises ValueError if the shapes differ or a side is under 176 px.

    >>> plane = np.arange(176.0 * 176).reshape(176, 176) % 251
    >>> ms_ssim(plane, plane)
    1.0
    """
    if reference.shape != restored.shape or reference.ndim != 2:
        raise ValueError(f"MS-SSIM needs two planes of one shape, not {reference.shape} and {restored.shape}")
    if min(reference.shape) < LEAST:
        raise ValueError(f"MS-SSIM needs {LEAST} px on each side, not {min(reference.shape)}")
    x, y = reference.astype(np.float64), restored.astype(np.float64)
    product = 1.0
    for scale, weight in enumerate(WEIGHTS):
        luminance, contrast_structure = ssim_terms(x, y, peak)
        last = scale == len(WEIGHTS) - 1
        term = float((luminance * contrast_structure if last else contrast_structure).mean())
        product *= max(term, 0.0) ** weight
        x, y = _halved(x), _halved(y)
    return product


def _halved(plane: Plane) -> Plane:
    """The mean of each 2 × 2 px; an odd last row or column is left out."""
    even = plane[: plane.shape[0] // 2 * 2, : plane.shape[1] // 2 * 2]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
