"""HQ as LQ's camera could have seen it: blurred, reduced, and with its colours fitted."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import cv2
from groundglass.measures.pairs.colour_fit import Image, colour_map, mapped

BLURS = (0.0, 0.7, 1.0, 1.4, 1.8, 2.2, 2.7, 3.3, 4.0, 5.0)
"""Standard deviations that are tried, px of HQ at ×4; at other scales in proportion."""
TRIMMED = 0.9
"""Share of the pixels that a blur's error is taken of, those with the least."""


class Fitted(NamedTuple):
    """The fitted HQ at the size of LQ, float levels; the blur that fits best, px of HQ; the colours' 4×3 map."""

    image: Image
    blur: float
    colours: NDArray[np.float64]


def faithful_fit(lq: NDArray[Any], aligned: NDArray[Any]) -> Fitted:
    """The blur of 0 to 5 px and the colour map under which HQ explains LQ best.

    ``lq`` is h×w×3, ``aligned`` the aligned HQ, H×W×3, both of levels 0 to 255. The error of a blur is the trimmed mean
    of the squares, so a false patch does not choose the blur.

    >>> hq = np.random.default_rng(0).uniform(0, 255, (128, 128, 3)).astype(np.float32)
    >>> lq = reduced(cv2.GaussianBlur(hq, (0, 0), 1.8), 32, 32)
    >>> faithful_fit(lq, hq).blur
    1.8
    """
    height, width = lq.shape[:2]
    per_px = aligned.shape[1] / width / 4
    wanted = lq.reshape(-1, 3).astype(np.float32)
    best: tuple[float, Fitted] | None = None
    for blur in BLURS:
        soft = cv2.GaussianBlur(aligned, (0, 0), blur * per_px) if blur * per_px > 0.2 else aligned
        small = reduced(soft, width, height)
        colours = colour_map(small.reshape(-1, 3), wanted)
        fitted = mapped(small, colours)
        errors = np.square(fitted.reshape(-1, 3) - wanted).sum(axis=1)
        error = float(np.sort(errors)[: max(1, int(TRIMMED * len(errors)))].mean())
        if best is None or error < best[0]:
            best = error, Fitted(fitted, blur * per_px, colours)
    assert best is not None
    return best[1]


def reduced(image: NDArray[Any], width: int, height: int) -> Image:
    """The mean over the area of each px of the smaller image."""
    return cast(Image, cv2.resize(image.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA))
