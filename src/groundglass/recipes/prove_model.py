"""The prove step of a recipe as a frozen record."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from groundglass.settings.field_types import Names, Record

PresetName = Literal["instant", "quick", "standard", "gpu"]


class ProveStep(Record):
    """Upscalers are trained on the images selected so far and on what they are compared with, and scored.

    Nothing is kept or dropped. The result goes into the run's folder, its report, and the card of a release after it.
    """

    preset: Annotated[
        PresetName,
        Field(
            description="instant: a closed-form regressor, a minute; quick and standard: small networks, minutes to "
            "an hour; gpu: EDSR or MSRResNet, for hours on a GPU"
        ),
    ] = "instant"
    network: Annotated[
        Literal["edsr", "edsr_large", "msrresnet"], Field(description="the network of the preset gpu")
    ] = "edsr"
    start: Annotated[
        str | None,
        Field(description="weights that the trainings of the preset gpu start from; default: random ones"),
    ] = None
    arms: Annotated[
        Names,
        Field(
            min_length=1,
            description="selected (against as many random images), without (each gate left out), sizes, resolution, "
            "turned, best:COLUMN, balanced:COLUMN",
        ),
    ] = ("selected", "without")
    score_on: Annotated[
        Names,
        Field(
            description="folders of trusted images that the results are scored on; default: photos held out from "
            "those that passed every gate"
        ),
    ] = ()
    images: Annotated[
        PositiveInt, Field(ge=8, description="most images of each arm; of more, a random sample is used")
    ] = 400
