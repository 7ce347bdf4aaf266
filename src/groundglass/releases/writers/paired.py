"""Images in folders, HR and LR side by side."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from groundglass.releases.writers.writer import LowResolution, Release
from groundglass.settings.key_rules import refuse


class PairedRelease(Release):
    """HR images in folders, with their LR versions next to them under the same names.

    Without `lr_scales`, the pairs are those that a step made: each degraded image with the image that it came from,
    each restored one with the image that was restored.
    """

    reference: ClassVar = "BasicSR's paired datasets: HR and LR by equal file names"
    example: ClassVar = "{format: paired, lr_scales: [2, 4], kernel: matlab_bicubic}"

    format: Annotated[Literal["paired"], Field(description="HR and LR in folders side by side")] = "paired"  # pyright: ignore[reportIncompatibleVariableOverride]

    @model_validator(mode="after")
    def _one_kind_of_pairs(self) -> PairedRelease:
        if not self.lr_scales and self.validation_lr is not None:
            say = "`validation_lr` needs `lr_scales`: without them, the pairs are those that a step made"
            refuse("validation_lr", say, "add for example `lr_scales: [2, 4]`")
        if not self.lr_scales and self.image == "original":
            refuse("image", "of a pair, one image has no original file", "write `image: png`")
        return self

    @property
    def of_made(self) -> bool:
        return not self.lr_scales

    def low_resolution(self, split: str) -> LowResolution | None:
        return None if self.of_made else super().low_resolution(split) or self.paired()
