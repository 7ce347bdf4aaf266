"""The base of all formats of a release: its settings, its LR versions, and the lists next to its images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from groundglass.errors import RecipeError
from groundglass.image.resize import find_kernel
from groundglass.releases.archive import check_archive
from groundglass.releases.manifest import write_meta_info
from groundglass.releases.split_names import TRAIN, VALIDATION
from groundglass.settings.field_types import Member, Record, Scales
from groundglass.settings.key_rules import refuse


class LowResolution(Record):
    """LR versions of a split: integer scales and one kernel."""

    scales: Annotated[Scales, Field(description="2, 3, 4 …")] = (4,)
    kernel: Annotated[str, Field(description="matlab_bicubic, lanczos, box or area")] = "matlab_bicubic"


class Release(Member):
    """A written dataset. Nothing is ever overwritten. The value of `format` selects the format."""

    keys: ClassVar = ("format",)
    trains: ClassVar = True
    """Whether networks are trained on its images, so that images too small for their patches are noted."""

    format: Annotated[str, Field(description="the layout of the files and lists")]
    names: Annotated[Literal["number", "keep", "hash"], Field(description="how to name files")] = "number"
    lr_scales: Annotated[Scales, Field(description="scales of the LR versions")] = ()
    kernel: Annotated[
        str, Field(description="the kernel that makes LR: matlab_bicubic, lanczos, box or area")
    ] = "matlab_bicubic"
    validation_lr: Annotated[
        LowResolution | None, Field(description="LR versions of the validation split")
    ] = None
    meta_info: Annotated[bool, Field(description="write meta_info.txt for BasicSR")] = True
    scores: Annotated[bool, Field(description="write the table of all scores")] = True
    metadata: Annotated[
        Literal["auto", "jsonl", "parquet", "none"],
        Field(
            description="columns that came with the images and models' answers, in files that `datasets` reads; "
            "`auto`: metadata.jsonl, or metadata.parquet if a split has no value in a column"
        ),
    ] = "auto"
    captions: Annotated[
        str | None,
        Field(
            min_length=1,
            description="column of texts, e.g. meta.caption, to write as `0000.txt` next to `0000.png`",
        ),
    ] = None
    archive: Annotated[
        Literal["zip", "7z"] | None, Field(description="also pack the release into one archive")
    ] = None
    card: Annotated[bool, Field(description="write the dataset card, README.md")] = True
    licence: Annotated[str | None, Field(description="the release's own licence, SPDX id")] = None
    allow_unknown_licence: Annotated[
        bool, Field(description="also release images with an unknown licence")
    ] = False
    image: Annotated[
        Literal["png", "webp", "original"],
        Field(
            description="file format; png and webp are lossless; `original`: the photo's own file, PNG if it was cut"
        ),
    ] = "png"
    to: Annotated[
        str | None,
        Field(
            min_length=1,
            description="the folder to write to, new or empty; default: `release` in the run's folder",
        ),
    ] = None

    @model_validator(mode="after")
    def _no_lr_of_originals(self) -> Release:
        """A photo's own file has no exact LR."""
        if self.image == "original" and (self.low_resolution(TRAIN) or self.validation_lr is not None):
            hint = "write `image: png`: HR is cut to a multiple of the scales, so it must be written again"
            refuse("image", "`original` files have no LR versions", hint)
        return self

    def check(self) -> None:
        """Refuse invalid settings before anything is read. Raises RecipeError, MissingExtra."""
        for low in (self.paired(), self.validation_lr or LowResolution()):
            find_kernel(low.kernel)
            if len(set(low.scales)) < len(low.scales):
                raise RecipeError(f"LR scales {list(low.scales)}: one occurs twice", "give each once")
        check_archive(self.archive)

    def low_resolution(self, split: str) -> LowResolution | None:
        """The LR versions of a split, or None."""
        return self.validation_lr if split == VALIDATION else None

    @property
    def of_made(self) -> bool:
        """Whether its pairs are those that a step made: of degraded or restored images."""
        return False

    def paired(self) -> LowResolution:
        """The LR versions that the step's own keys name."""
        return LowResolution(scales=self.lr_scales, kernel=self.kernel)

    def write_lists(self, folder: Path, manifest: pa.Table) -> None:
        """The lists next to the images that loaders of this format read."""
        if self.meta_info:
            write_meta_info(manifest, folder)

    def label(self) -> str:
        """The written files, in a few words."""
        return " ".join([self.format, *(f"x{scale}" for scale in self.lr_scales)])
