"""A clean image's contribution to a reference of naturalness: computed like a measure, but not one for recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value
from groundglass.measures.naturalness.features import patch_features
from groundglass.measures.naturalness.model import sharp_sums
from groundglass.measures.naturalness.naturalness import MEASURE as NATURALNESS

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def sharp_patches(frame: Frame) -> dict[str, Value]:
    """Sums over the features of the sharp patches of an image; raises NoValue as `naturalness`.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> values = sharp_patches(open_frame(testing.png(testing.photo(320, 240))))
    >>> 1 <= values["patches"] <= 6, len(values["total"]), len(values["products"])
    (True, 288, 10368)
    """
    found = sharp_sums(patch_features(frame.luma))
    return {
        "patches": found.patches,
        "total": found.total.astype("<f8").tobytes(),
        "products": found.products.astype("<f8").tobytes(),
    }


SHARP_PATCHES = Measure(
    name="sharp_patches",
    version=NATURALNESS.version,
    compute=sharp_patches,
    columns={
        "patches": Column("", 1, None, "neither", "sharp patches", int),
        "total": Column("", None, None, "neither", "sums of their features", bytes),
        "products": Column("", None, None, "neither", "sums of products of their features", bytes),
    },
    reference=NATURALNESS.reference,
)
"""Computed by `groundglass fit-naturalness`, and where a recipe's reference is a folder."""
