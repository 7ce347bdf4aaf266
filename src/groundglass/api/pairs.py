"""Two images compared, and one made smaller: the field's own definitions on plain arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from groundglass.api.hints import shows_hints
from groundglass.api.images import Pixels, check_pixels
from groundglass.errors import RecipeError
from groundglass.image.resize import crop_to_multiple, resize
from groundglass.measures.pairs import psnr_ssim
from groundglass.text.suggest import did_you_mean

Protocol = Literal["rgb", "network", "classic"]
"""The planes that are compared: all three channels, luma in float, or luma rounded to 8 bits."""

PLANES: dict[str, Callable[[npt.NDArray[Any]], npt.NDArray[Any]] | None] = {
    "rgb": None,
    **{name: protocol.luma for name, protocol in psnr_ssim.PROTOCOLS.items()},
}
"""Each protocol with the function that makes its plane; None for the values as they are."""


@shows_hints
def downscale(array: Pixels, scale: int, kernel: str = "matlab_bicubic") -> Pixels:
    """Pixels made ``scale`` times smaller, as the command ``downscale`` makes them.

    ``array`` is H×W×3 or H×W uint8; the result is uint8 with H // scale × W // scale pixels. If a side is not a
    multiple of ``scale``, its end (right or bottom) is cropped first. ``kernel`` is ``matlab_bicubic`` (the LR of most
    test sets), ``lanczos``, ``box`` or ``area``.

    Raises RecipeError for other arrays, an unknown kernel, a scale that is not a whole number of at least 1, and an
    image with fewer pixels than ``scale`` on a side.

    >>> from groundglass import testing
    >>> lr = downscale(testing.photo(64, 50), 4)
    >>> lr.shape, lr.dtype.name
    ((12, 16, 3), 'uint8')
    """
    pixels = check_pixels(array)
    whole_number = isinstance(scale, (int, np.integer)) and not isinstance(scale, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    if not whole_number or scale < 1:
        raise RecipeError(
            f"the scale is {scale!r}, but must be a whole number of at least 1", "downscale(array, 4)"
        )
    whole = crop_to_multiple(pixels, int(scale))
    height, width = (side // int(scale) for side in whole.shape[:2])
    return cast(Pixels, resize(whole, width, height, kernel))


@shows_hints
def psnr(reference: Pixels, restored: Pixels, protocol: Protocol = "rgb", border: int = 0) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(255² / MSE)``: higher is better, infinite for equal images.

    Both are H×W×3 or H×W uint8, of one size. ``protocol`` says which values are compared, and ``border`` how many
    px are cut off every side first; papers on super-resolution cut as many as the scale. A score without both means
    nothing, so name them where you report it:

    - ``rgb``: all values as they are;
    - ``network``: luma (MATLAB's rgb2ycbcr) in float, a grey image as three equal channels (BasicSR);
    - ``classic``: luma rounded to 8 bits, a grey image as it is (the tables of SRCNN to EDSR).

    Raises RecipeError for other arrays, two sizes, an unknown protocol, and a border that leaves no pixel.

    >>> grey, lighter = np.full((16, 16, 3), 100, np.uint8), np.full((16, 16, 3), 116, np.uint8)
    >>> round(psnr(grey, lighter), 3), round(psnr(grey, lighter, "network", border=4), 3)
    (24.048, 25.37)
    """
    return psnr_ssim.psnr(*_planes(reference, restored, protocol, border, least=1))


@shows_hints
def ssim(reference: Pixels, restored: Pixels, protocol: Protocol = "rgb", border: int = 0) -> float:
    """Structural similarity, -1 to 1: higher is better, 1 for equal images; the mean over pixels and channels.

    An 11×11 Gaussian window (σ 1.5) at every place where it fits, K .01 and .03, range 255 (Wang et al. 2004).
    Arguments as of `psnr`. Raises RecipeError as it does, and if fewer than 11 px of a side are left.

    >>> from groundglass import testing
    >>> photo = testing.photo(64, 48)
    >>> ssim(photo, photo), ssim(photo, 255 - photo) < 0.5
    (1.0, True)
    """
    return psnr_ssim.ssim(*_planes(reference, restored, protocol, border, least=psnr_ssim.WINDOW))


def _planes(
    reference: Pixels, restored: Pixels, protocol: str, border: int, least: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The values of both images that are compared."""
    one, other = check_pixels(reference), check_pixels(restored)
    if one.shape != other.shape:
        raise RecipeError(
            f"the images differ in shape: {one.shape} and {other.shape}",
            "crop the reference to a multiple of the scale before you downscale it",
        )
    if border < 0:
        raise RecipeError(f"the border is {border} px, but must be 0 or more", "border=0 cuts nothing off")
    left = min(one.shape[:2]) - 2 * border
    if left < least:
        height, width = one.shape[:2]
        raise RecipeError(
            f"a border of {border} px leaves too little of {width} × {height} px: each side needs {least} px",
            "give a smaller border, or larger images",
        )
    if protocol not in PLANES:
        raise RecipeError(
            f"there is no protocol '{protocol}'.{did_you_mean(protocol, PLANES)}",
            f"one of {', '.join(PLANES)}",
        )
    if luma := PLANES[protocol]:
        one, other = luma(one), luma(other)
    inner = slice(border, -border or None)
    return one[inner, inner], other[inner, inner]
