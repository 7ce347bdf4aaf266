"""Naturalness: how far the texture of a picture is from that of clean photographs."""

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
"""Version 1, in a recipe without `reference`, could be measured by the images of the folder it was started in."""
PROFILED = settings_key(NAME, 1, {})
"""Name and version of the features, as profiles hold them."""


def naturalness(frame: Frame, reference: str = "") -> dict[str, Value]:
    """Distance of a picture's texture from that of a clean reference, as in NIQE: from 0, lower is more natural.

    Luma is normalised by its local mean and deviation (7×7 Gaussian of 7/6 px) at full and at half size, and in each
    patch of 96 px the distributions of the coefficients and of the products of neighbours are fitted: 36 numbers. Their
    mean and covariance over a picture's patches are compared with those of the reference's sharp patches.

    ``reference`` is a file that `groundglass fit-naturalness` made; in a recipe also a folder of clean pictures, which
    is then fitted once. By itself it is the one that comes along, fitted to 269 photographs. Values by different
    references do not compare.

    Values depend on the size of the picture, since few patches say little of their covariance: photographs of 512 px
    have a median of 4.0, their middles of 384, 256 and 192 px 4.4, 5.6 and 6.1. So compare pictures of like size, such
    as tiles. Every patch counts, up to 256 that are evenly spread.

    On photographs that nothing was fitted to (`benchmarks/naturalness.py`: 60 of CID22 and 200 of BSDS500), 88 to 100 %
    score worse with blur, motion blur, defocus, noise of 5 and more, JPEG 20 or enlarged 1.5 times and more; 75 and
    97 % with JPEG 50, but 45 and 80 % with JPEG 90 (ask `blockiness`), and 42 and 64 % when sharpened. It does not say
    what is good: the grainy exposure seemed more natural than the mean of many in 37 pairs of 37, and what a diffusion
    model made of a picture more than the true photograph in 14 of 19. Smooth or dark photographs and drawings are far
    from any reference. The mirror image has the same value but for rounding, and an odd width for a pixel.

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
    columns={"naturalness": Column("", 0, None, "lower", "distance of the texture from clean photographs'")},
    reference="Mittal, Soundararajan and Bovik, NIQE, IEEE SPL 2013",
    parameters={
        "reference": Parameter("", "a fitted profile, or in a recipe a folder of clean pictures to fit")
    },
)
"""Its record in the catalog."""
