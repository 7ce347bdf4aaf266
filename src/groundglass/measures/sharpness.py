"""Sharpness: the strength of edges, and the share of the image without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Parameter, Value

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def sharpness(frame: Frame, flat_below: float = 800.0) -> dict[str, Value]:
    """Laplacian variance, Tenengrad, and the share of flat patches, all of 8-bit luma at full resolution.

    ``laplacian_variance`` is the variance of the 4-neighbour Laplacian (borders mirrored), ``tenengrad`` the
    mean of Gx² + Gy² with 3×3 Sobel operators. ``flat_share`` is the share of 240×240 px patches in which
    the Sobel magnitude's variance is under ``flat_below``; smaller patches at the right and the bottom count.
    Noise and over-sharpening raise the first two: a range is a better gate than a minimum.

    Source: Pech-Pacheco et al., ICPR 2000; Tenenbaum, 1970; 4KLSDB keeps Laplacian variances within
    (150, 8000) and drops from a flat share of .5 on (800), or within (100, 10000) and from .65 on (100).

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> sharpness(open_frame(testing.png(testing.flat(64, 48))))
    {'laplacian_variance': 0.0, 'tenengrad': 0.0, 'flat_share': 1.0}
    """
    sums = frame.gradients
    return {
        "laplacian_variance": sums.laplacian_variance,
        "tenengrad": sums.tenengrad,
        "flat_share": float((sums.patch_variances < flat_below).mean()),
    }


MEASURE = Measure(
    name="sharpness",
    version=1,
    compute=sharpness,
    columns={
        "laplacian_variance": Column(
            "grey²", 0, 1020**2, "higher", "variance of the Laplacian; noise raises it"
        ),
        "tenengrad": Column("grey²", 0, 2 * 1020**2, "higher", "mean squared Sobel gradient"),
        "flat_share": Column("", 0, 1, "lower", "share of 240 px patches with hardly any edge"),
    },
    reference="Pech-Pacheco et al., ICPR 2000; Tenenbaum, 1970; 4KLSDB's rules for flat patches",
    parameters={
        "flat_below": Parameter(800.0, "a patch is flat when its Sobel variance is less", "grey²", 0),
    },
)
"""Its record in the catalog."""
