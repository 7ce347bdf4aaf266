"""Naturalness: how far the texture of an image is from that of clean photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Parameter, Value, settings_key
from groundglass.measures.naturalness.features import patch_features
from groundglass.measures.naturalness.model import distance
from groundglass.measures.naturalness.profile import SHIPPED, natural_of

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

NAME = "naturalness"
VERSION = 2
"""Version 1, in a recipe without `reference`, could take the images of the current folder as its reference."""
PROFILED = settings_key(NAME, 1, {})
"""Name and version of the features, as written in profiles."""


def naturalness(frame: Frame, reference: str = "") -> dict[str, Value]:
    """Distance of an image's texture from that of a clean reference, as in NIQE: from 0, lower is more natural.

    Luma is normalised by its local mean and deviation (7×7 Gaussian of 7/6 px) at full and at half size, and in each
    patch of 96 px the distributions of the coefficients and of the products of neighbours are fitted: 36 numbers. Their
    mean and covariance over an image's patches are compared with those of the reference's sharp patches.

    ``reference`` is a file that `groundglass fit-naturalness` made; in a recipe also a folder of clean images, which
    is then fitted once. The default is the shipped one, fitted to 269 photos. Values by different
    references do not compare.

    Values depend on the size of the image, since a few patches determine their covariance poorly: photos of 512 px
    have a median of 4.0, their centre crops of 384, 256 and 192 px 4.4, 5.6 and 6.1. So compare images of similar size,
    such as tiles. Every patch counts, up to 256 that are evenly spread.

    On photos that were not used in the fit (`benchmarks/naturalness.py`: 60 of CID22 and 200 of BSDS500), 88 to 100 %
    score worse with blur, motion blur, defocus, noise of 5 and more, JPEG 20 or upscaled 1.5 times and more; 75 and
    97 % with JPEG 50, but 45 and 80 % with JPEG 90 (use `blockiness`), and 42 and 64 % when sharpened. It does not
    show which image is better: the grainy exposure scored as more natural than the mean of many in 37 pairs of 37, and
    a diffusion model's version of an image as more natural than the true photo in 14 of 19. Smooth or dark photos and
    drawings are far from any reference. The mirror image has the same value, except for rounding and the last
    pixel of an odd width.

    Raises NoValue: ``too_small`` where a side is under 192 px, ``flat`` where fewer than two patches have texture.
    RecipeError where the reference cannot be used.

    Source: Mittal, Soundararajan and Bovik, "Making a completely blind image quality analyzer", IEEE SPL 2013; here
    with weights in 256ths, 2×2 means as the half size, and pairs of neighbours within a patch.

    >>> import numpy as np
    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> photo = testing.photo(320, 240)
    >>> noisy = (photo * 0.8 + testing.noise(320, 240) * 0.2).astype(np.uint8)
    >>> clean, spoilt = (naturalness(open_frame(testing.png(rgb)))["naturalness"] for rgb in (photo, noisy))
    >>> spoilt > clean
    True
    """
    profile = natural_of(Path(reference).expanduser() if reference else SHIPPED, PROFILED)
    return {"naturalness": distance(profile.gaussian, patch_features(frame.luma).features)}


MEASURE = Measure(
    name=NAME,
    version=VERSION,
    compute=naturalness,
    columns={"naturalness": Column("", 0, None, "lower", "distance of the texture from clean photos'")},
    reference="Mittal, Soundararajan and Bovik, NIQE, IEEE SPL 2013",
    parameters={
        "reference": Parameter("", "a fitted profile, or in a recipe a folder of clean images to fit")
    },
)
"""Its record in the catalog."""
