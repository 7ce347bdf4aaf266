"""Rating sets: the votes and scores of a study, to publish or to run a challenge with."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from groundglass.releases.writers.writer import Release
from groundglass.settings.field_types import Share
from groundglass.settings.key_rules import refuse

VALIDATION_SHARE, TEST_SHARE = 0.1, 0.2


def shares_of(validation: float | None = None, test: float | None = None) -> dict[str, float]:
    """The shares of train, validation and test, of which some may be the usual ones.

    >>> shares_of(test=0.4)
    {'train': 0.5, 'validation': 0.1, 'test': 0.4}
    """
    validation = VALIDATION_SHARE if validation is None else validation
    test = TEST_SHARE if test is None else test
    return {"train": round(1 - validation - test, 12), "validation": validation, "test": test}


class RatingsRelease(Release):
    """A rating set: the votes and scores of a study, its splits, a table for pyiqa, and a card."""

    reference: ClassVar = "AIGIQA-20K (Li et al. 2024), and the meta_info tables of pyiqa"
    example: ClassVar = "{format: ratings, study: rating, stratify: meta.generator, licence: CC-BY-4.0}"
    trains: ClassVar = False

    format: Annotated[Literal["ratings"], Field(description="votes, scores, splits and a card")] = "ratings"  # pyright: ignore[reportIncompatibleVariableOverride]
    study: Annotated[
        str | None,
        Field(min_length=1, description="the study step whose votes are released; default: the last one"),
    ] = None
    images: Annotated[
        bool,
        Field(
            description="also write the rated images; otherwise the tables name each by its path and its SHA-256"
        ),
    ] = False
    stratify: Annotated[
        str | None,
        Field(
            min_length=1,
            description="without a `split` step: a column whose values each split has in the same shares; default: "
            "the source",
        ),
    ] = None
    validation: Annotated[
        Share | None, Field(description="without a `split` step: share of the validation split; default: 10%")
    ] = None
    test: Annotated[
        Share | None, Field(description="without a `split` step: share of the test split; default: 20%")
    ] = None
    names: Annotated[Literal["number", "keep", "hash"], Field(description="how to name the images")] = "keep"
    image: Annotated[
        Literal["png", "webp", "original"],
        Field(description="`original`: the photo's own file, PNG if it was cut; png and webp are lossless"),
    ] = "original"

    @model_validator(mode="after")
    def _check_ratings(self) -> RatingsRelease:
        if self.lr_scales or self.validation_lr is not None:
            key = "lr_scales" if self.lr_scales else "validation_lr"
            refuse(
                key,
                f"`{key}` has no meaning with `{self.format}`",
                "release LR versions in a step of their own",
            )
        if self.captions is not None:
            refuse(
                "captions", f"`captions` has no meaning with `{self.format}`", "the tables have the prompts"
            )
        if self.archive is not None and not self.images:
            refuse("archive", "`archive` packs images, and this release has none", "add `images: true`")
        if self.shares["train"] <= 0:
            refuse("test", "validation and test take the whole set", "give smaller shares")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """Split → its share, if the recipe has no `split` step."""
        return shares_of(self.validation, self.test)

    def label(self) -> str:
        return (
            f"{self.format}{f' of {self.study}' if self.study else ''}{' with images' if self.images else ''}"
        )


class ChallengeRelease(RatingsRelease):
    """A challenge: a public part without the scores of validation and test, and the hidden scores."""

    reference: ClassVar = "the NTIRE challenges on quality assessment of generated images"
    example: ClassVar = "{format: challenge, study: rating, images: true}"

    format: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride]
        Literal["challenge"],
        Field(description="a folder public/ for the teams, and a folder hidden/ for the judges"),
    ] = "challenge"
