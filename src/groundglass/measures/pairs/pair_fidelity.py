"""Fidelity of a pair: how far upscaled LQ is from HQ, by PSNR, SSIM, MS-SSIM and GMSD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundglass.catalog import Column, Measure, Value
from groundglass.errors import NoValue
from groundglass.measures.pairs.made_pair import made_pair

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

MOST_DB = 100.0
"""Written for equal images, where the ratio is infinite."""
LEAST_SIDE, LEAST_OF_COLOUR = 16, 64
"""Pixels that a side needs without the border: of every value, and of GMSD of colour."""


def pair_fidelity(frame: Frame) -> dict[str, Value]:
    """How far upscaled LQ is from HQ, for an image that a step made and the image it was made from.

    Of a degraded image: how hard it is to restore. Of a restored one: how far it moved from what it was made from.
    LQ is upscaled by bicubic and rounded to 8 bits, and as many px as the scale are cut off every side, as networks are
    scored (`groundglass evaluate --protocol network`). Nothing is aligned: a shift makes all worse. PSNR and SSIM
    are of luma from 16 to 235, MS-SSIM and GMSD of luma from 0 to 255. MS-SSIM needs 176 px on each side, and GMSD of
    colour 64: below, the value is empty. An image that was cropped or resized after a step made it has no value
    (``no_pair``).

    DISTS and LPIPS need weights: `groundglass evaluate --measures dists,lpips` has them.

    Source: Wang et al. 2004 (SSIM), 2003 (MS-SSIM); Xue et al. 2014 (GMSD); Zhang et al. 2017 (MS-GMSDc).

    >>> from groundglass import testing
    >>> from groundglass.image.frame import MadeImage, open_frame
    >>> def unchanged(rgb, *_):
    ...     return MadeImage(rgb, "unchanged", {})
    >>> photo = open_frame(testing.png(testing.photo(256, 256)), makes=unchanged)
    >>> found = pair_fidelity(photo.at("degraded(256x256,x1,0123456789abcdef)"))
    >>> found["psnr_y"], found["ssim_y"], found["gmsd"]
    (100.0, 1.0, 0.0)
    """
    from groundglass.image.color_management import luma
    from groundglass.measures.pairs.gradient_similarity import gmsd, ms_gmsd_c
    from groundglass.measures.pairs.multiscale_ssim import LEAST, ms_ssim
    from groundglass.measures.pairs.psnr_ssim import score, upscaled_to

    lq, hq = made_pair(frame)
    border = max(1, round(hq.width / lq.width))
    width, height = hq.width - 2 * border, hq.height - 2 * border
    if min(width, height) < LEAST_SIDE:
        raise NoValue("too_small", f"{width} x {height} px without the border, needs {LEAST_SIDE} px")
    inner = slice(border, -border)
    upscaled = upscaled_to(lq.rgb, hq.width, hq.height)
    fidelity = score(hq.rgb, upscaled, border, "network")
    images = [np.ascontiguousarray(image[inner, inner]) for image in (hq.rgb, upscaled)]
    one, other = (luma(image) for image in images)
    return {
        "psnr_y": min(fidelity.psnr, MOST_DB),
        "ssim_y": fidelity.ssim,
        "ms_ssim": ms_ssim(one, other) if min(width, height) >= LEAST else None,
        "gmsd": gmsd(one, other),
        "gmsd_colour": ms_gmsd_c(images[0], images[1]) if min(width, height) >= LEAST_OF_COLOUR else None,
    }


MEASURE = Measure(
    name="pair_fidelity",
    version=1,
    compute=pair_fidelity,
    of_pairs=True,
    columns={
        "psnr_y": Column("dB", 0, MOST_DB, "neither", "PSNR of luma; 100 and above is written as 100"),
        "ssim_y": Column("", -1, 1, "neither", "SSIM of luma; 1: equal images"),
        "ms_ssim": Column("", 0, 1, "neither", "SSIM of luma over five scales; 1: equal images"),
        "gmsd": Column("", 0, None, "neither", "how unevenly the gradients of luma differ; 0: equal images"),
        "gmsd_colour": Column("", 0, None, "neither", "the same of colour over four scales; 0: equal images"),
    },
    reference="Wang et al. 2004 (SSIM), 2003 (MS-SSIM); Xue et al. 2014 (GMSD); Zhang et al. 2017 (MS-GMSDc)",
)
"""Its record in the catalog."""
