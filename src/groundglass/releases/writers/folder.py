"""Images in folders, HR only."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from groundglass.releases.writers.writer import Release
from groundglass.settings.key_rules import refuse


class FolderRelease(Release):
    """HR images in folders; a validation split may have LR versions."""

    reference: ClassVar = "BasicSR's single-image datasets and meta_info files"
    example: ClassVar = "{format: folder, names: keep, image: original}"

    format: Annotated[Literal["folder"], Field(description="HR only")] = "folder"  # pyright: ignore[reportIncompatibleVariableOverride]

    @model_validator(mode="after")
    def _no_pairs(self) -> FolderRelease:
        if self.lr_scales:
            say = "`lr_scales` makes pairs, but the format is `folder`"
            refuse("lr_scales", say, "write `format: paired`")
        return self
