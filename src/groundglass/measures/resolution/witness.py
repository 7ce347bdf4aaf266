"""The resampling detector: interpolation leaves a period in the differences of neighbouring pixels.

A pixel interpolated half-way between two old ones is smoother than one at the place of an old one, so the size of the
differences goes up and down with the period of the upscaling. Upscaling by f shows at the frequency
1/f (folded to 0..1/2). The 8×8 blocks of JPEG do the same at k/8, but for all k together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import fft, njit
from groundglass.measures.resolution.patches import Luma

Values = npt.NDArray[np.float64]

LENGTH = 512
"""Length of the periodogram (lines are padded with zeros): frequencies 0..256 of 512."""
_SMOOTH = 17
"""Lines are compared with their own mean over this many px."""
_NEAR = 24
"""Bins on either side; their median is the background."""
_BINS = np.arange(LENGTH // 2 + 1)
_ON_JPEG = np.min([np.abs(_BINS - k * LENGTH / 8) for k in range(5)], axis=0) <= 3
_AWAY = ~_ON_JPEG & (np.abs(_BINS - LENGTH / 3) > 3) & (_BINS > LENGTH // 25)
_LOG = np.log1p(np.arange(2048, dtype=np.float32))
"""Large differences (edges) count by their logarithm, so that no single edge makes a period."""


def periodograms(patches: Sequence[Luma]) -> Values:
    """3×257: how strong each period is in differences of first, second and third order, 1 = background.

    Mean over all ``patches`` (H×W uint8) and both directions. Column k is the frequency k/512 per px. First
    and third differences also show upscaling by 2: its two phases are mirror images, and equal in the second
    differences.

    >>> random = np.random.default_rng(0).integers(0, 256, (128, 128)).astype(np.uint8)
    >>> bool(periodograms([random])[1].max() < 9)
    True
    >>> double = np.repeat(np.repeat(random, 2, 0), 2, 1)
    >>> bool(periodograms([double])[0, 256] > 30)
    True
    """
    total = np.zeros((3, LENGTH // 2 + 1))
    for patch in patches:
        for plane in (patch, patch.T):
            lines = difference_profiles(np.ascontiguousarray(plane), _LOG)
            total += np.stack([_power(line) for line in lines])
    return total / _background(total)


@njit(cache=True, nogil=True)
def difference_profiles(plane: Any, logs: Any) -> Any:  # pragma: no cover - compiled
    """3×(W-3): mean over rows of log(1 + |difference|) of order 1, 2, 3 at each column."""
    height, width = plane.shape
    out = np.zeros((3, width - 3), np.float64)
    for y in range(height):
        for x in range(width - 3):
            a, b = np.int32(plane[y, x]), np.int32(plane[y, x + 1])
            c, d = np.int32(plane[y, x + 2]), np.int32(plane[y, x + 3])
            out[0, x] += logs[abs(c - b)]
            out[1, x] += logs[abs(a - 2 * b + c)]
            out[2, x] += logs[abs(a - 3 * b + 3 * c - d)]
    return out / height


def peak_at(line: Values, frequency: float) -> float:
    """The strongest value of one periodogram within 2 bins (1/256 per px) of a frequency in 0..1/2.

    >>> peak_at(np.arange(257.0), 0.25)
    130.0
    """
    centre = round(frequency * LENGTH)
    return float(line[max(0, centre - 2) : centre + 3].max())


def strongest_away_from_jpeg(line: Values) -> float:
    """The strongest value that is at neither a multiple of 1/8, nor 1/3, nor a period over 25 px."""
    return float(line[_AWAY].max())


def resampling_factor(periods: Values, guess: float) -> float | None:
    """The upscaling factor within a quarter of ``guess`` with a visible period; None where there is none.

    A peak at the frequency a means 1/a or 1/(1-a). It must be 8 times the background, and where JPEG's blocks
    also have a peak (k/8) twice as strong as theirs at odd k, which no upscaling by 2 or 4 has.

    >>> random = np.random.default_rng(0).integers(0, 256, (128, 128)).astype(np.uint8)
    >>> round(resampling_factor(periodograms([np.repeat(np.repeat(random, 2, 0), 2, 1)]), 2.2), 1)
    2.0
    >>> resampling_factor(periodograms([random]), 2.2)
    """
    power = periods.max(axis=0)
    needed = np.full(len(power), 8.0)
    jpeg = max(peak_at(line, k / 8) for line in periods for k in (1, 3))
    needed[_ON_JPEG] = np.maximum(needed[_ON_JPEG], 2 * jpeg)
    bins = np.flatnonzero(power > needed)
    # Longer periods than 25 px come from the image itself: no upscaling is that strong.
    frequency = bins[bins > LENGTH // 25] / LENGTH
    factors = np.concatenate([1 / frequency, 1 / (1 - frequency)])
    near = np.abs(np.log(factors / guess)) < np.log(1.25)
    if not near.any():
        return None
    strength = np.tile(power[bins[bins > LENGTH // 25]], 2)
    best = np.argmax(np.where(near, strength, 0.0))
    return float(factors[best])


def _power(line: Values) -> Values:
    """The periodogram of one line without its slow changes; mean 1."""
    smooth = np.convolve(np.pad(line, _SMOOTH // 2, mode="reflect"), np.ones(_SMOOTH) / _SMOOTH, "valid")
    # Relative to the local mean: busy columns must not outweigh quiet ones.
    rest = (line - smooth) / (smooth + 0.02)
    coefficients: Any = fft.rfft(rest * np.hanning(len(rest)), LENGTH)
    power: Values = np.abs(coefficients) ** 2
    return power / (power.mean() + 1e-12)


def _background(power: Values) -> Values:
    """The running median of each line over its neighbours."""
    padded = np.pad(power, ((0, 0), (_NEAR, _NEAR)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEAR + 1, axis=1)
    return np.median(windows, axis=2) + 1e-9
