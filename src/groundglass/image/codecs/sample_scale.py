"""The value of white, where the file does not state it: floating-point samples and 32-bit integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.errors import ImageError

_WHITES = (1.0, 255.0, 65535.0)
_WHOLE_WHITES = (255.0, 65535.0, 4294967295.0)
_MOST_OUTSIDE = 0.01
_LEAST_LIT = 0.5


def find_white(samples: Callable[[], Iterable[npt.NDArray[Any]]]) -> tuple[float, tuple[str, ...]]:
    """The white of samples with an undeclared scale, and the warnings for it.

    White is taken to be 1, 255 or 65535 (of integers 255, 65535 or 2^32 - 1) where the samples show it: at most 1 in
    100 is outside of the range, none by more than its length, and the brightest reaches its upper half. A white
    of 1 needs no bright sample; a greater one must not leave half of the image darker than a step of 8 bits.
    Raises ImageError ``unsupported`` otherwise, ``corrupt`` for samples that are not numbers.
    """
    whites: tuple[float, ...] = _WHITES
    count, low, high = 0, 0.0, 0.0
    outside, dim = np.zeros(3), np.zeros(3)
    for stored in samples():
        if stored.dtype.kind != "f":
            whites = _WHOLE_WHITES
        elif not np.isfinite(stored).all():
            raise ImageError("corrupt", "samples that are not numbers")
        band = stored.astype(np.float32) if stored.dtype == np.float16 else stored  # holds every white
        count += band.size
        low, high = min(low, float(band.min(initial=0))), max(high, float(band.max(initial=0)))
        outside += [np.count_nonzero((band < 0) | (band > white)) for white in whites]
        dim += [np.count_nonzero(band < white / 255) for white in whites]
    for number, white in enumerate(whites):
        bright = number == 0 or (high >= white / 2 and dim[number] <= _LEAST_LIT * count)
        if bright and -white <= low and high <= 2 * white and outside[number] <= _MOST_OUTSIDE * count:
            return white, ("range_guessed", "clipped") if outside[number] else ("range_guessed",)
    kind = "floating-point" if whites is _WHITES else "32-bit"
    raise ImageError("unsupported", f"{kind} samples from {low:g} to {high:g}: the value of white is unknown")
