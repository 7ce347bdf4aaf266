"""The SNR-aware spectrum: the strength of each band of frequencies above the noise, in textured places.

White grain adds the same power to every block of an image, textured or not; detail does not. So the power
of the flat blocks is subtracted from that of the textured ones, band by band, and the rest is signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import fft
from groundglass.measures.resolution.patches import Luma

Values = npt.NDArray[np.float64]

BLOCK = 32
"""Side of the blocks of which spectra are taken, px."""
BANDS = BLOCK // 2
"""Bands of equal width; the last one ends at Nyquist."""
SHARE = 0.25
"""Share of the blocks that count as textured, and as flat."""
_LOW = slice(1, 4)
"""Bands that show how textured a block is: 2 to 4 of 16, which even an image upscaled fourfold still has."""


@dataclass(frozen=True)
class Spectrum:
    """Mean power per band (16 bands to Nyquist, grey levels squared per coefficient).

    textured  of the most textured quarter of the blocks
    flat      of the least textured quarter: noise, grain, traces of JPEG
    error     standard error of ``textured - flat``
    """

    textured: Values
    flat: Values
    error: Values

    @property
    def signal(self) -> Values:
        """Power above the noise floor; never under its own standard error."""
        return np.maximum(self.textured - self.flat, self.error)


def band_spectrum(patches: Sequence[Luma]) -> Spectrum:
    """The spectrum of the blocks of all ``patches`` (H×W uint8), except those without variance.

    Bands are squares: the larger of the two frequencies counts, since interpolation is done along rows and
    columns. Raises ValueError where fewer than 8 blocks are not flat.

    >>> noise = np.random.default_rng(0).normal(128, 8, (256, 256)).astype(np.uint8)
    >>> round(float(band_spectrum([noise]).flat[8:].mean() / 8**2), 1)
    1.0
    """
    power = np.concatenate([_block_powers(patch, len(patches)) for patch in patches])
    # Clipped and blank blocks have neither detail nor noise, and would make the flat blocks look noiseless.
    power = power[power.sum(axis=1) > 1e-3]
    if len(power) < 8:
        raise ValueError("fewer than 8 blocks are not flat")
    power = power[np.argsort(power[:, _LOW].sum(axis=1), kind="stable")]
    count = max(2, int(len(power) * SHARE))
    flat, textured = power[:count], power[-count:]
    error = np.sqrt((textured.var(axis=0) + flat.var(axis=0)) / count) + 1e-4
    return Spectrum(textured.mean(axis=0), flat.mean(axis=0), error)


def _block_powers(patch: Luma, patches: int) -> Values:
    """Blocks×16: mean power in each band of overlapping blocks."""
    # A small image gives few blocks, so there they overlap: more of them, and a smaller error.
    step = BLOCK // 2 if patches <= 6 else BLOCK
    windows = np.lib.stride_tricks.sliding_window_view(patch, (BLOCK, BLOCK))[::step, ::step]
    blocks = windows.reshape(-1, BLOCK, BLOCK).astype(np.float32)
    blocks -= blocks.mean(axis=(1, 2), keepdims=True)
    coefficients: Any = fft.rfft2(blocks * _WINDOW, axes=(1, 2))
    spectra = coefficients.real**2 + coefficients.imag**2
    return (spectra.reshape(len(blocks), -1) @ _TO_BANDS).astype(np.float64)


def _window() -> npt.NDArray[np.float32]:
    line = np.hanning(BLOCK + 2)[1:-1]
    both = np.outer(line, line)
    return (both / np.sqrt((both**2).sum())).astype(np.float32)


def _to_bands() -> npt.NDArray[np.float32]:
    """The band of each coefficient; each counts for itself and its mirror image."""
    rows = np.abs(np.fft.fftfreq(BLOCK) * BLOCK)[:, None]
    columns = np.arange(BANDS + 1)[None, :]
    band = np.maximum(rows, columns).astype(int).ravel() - 1
    twice = np.broadcast_to(np.where((columns == 0) | (columns == BANDS), 1.0, 2.0), (BLOCK, BANDS + 1))
    table = np.zeros((band.size, BANDS))
    inside = band >= 0
    table[np.flatnonzero(inside), band[inside]] = twice.ravel()[inside]
    return (table / table.sum(axis=0)).astype(np.float32)


_WINDOW = _window()
_TO_BANDS = _to_bands()
