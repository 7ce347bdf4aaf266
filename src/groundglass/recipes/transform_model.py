"""The step `transform` as a recipe writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    PositiveInt,
    model_validator,
)

from groundglass.recipes.field_types import Factors, Record
from groundglass.recipes.key_rules import one_of, only_with, refuse


class TransformStep(Record):
    """Virtual images from the current set.

    Exactly one of multiscale, tile, best_tile, downscale, to_effective_resolution.
    """

    multiscale: Annotated[Factors | None, Field(description="scales, at most 1")] = None
    shortest_edge: Annotated[
        PositiveInt | None, Field(description="one more scale: this shortest side in px")
    ] = None
    tile: Annotated[PositiveInt | None, Field(description="side of a square tile, px")] = None
    stride: Annotated[
        PositiveInt | None, Field(description="px from tile to tile; default: the tile's side")
    ] = None
    edges: Annotated[
        Literal["drop", "shift"] | None, Field(description="what the right and bottom rest becomes")
    ] = None
    best_tile: Annotated[PositiveInt | None, Field(description="side of the one most detailed tile, px")] = (
        None
    )
    downscale: Annotated[
        Annotated[int, Field(ge=2)] | Annotated[float, Field(gt=0, lt=1)] | None,
        Field(description="by 2, 3, 4 … or to .5"),
    ] = None
    to_effective_resolution: Annotated[
        Literal[True] | None, Field(description="true: what was enlarged becomes as small as it truly is")
    ] = None
    kernel: Annotated[str | None, Field(description="matlab_bicubic, lanczos, box or area")] = None

    @model_validator(mode="after")
    def _check(self) -> TransformStep:
        check_transform(self)
        return self


TRANSFORMS = ("multiscale", "tile", "best_tile", "downscale", "to_effective_resolution")


TRANSFORM_SETTINGS: dict[str, tuple[str, ...]] = {
    "multiscale": ("shortest_edge", "kernel"),
    "tile": ("stride", "edges"),
    "best_tile": (),
    "downscale": ("kernel",),
    "to_effective_resolution": ("kernel",),
}


def check_transform(step: TransformStep) -> None:
    """One transform, with its own settings."""
    if step.multiscale is not None and not step.multiscale:
        refuse("multiscale", "`multiscale` lists no scale", "write for example `multiscale: [1.0, 0.75]`")
    rule = one_of(step, TRANSFORMS)
    only_with(step, rule, TRANSFORM_SETTINGS)
