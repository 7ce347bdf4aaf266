"""The one frozen score: from an image's cues to the judgement of its resolution.

The numbers are in `frozen.json`, written by `python -m benchmarks.calibrate_resolution` from fakes of real
photos and never changed by a user's measurements.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from groundglass.measures.resolution.boosted import Trees
from groundglass.measures.resolution.features import Cues
from groundglass.measures.resolution.witness import resampling_factor

Values = npt.NDArray[np.float64]
State = Literal["native", "upscaled", "unknown"]

LEAST_TEXTURE = 1.7
"""log10 of the power in the low bands of the textured blocks, below which nothing can be judged."""
LEAST_CONTRAST = 0.25
"""log10 of textured over flat blocks in the fourth band: below it, all blocks are noise, or alike."""


@dataclass(frozen=True)
class Frozen:
    """The calibrated numbers.

    upscaled     trees for the logit of being upscaled, as their sum
    factor       trees for log2 of the upscaling factor, as their sum (0: native)
    chance       knots from the logit to the probability, isotonic: (logits, probabilities)
    upscaled_at  probability from which an image is called upscaled
    errors       knots of log2 factor, and there the 5 % and 95 % quantiles of its error: (knots, low, high)
    """

    upscaled: Trees
    factor: Trees
    chance: tuple[Values, Values]
    upscaled_at: float
    errors: tuple[Values, Values, Values]


@dataclass(frozen=True)
class Judgement:
    """The judgement of an image.

    score      probability of being upscaled, 0..1, if half of all images are
    state      native, upscaled, or unknown where there is too little texture
    scale      true over present resolution, in (0, 1]; with low and high, a 90 % interval
    factor     the upscaling factor that the periods show; None where they show none
    cutoff     the end of the signal's spectrum, of Nyquist, (0, 1]
    """

    score: float
    state: State
    scale: float
    low: float
    high: float
    factor: float | None
    cutoff: float


@cache
def frozen() -> Frozen:
    """The numbers of `frozen.json`."""
    return from_plain(
        json.loads(files("groundglass.measures.resolution").joinpath("frozen.json").read_text("utf-8"))
    )


def from_plain(plain: Mapping[str, Any]) -> Frozen:
    """The numbers from JSON's lists."""
    logits, chances = (np.array(plain["chance"][key]) for key in ("logit", "probability"))
    knots, low, high = (np.array(plain["errors"][key]) for key in ("log2_factor", "low", "high"))
    trees = {name: Trees.from_plain(plain[name]) for name in ("upscaled", "factor")}
    return Frozen(
        trees["upscaled"], trees["factor"], (logits, chances), plain["upscaled_at"], (knots, low, high)
    )


def judge(cues: Cues, numbers: Frozen) -> Judgement:
    """The judgement of an image's cues by the frozen numbers."""
    row = np.array([[cues.row[name] for name in numbers.upscaled.names]])
    score = float(np.interp(numbers.upscaled.sums(row)[0], *numbers.chance))
    octaves = float(max(0.0, numbers.factor.sums(row)[0]))
    state = state_of(cues, score >= numbers.upscaled_at)
    # The period gives the exact factor, but several factors share a period: the trees' estimate chooses.
    witnessed = resampling_factor(cues.periods, 2**octaves) if state == "upscaled" else None
    low, high = interval(octaves, numbers)
    witnessed = simple(witnessed) if witnessed else None
    scale = 1 / witnessed if witnessed else float(2**-octaves)
    return Judgement(score, state, scale, min(low, scale), max(high, scale), witnessed, cutoff_of(cues))


def simple(factor: float) -> float:
    """The factor, or the fraction with a denominator of at most 4 that is within 1 % of it.

    >>> simple(1.503), simple(2.994), simple(1.81)
    (1.5, 3.0, 1.81)
    """
    part = float(Fraction(factor).limit_denominator(4))
    return part if abs(part / factor - 1) < 0.01 else factor


def state_of(cues: Cues, upscaled: bool) -> State:
    """One word; unknown where there is too little texture, or where all blocks are alike."""
    if cues.row["texture"] < LEAST_TEXTURE or cues.row["contrast_3"] < LEAST_CONTRAST:
        return "unknown"
    return "upscaled" if upscaled else "native"


def interval(octaves: float, numbers: Frozen) -> tuple[float, float]:
    """The scales that enclose the true one 9 times of 10, by the errors in calibration."""
    knots, low, high = numbers.errors
    most = octaves + float(np.interp(octaves, knots, high))
    least = octaves + float(np.interp(octaves, knots, low))
    return float(2**-most), float(min(1.0, 2**-least))


def cutoff_of(cues: Cues) -> float:
    """The last band with a signal above noise and not 100 times under a 1/f² spectrum's, of Nyquist."""
    spectrum = cues.spectrum
    bands = np.arange(1, len(spectrum.flat) + 1)
    natural = spectrum.signal[1:4].mean() * (3 / bands) ** 2
    seen = (spectrum.textured - spectrum.flat > 2 * spectrum.error) & (spectrum.signal > natural / 100)
    # The lowest bands set the natural spectrum themselves, so they cannot be judged by it.
    seen[:3] = True
    return float((np.argmin(seen) if not seen.all() else len(bands)) / len(bands))
