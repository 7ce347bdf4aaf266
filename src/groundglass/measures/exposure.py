"""Exposure: how light an image is, how wide its range, and how much of it is clipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundglass.catalog import Column, Measure, Parameter, Value

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def exposure(frame: Frame, dark: int = 4, bright: int = 251) -> dict[str, Value]:
    """Shares of clipped pixels, mean of luma, and RMS contrast.

    ``clipped_dark`` is the share of pixels with a luma of at most ``dark``, ``clipped_bright`` of those with a
    luma of at least ``bright``: a little inside 0 and 255, because JPEG scatters clipped pixels.
    ``clipped_channel`` is the share of pixels from 251 on in the channel that clips most: a red flower or a
    blue lamp has lost its detail though its luma is not bright. ``mean_luma`` and ``contrast``, the
    standard deviation of luma, are in grey levels. All of 8-bit luma and sRGB, none linear.

    Source: contrast as the root mean square of Peli, "Contrast in complex images", JOSA A 1990, not divided
    by the range.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> exposure(open_frame(testing.png(testing.flat(8, 8, 255))))["clipped_bright"]
    1.0
    """
    p = frame.histogram / frame.histogram.sum()
    levels = np.arange(256)
    mean = float(p @ levels)
    return {
        "clipped_dark": min(1.0, float(p[: dark + 1].sum())),
        "clipped_bright": min(1.0, float(p[bright:].sum())),
        "clipped_channel": max(frame.colours.clipped),
        "mean_luma": mean,
        "contrast": float(np.sqrt(p @ (levels - mean) ** 2)),
    }


MEASURE = Measure(
    name="exposure",
    version=1,
    compute=exposure,
    columns={
        "clipped_dark": Column("", 0, 1, "lower", "share of pixels that are black"),
        "clipped_bright": Column("", 0, 1, "lower", "share of pixels that are white"),
        "clipped_channel": Column("", 0, 1, "lower", "share clipped in the channel that clips most"),
        "mean_luma": Column("grey", 0, 255, "neither", "mean brightness"),
        "contrast": Column("grey", 0, 127.5, "higher", "RMS contrast: standard deviation of luma"),
    },
    reference="Peli, Contrast in complex images, JOSA A 1990",
    parameters={
        "dark": Parameter(4, "luma up to this is black", "grey", 0, 255),
        "bright": Parameter(251, "luma from this on is white", "grey", 0, 255),
    },
)
"""Its record in the catalog."""
