"""Images in folders, HR and LR side by side."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from groundglass.releases.writers.writer import LowResolution, Release
from groundglass.settings.key_rules import refuse


class PairedRelease(Release):
    """HR images in folders, with their LR versions next to them under the same names."""

    reference: ClassVar = "BasicSR's paired datasets: HR and LR by equal file names"
    example: ClassVar = "{format: paired, lr_scales: [2, 4], kernel: matlab_bicubic}"

    format: Annotated[Literal["paired"], Field(description="HR and LR in folders side by side")] = "paired"  # pyright: ignore[reportIncompatibleVariableOverride]

    @model_validator(mode="after")
    def _scales_are_named(self) -> PairedRelease:
        if not self.lr_scales:
            say = "`paired` needs the scales of the LR versions"
            refuse("format", say, "add for example `lr_scales: [2, 4]`")
        return self

    def low_resolution(self, split: str) -> LowResolution | None:
        return super().low_resolution(split) or self.paired()
