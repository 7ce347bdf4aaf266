"""Every image downscaled by an exact factor."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from groundglass.errors import RecipeError
from groundglass.image.region import Crop, Resize, Step
from groundglass.image.resize import find_kernel
from groundglass.settings.key_rules import refuse as refuse_key
from groundglass.transforms.derived import Boxes, Derived, derive, refuse, sizes
from groundglass.transforms.transform import Kernel, Transform

MOST_PARTS = 64
"""A scale such as 0.7 becomes the nearest fraction with at most this denominator."""


class Downscale(Transform):
    """Every image cropped to a multiple of the factor and downscaled by exactly that factor."""

    keys: ClassVar = ("downscale",)
    reference: ClassVar = "MATLAB imresize after modcrop, as in the super-resolution test sets"
    example: ClassVar = "{downscale: 2, kernel: area}"
    resizes: ClassVar = True

    downscale: Annotated[
        Annotated[int, Field(ge=2)] | Annotated[float, Field(gt=0, lt=1)],
        Field(description="by 2, 3, 4 … or to .5"),
    ]
    kernel: Annotated[
        Kernel | None, Field(description="resize kernel; default: matlab_bicubic, as in most test sets")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Downscale:
        try:
            part = _fraction(self.downscale)
        except RecipeError as error:
            refuse_key("downscale", error.message, error.hint)
        if self.kernel == "box" and part.numerator != 1:
            say = f"box only makes whole factors, and {self.downscale:g} is not 1 divided by a whole number"
            refuse_key("kernel", say, "write `kernel: area`, or a whole factor")
        return self

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        return downscale(rows, self.downscale, self.kernel or "matlab_bicubic")

    def label(self) -> str:
        return f"downscale {self.downscale:g} {self.kernel or ''}".rstrip()


def downscale(rows: pa.Table, factor: float, kernel: str = "matlab_bicubic") -> Derived:
    """Every image divided by a whole ``factor`` (2, 3, 4 …) or multiplied by one between 0 and 1.

    The image is first cropped, at the right and bottom, to a multiple of the factor, so that the result is
    *exactly* image/factor and has no sub-pixel shift. A scale p/q crops to a multiple of q. Images
    smaller than that are refused as `too_small`.

    Raises RecipeError for other factors, an unknown kernel, or `box` with a scale that is not 1/whole number.
    """
    part = _fraction(factor)
    if find_kernel(kernel).name == "box" and part.numerator != 1:
        raise RecipeError(f"box cannot make a scale of {factor}", "use the kernel 'area', or a whole factor")
    width, height = sizes(rows)
    fits = np.minimum(width, height) >= part.denominator
    of = np.flatnonzero(fits)
    cropped = [side[of] // part.denominator * part.denominator for side in (width, height)]
    made = [side // part.denominator * part.numerator for side in cropped]
    nothing = np.zeros(len(of), np.int64)
    boxes = Boxes(of, nothing, nothing, *cropped)
    steps = [
        _steps((w, h), (cw, ch), Resize(nw, nh, kernel))
        for w, h, cw, ch, nw, nh in np.stack([width[of], height[of], *cropped, *made], axis=1).tolist()
    ]
    table = derive(rows, "downscale", boxes, steps, float(part), (made[0], made[1]))
    return Derived(table, refuse(rows, ~fits))


def _fraction(factor: float) -> Fraction:
    """The scale as p/q.

    >>> _fraction(4), _fraction(0.75), _fraction(1 / 3)
    (Fraction(1, 4), Fraction(3, 4), Fraction(1, 3))
    """
    if factor >= 2 and float(factor).is_integer():
        return Fraction(1, int(factor))
    part = Fraction(factor).limit_denominator(MOST_PARTS) if 0 < factor < 1 else Fraction(0)
    if not 0 < part < 1:
        raise RecipeError(
            f"an image cannot be downscaled by {factor}", "use 2, 3, 4 … or a scale such as 0.5"
        )
    return part


def _steps(size: tuple[int, int], cropped: tuple[int, int], resize: Resize) -> tuple[Step, ...]:
    return (resize,) if size == cropped else (Crop(0, 0, *cropped), resize)
