"""The study step of a recipe as a frozen record. A file `study.yaml` has the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from groundglass.settings.field_types import Names, Record, SmallShare
from groundglass.settings.key_rules import refuse

Protocol = Literal["acr", "slider", "pairwise", "accept", "pair_accept"]
OF_PAIRS = ("pairwise", "pair_accept")
"""The protocols that show two images of one trial."""


class StudyChecks(Record):
    """The trials of a study that check its raters. Their votes are recorded and never count as votes for an image."""

    training: Annotated[
        NonNegativeInt, Field(description="trials with feedback that every rater does first")
    ] = 3
    repeat: Annotated[
        SmallShare,
        Field(description="share of trials shown a second time, to see whether a rater agrees with it"),
    ] = 0.05
    trap: Annotated[
        SmallShare, Field(description="share of trials with a badly damaged copy, which must be rated low")
    ] = 0.03
    identical: Annotated[
        SmallShare,
        Field(description="share of comparisons of an image with itself, which show a left or right bias"),
    ] = 0.03
    gold: Annotated[
        SmallShare, Field(description="share of trials whose right answer is known, from `answers`")
    ] = 0.05
    answers: Annotated[
        str | None,
        Field(
            description="a CSV file item,low,high with the right answers of gold trials; default: no gold trials"
        ),
    ] = None
    dwell: Annotated[
        float, Field(ge=0, le=60, description="seconds; a faster answer is recorded as too fast")
    ] = 0.5


class StudyStep(Record):
    """People rate the images selected so far in the browser. The run waits until there are enough votes."""

    protocol: Annotated[
        Protocol,
        Field(
            description="acr: 1 to 5; slider: 0 to 100; pairwise: which of two is better; accept: keep or drop; "
            "pair_accept: keep or drop a pair of a low- and a high-quality image"
        ),
    ] = "acr"
    items: Annotated[
        PositiveInt | None,
        Field(description="how many images (or pairs) are rated, drawn at random; default: all"),
    ] = None
    votes: Annotated[PositiveInt, Field(description="votes wanted for each image or pair")] = 5
    raters: Annotated[
        PositiveInt | None, Field(description="how many raters are expected; only `study plan` uses it")
    ] = None
    cap: Annotated[PositiveInt | None, Field(description="most trials of one rater; default: all images")] = (
        None
    )
    sitting: Annotated[
        PositiveInt | None,
        Field(
            description="most trials of one sitting; after them a rater may go on only an hour later; default: no limit"
        ),
    ] = None
    stop: Annotated[
        float | None,
        Field(
            gt=0,
            description="an image gets no further votes when the 95 % interval of its score is this narrow",
        ),
    ] = None
    question: Annotated[
        str | None, Field(max_length=300, description="the question above the answer keys")
    ] = None
    dimensions: Annotated[
        Names, Field(max_length=4, description="slider: the sliders, such as quality and alignment")
    ] = ("quality",)
    reasons: Annotated[
        Names,
        Field(
            max_length=9, description="accept, pair_accept: the reasons to drop an image, on the keys 1 to 9"
        ),
    ] = ()
    prompt: Annotated[str | None, Field(description="a text column that is shown with the image")] = None
    content: Annotated[
        str | None,
        Field(
            description="a column whose equal values mean the same content: pairwise compares only images of one "
            "content, and no rater gets one content twice within `gap` trials"
        ),
    ] = None
    gap: Annotated[NonNegativeInt, Field(description="trials between two of the same content")] = 5
    pause: Annotated[PositiveInt, Field(description="trials after which a break is offered")] = 100
    folders: Annotated[
        Mapping[str, str],
        Field(
            description="pairwise, pair_accept: name: folder, such as outputs of rival networks; images with the same "
            "file name are compared. pair_accept takes the first as low and the second as high quality"
        ),
    ] = {}
    dropped_by: Annotated[
        str | None,
        Field(description="rate the images that this step dropped instead, those nearest to its limit first"),
    ] = None
    checks: Annotated[StudyChecks, Field(description="trials that check the raters")] = StudyChecks()

    @model_validator(mode="after")
    def _check(self) -> StudyStep:
        pairs = self.protocol in OF_PAIRS
        if self.folders and not pairs:
            say = f"`folders` has no meaning with the protocol {self.protocol}"
            refuse("folders", say, "it goes with pairwise and pair_accept")
        if self.folders and len(self.folders) < 2:
            refuse(
                "folders", "`folders` must name two folders or more", "folders: {a: outputs/a, b: outputs/b}"
            )
        if self.protocol == "pair_accept" and len(self.folders) != 2:
            say = "pair_accept needs two `folders`: low quality, then high quality"
            refuse("protocol", say, "folders: {lq: low/, hq: high/}")
        if self.dropped_by and self.protocol != "accept":
            say = f"`dropped_by` has no meaning with the protocol {self.protocol}"
            refuse("dropped_by", say, "a review of dropped images takes protocol: accept")
        if self.reasons and self.protocol not in ("accept", "pair_accept"):
            say = f"`reasons` has no meaning with the protocol {self.protocol}"
            refuse("reasons", say, "they go with accept and pair_accept")
        if self.dimensions != ("quality",) and self.protocol != "slider":
            say = f"`dimensions` has no meaning with the protocol {self.protocol}"
            refuse("dimensions", say, "they go with slider")
        for key, words in (("dimensions", self.dimensions), ("reasons", self.reasons)):
            twice = [word for at, word in enumerate(words) if word in words[:at]]
            if twice:
                refuse(key, f"`{key}` has '{twice[0]}' twice", "name each of them once")
        if self.checks.answers and self.protocol == "pairwise":
            refuse(
                "checks",
                "`answers` has no meaning with the protocol pairwise",
                "its gold trials have no scale",
            )
        if self.stop and self.protocol in ("accept", "pair_accept"):
            say = f"`stop` has no meaning with the protocol {self.protocol}"
            refuse("stop", say, "it goes with acr, slider and pairwise")
        return self

    @property
    def free_pairs(self) -> bool:
        """Whether pairs are chosen while people vote. Each vote is then one for both images; `folders` give pairs."""
        return self.protocol == "pairwise" and not self.folders

    @property
    def scale(self) -> tuple[float, float] | None:
        """The lowest and the highest score; None for comparisons."""
        return {"acr": (1.0, 5.0), "slider": (0.0, 100.0), "pairwise": None}.get(self.protocol, (0.0, 1.0))
