"""A recipe as frozen records: the closed grammar. `load` reads it, with line marks and errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
)

from groundglass.recipes.annotate_model import AnnotateStep
from groundglass.recipes.audit_model import AuditStep
from groundglass.recipes.benchmark_model import BenchmarkStep
from groundglass.recipes.hold_out_model import HoldOutStep
from groundglass.recipes.measure_model import MeasureStep
from groundglass.recipes.prove_model import ProveStep
from groundglass.recipes.split_model import SplitStep
from groundglass.recipes.study_model import StudyStep
from groundglass.releases.writers.writer import Release
from groundglass.selections.rule import Rule
from groundglass.settings.field_types import NAME, RECIPE_NAME, Record, Share
from groundglass.sources.source import Source
from groundglass.transforms.transform import Transform


class Limits(Record):
    """The size and time limits of an image, and the share of images that may fail."""

    pixels: Annotated[
        float,
        Field(
            gt=0,
            description="most pixels of one image, judged from its header; with 150e6 a worker stays under 2 GB of "
            "memory, with more it may take more in proportion; an image that would still need more is `too_large`",
        ),
    ] = 150e6
    side: Annotated[int, Field(gt=0, description="longest side in px, judged from the header")] = 65_500
    unknown_colour: Annotated[
        Literal["keep", "refuse"],
        Field(
            description="images with colours that cannot be converted to sRGB correctly: a damaged profile, PQ or HLG, "
            "printing colours without a profile; kept with a warning, or refused as `unsupported`"
        ),
    ] = "keep"
    frames: Annotated[
        int, Field(ge=1, le=1, description="frames to use of an animation: the first; more are flagged")
    ] = 1
    seconds_per_image: Annotated[float, Field(gt=0, description="CPU time that one image may take, s")] = 60.0
    failed: Annotated[Share, Field(description="share of images that may fail, e.g. 5%")] = 1.0


Body = (
    Source
    | MeasureStep
    | AnnotateStep
    | Rule
    | HoldOutStep
    | Transform
    | SplitStep
    | Release
    | AuditStep
    | ProveStep
    | StudyStep
    | BenchmarkStep
)
Kind = Literal[
    "source",
    "measure",
    "annotate",
    "select",
    "hold_out",
    "transform",
    "split",
    "release",
    "audit",
    "prove",
    "study",
    "benchmark",
]
BODIES: dict[str, type[Record]] = {
    "source": Source,
    "measure": MeasureStep,
    "annotate": AnnotateStep,
    "select": Rule,
    "hold_out": HoldOutStep,
    "transform": Transform,
    "split": SplitStep,
    "release": Release,
    "audit": AuditStep,
    "prove": ProveStep,
    "study": StudyStep,
    "benchmark": BenchmarkStep,
}


class StepHead(Record):
    """The keys that every step may have besides its kind."""

    name: Annotated[
        str, Field(pattern=NAME, description="unique; default: the kind and its count, e.g. select-2")
    ]
    only_if: Annotated[
        str | None,
        Field(alias="if", description="an SQL expression: the rows that the step applies to; others pass"),
    ] = None
    note: Annotated[str | None, Field(description="a remark, shown in the report")] = None


class Step(StepHead):
    """One step: its kind, its unique name, the rows it applies to, and its settings."""

    kind: Kind
    body: Body


def _unique(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    names = [step.name for step in steps]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"two steps have the name {doubled[0]!r}")
    return steps


class RecipeHead(Record):
    """The keys of a recipe besides its steps."""

    name: Annotated[str, Field(pattern=RECIPE_NAME, description="names the folder of its runs: runs/<name>/")]
    seed: Annotated[int, Field(description="the seed of every random choice")] = 0
    limits: Annotated[Limits, Field(description="limits of an image and of a run")] = Limits()
    store: Annotated[str | None, Field(description="a measure store shared by several recipes")] = None


class Recipe(RecipeHead):
    """A whole recipe, with every default filled in."""

    steps: Annotated[tuple[Step, ...], AfterValidator(_unique), Field(description="the steps, in this order")]
