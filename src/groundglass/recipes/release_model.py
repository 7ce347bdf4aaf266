"""The step `release` as a recipe writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)

from groundglass.settings.field_types import Record, Scales
from groundglass.settings.key_rules import refuse


class LowResolution(Record):
    """LR versions of a split: integer scales and one kernel."""

    scales: Annotated[Scales, Field(description="2, 3, 4 …")] = (4,)
    kernel: Annotated[str, Field(description="matlab_bicubic, lanczos, box or area")] = "matlab_bicubic"


class ReleaseStep(Record):
    """A written dataset. Nothing is ever overwritten."""

    format: Annotated[Literal["folder", "paired"], Field(description="HR only, or HR with LR beside it")] = (
        "folder"
    )
    names: Annotated[Literal["number", "keep", "hash"], Field(description="how files are named")] = "number"
    lr_scales: Annotated[Scales, Field(description="scales of the LR versions")] = ()
    kernel: Annotated[str, Field(description="how LR is made: matlab_bicubic, lanczos, box or area")] = (
        "matlab_bicubic"
    )
    validation_lr: Annotated[
        LowResolution | None, Field(description="LR versions of the validation split")
    ] = None
    meta_info: Annotated[bool, Field(description="write meta_info.txt as BasicSR reads it")] = True
    scores: Annotated[bool, Field(description="write the table of all scores")] = True
    archive: Annotated[Literal["zip", "7z"] | None, Field(description="pack each split as well")] = None
    card: Annotated[bool, Field(description="write the dataset card, README.md")] = True
    licence: Annotated[str | None, Field(description="the release's own licence, SPDX id")] = None
    allow_unknown_licence: Annotated[bool, Field(description="release images whose licence is not known")] = (
        False
    )
    image: Annotated[
        Literal["png", "webp", "original"],
        Field(
            description="file format, both lossless; `original`: the photograph's own file, PNG where it was cut"
        ),
    ] = "png"
    to: Annotated[
        str | None,
        Field(
            min_length=1,
            description="folder to write to, new or empty; default: `release` in the run's folder",
        ),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> ReleaseStep:
        check_release(self)
        return self


def check_release(step: ReleaseStep) -> None:
    """Pairs need a scale, and are made of pixels: a file that is passed on as it is has no exact LR."""
    if step.format == "paired" and not step.lr_scales:
        refuse(
            "format", "`paired` needs the scales of the LR versions", "add for example `lr_scales: [2, 4]`"
        )
    if step.image == "original" and (step.format == "paired" or step.validation_lr is not None):
        hint = "write `image: png`: HR is cut to a multiple of the scales, so it is written anew"
        refuse("image", "`original` files have no LR versions", hint)
