"""All cues of an image as one row of named numbers: the input of the frozen score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.measures.resolution.edges import steepness
from groundglass.measures.resolution.patches import Luma, textured_patches
from groundglass.measures.resolution.spectrum import BANDS, Spectrum, band_spectrum
from groundglass.measures.resolution.witness import peak_at, periodograms, strongest_away_from_jpeg

Values = npt.NDArray[np.float64]
Row = dict[str, float]

CUTS = (0.25, 0.33, 0.4, 0.5, 0.58, 0.67, 0.75, 0.85)
"""Cut-offs (of Nyquist) at which the spectrum's fall is measured."""


@dataclass(frozen=True)
class Cues:
    """The cues of an image: the row of numbers, and the two curves behind it."""

    row: Row
    spectrum: Spectrum
    periods: Values


def cues_of(luma: Luma) -> Cues:
    """Every cue of H×W uint8 ``luma``, from its most textured patches.

    Raises ValueError where fewer than 8 blocks are not flat.
    """
    patches = textured_patches(luma)
    spectrum = band_spectrum(patches)
    periods = periodograms(patches)
    row = (
        spectral_cues(spectrum) | noise_cues(spectrum) | witness_cues(periods) | edge_cues(steepness(patches))
    )
    return Cues(row, spectrum, periods)


def spectral_cues(spectrum: Spectrum) -> Row:
    """Signal per band against the low bands, its ratio to its error and to the noise, and steps at cut-offs."""
    signal = np.log10(spectrum.signal / spectrum.signal[1:4].mean())
    surety = np.clip((spectrum.textured - spectrum.flat) / spectrum.error, -3, 10)
    contrast = np.log10(spectrum.textured / spectrum.flat)
    found = {f"signal_{band}": signal[band] for band in range(4, BANDS)}
    found |= {f"surety_{band}": surety[band] for band in range(5, BANDS, 2)}
    found |= {f"contrast_{band}": contrast[band] for band in range(3, BANDS, 2)}
    found |= {f"step_{cut}": step_at(spectrum, cut) for cut in CUTS}
    return {name: float(value) for name, value in found.items()}


def step_at(spectrum: Spectrum, cut: float) -> float:
    """log10 of the signal just above a cut-off over that just below it; about -1 where nothing is cut off.

    Above, it is at least its own error: grain that hides a band cannot make it look empty.
    """
    ends = (np.arange(BANDS) + 1) / BANDS
    below = (ends > 0.55 * cut) & (ends <= 0.92 * cut)
    above = (ends > 1.08 * cut) & (ends <= min(1.0, 1.7 * cut))
    signal = spectrum.textured - spectrum.flat
    error = np.sqrt((spectrum.error[above] ** 2).mean() / above.sum())
    return float(np.log10(max(signal[above].mean(), error) / max(signal[below].mean(), 1e-3)))


def noise_cues(spectrum: Spectrum) -> Row:
    """Level and colour of the noise in flat blocks (white grain: all differences 0), and the same in textured ones."""
    # 1e-3 keeps the logarithm of an empty band finite.
    flat, textured = np.log10(spectrum.flat + 1e-3), np.log10(spectrum.textured + 1e-3)
    found = {
        "noise": flat[12:].mean(),
        "noise_tail": flat[13:].mean() - flat[8:11].mean(),
        "noise_middle": flat[8:11].mean() - flat[4:7].mean(),
        "noise_end": flat[15] - flat[12],
        "texture": textured[1:4].mean(),
        "texture_tail": textured[13:].mean() - textured[8:11].mean(),
        "texture_middle": textured[8:11].mean() - textured[4:7].mean(),
    }
    return {name: float(value) for name, value in found.items()}


def witness_cues(periods: Values) -> Row:
    """log10 of the peaks at 1/3, 1/4 and 1/2, of JPEG's own (1/8, 3/8) and of the strongest elsewhere."""
    found: Row = {}
    for order, line in enumerate(periods, start=1):
        peaks = {
            "third": peak_at(line, 1 / 3),
            "quarter": peak_at(line, 1 / 4),
            "half": peak_at(line, 1 / 2),
            "jpeg": max(peak_at(line, 1 / 8), peak_at(line, 3 / 8)),
            "other": strongest_away_from_jpeg(line),
        }
        found |= {f"{name}_{order}": float(np.log10(value)) for name, value in peaks.items()}
    return found


def edge_cues(quantiles: Values) -> Row:
    """The steepness of edges: median, and the quantiles .8 and .95."""
    return dict(zip(("steep_50", "steep_80", "steep_95"), quantiles.tolist(), strict=True))
