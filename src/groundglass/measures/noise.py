"""Noise: how far grain and sensor noise scatter the grey levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.kernel.record import Column, Measure, Value

if TYPE_CHECKING:
    from groundglass.kernel.image.frame import Frame


def noise(frame: Frame) -> dict[str, Value]:
    """Standard deviation of the noise of luma, in grey levels of 0 to 255: below 1 for a clean photograph.

    Immerkær's mask is taken on the flattest 5 % of 8×8 blocks, flat by the slope of a 3×3 mean, which noise
    hardly moves; ``noise_sigma`` is the root of the median of their variances, put right for white noise.
    Blocks that are clipped, or would be by this much noise, are left out.

    What it sees is fine-grained noise of the pixels as they are: a picture that was denoised, enlarged or
    saved as JPEG below quality 80 or so has lost its finest grain and seems cleaner than it looks. Rounding
    to 8 bits alone gives .3 where there is shading. Independent noise of the three channels has two thirds of
    its deviation in luma.

    Raises NoValue: ``too_small`` below 36 px, ``flat`` where every block is clipped.

    Source: Immerkær, "Fast noise variance estimation", Computer Vision and Image Understanding 1996, on the
    flattest blocks only, as Amer and Dubois, "Fast and reliable structure-oriented video noise estimation",
    2005.

    >>> from groundglass.kernel import testing
    >>> from groundglass.kernel.image.frame import open_frame
    >>> noise(open_frame(testing.png(testing.flat(64, 48))))
    {'noise_sigma': 0.0}
    """
    from groundglass.kernel.image import noise as kernel

    return {"noise_sigma": kernel.noise_sigma(frame.luma)}


MEASURE = Measure(
    name="noise",
    version=1,
    compute=noise,
    columns={
        "noise_sigma": Column("grey", 0, 348, "lower", "standard deviation of the noise in flat places"),
    },
    reference="Immerkær, Computer Vision and Image Understanding 1996, on the flattest blocks",
)
"""Its record in the catalog."""
