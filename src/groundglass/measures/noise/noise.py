"""Noise: how much grain and sensor noise scatter the grey levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value
from groundglass.measures.noise import flat_block_noise as kernel

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def noise(frame: Frame) -> dict[str, Value]:
    """Standard deviation of the noise of luma, in grey levels: below 1 for a clean photo.

    Immerkær's mask is applied to the flattest 5 % of 8×8 blocks, flat by the slope of a 3×3 mean, which noise
    hardly changes; ``noise_sigma`` is the root of the median of their variances, corrected for white noise.
    Blocks that are clipped, or would be by this much noise, are left out.

    White noise of 1, 2, 5, 10 and 20 added to 60 clean photos is measured as 1.10, 2.06, 5.03, 9.98 and 19.9
    (medians; deviation 2 to 11 %), none as .35, of which rounding to 8 bits and shading make .3. It measures the
    noise of the pixels as they are: a denoised or upscaled image scores cleaner than it looks, and so does a
    JPEG, where the flattest places lose their grain first: a noise of 5 is measured as 5.7 at quality 95, 2.3 at
    85 and .5 at 50. Independent noise of the three channels has two thirds of its deviation in luma.

    Raises NoValue: ``too_small`` below 36 px, ``flat`` where every block is clipped.

    Source: Immerkær, "Fast noise variance estimation", Computer Vision and Image Understanding 1996, on the
    flattest blocks only, as Amer and Dubois, "Fast and reliable structure-oriented video noise estimation",
    2005.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> noise(open_frame(testing.png(testing.flat(64, 48))))
    {'noise_sigma': 0.0}
    """
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
