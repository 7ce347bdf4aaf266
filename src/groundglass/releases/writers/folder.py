"""Pictures in folders, HR only."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from groundglass.errors import RecipeError
from groundglass.releases.writers.writer import Release


class FolderRelease(Release):
    """HR pictures in folders; a validation split may have LR versions."""

    reference: ClassVar = "BasicSR's single-image datasets and meta_info files"
    example: ClassVar = "{format: folder, names: keep, image: original}"

    format: Annotated[Literal["folder"], Field(description="HR only")] = "folder"  # pyright: ignore[reportIncompatibleVariableOverride]

    def check(self) -> None:
        if self.lr_scales:
            raise RecipeError("lr_scales makes pairs, and the format is 'folder'", "say format: paired")
        super().check()
