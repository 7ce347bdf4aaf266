"""A recipe as frozen records: the closed grammar. Reading, line marks and errors: `load`, `explain`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeInt,
    PlainSerializer,
    PositiveInt,
    WithJsonSchema,
    model_validator,
)

from groundglass.recipes import rules
from groundglass.recipes.annotate_model import AnnotateStep
from groundglass.recipes.audit_model import AuditStep
from groundglass.recipes.fields import NAME, RECIPE_NAME, Factors, Names, Record, Scalar, Scales, Share


class Limits(Record):
    """What a picture or a run may cost before it is refused."""

    pixels: Annotated[
        float, Field(gt=0, description="most pixels of one picture, judged from its header")
    ] = 400e6
    side: Annotated[int, Field(gt=0, description="longest side in px, judged from the header")] = 65_500
    frames: Annotated[
        int, Field(ge=1, le=1, description="frames used of an animation: the first; more are flagged")
    ] = 1
    seconds_per_image: Annotated[float, Field(gt=0, description="CPU time that one image may take, s")] = 60.0
    failed: Annotated[Share, Field(description="share of images that may fail, e.g. 5%")] = 1.0


class SourceStep(Record):
    """Where images come from. Exactly one of `folder`, `archive`, `table`, `sample`."""

    folder: Annotated[Names, Field(description="one folder or several; searched through all levels")] = ()
    archive: Annotated[
        Names,
        Field(description="zip or uncompressed tar files, WebDataset shards too; `*` stands for any name"),
    ] = ()
    table: Annotated[
        Names, Field(description="Parquet, CSV or JSONL files whose rows are images; `*` stands for any name")
    ] = ()
    sample: Annotated[
        Literal["skimage"] | None, Field(description="photographs inside scikit-image, and faults")
    ] = None
    path: Annotated[
        str | None, Field(description="the table's column of files, each taken from the table's folder")
    ] = None
    bytes: Annotated[
        str | None, Field(description="the Parquet table's column of whole files, or its struct with `bytes`")
    ] = None
    columns: Annotated[
        dict[str, Literal["TEXT", "INTEGER", "DOUBLE", "BOOLEAN"]] | None,
        Field(description="which columns become `meta.x`, and of which type; default: all, as they are"),
    ] = None
    where: Annotated[
        str | None,
        Field(
            description="an SQL expression over those columns; what it refuses is on record but never read"
        ),
    ] = None
    glob: Annotated[Names, Field(description="which files, e.g. '**/*.jpg'; default: all")] = ()
    licence: Annotated[
        str | None, Field(description="SPDX id, e.g. CC-BY-4.0; default: the column `licence` or `license`")
    ] = None
    author: Annotated[
        str | None,
        Field(
            description="whom to credit; goes into the card and the attribution file; default: the column `author`"
        ),
    ] = None
    limit: Annotated[
        PositiveInt | None, Field(description="only the first n by uri, of those that `where` lets pass")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> SourceStep:
        rules.check_source(self)
        return self


class MeasureRequest(Record):
    """One measure with its parameters; `prefix` is the recipe's `as`."""

    measure: str
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    prefix: Annotated[str | None, Field(alias="as")] = None

    def written(self) -> str | dict[str, dict[str, Scalar]]:
        """As a recipe writes it: the name, or the name with its parameters."""
        settings = self.parameters | ({"as": self.prefix} if self.prefix is not None else {})
        return {self.measure: settings} if settings else self.measure


def _as_request(value: Any) -> Any:
    """A name, or a name with its parameters, as the fields of a request; what is neither stays as it is."""
    if isinstance(value, str):
        return {"measure": value}
    if not isinstance(value, dict):
        return value
    rules.check_request(value)
    name, settings = next(iter(value.items()))
    parameters = {key: one for key, one in settings.items() if key != "as"}
    return {"measure": name, "parameters": parameters} | ({"as": settings["as"]} if "as" in settings else {})


Requested = Annotated[
    MeasureRequest,
    BeforeValidator(_as_request),
    PlainSerializer(MeasureRequest.written),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "object"}]}),
]
"""One measure inside another key: `objects_sam`, or `{objects_sam: {parameter: value}}`."""


class ScoreTable(Record):
    """Scores made elsewhere: a CSV, JSONL or Parquet file whose column `key` names the image."""

    table: Annotated[str, Field(description="the file: .csv, .jsonl or .parquet")]
    key: Annotated[
        Literal["uri", "sha256", "id"], Field(description="what its column of that name holds")
    ] = "uri"
    columns: Annotated[Names, Field(description="which columns; default: all but the key")] = ()
    prefix: Annotated[str | None, Field(alias="as", description="put before the names of its columns")] = None


class MeasureStep(Record):
    """Measures taken in one decode."""

    measures: tuple[MeasureRequest | ScoreTable, ...]


class SourceDivergence(Record):
    """Whole sources are kept or dropped by the JPEG quality that their photographs' blockiness betrays."""

    reference: Annotated[
        str,
        Field(
            min_length=1, description="a profile, a folder of photographs that were never compressed, or df2k"
        ),
    ]
    least: Annotated[Share, Field(description="the least quality of a source; .95 is JPEG at quality 95")] = (
        0.9
    )
    unknown: Annotated[
        Literal["keep", "drop"], Field(description="sources that no quality can be given of: too few images")
    ] = "keep"


class Cascade(Record):
    """A costly measure is taken only of the rows of which a cheap column leaves doubt."""

    by: Annotated[str, Field(min_length=1, description="the cheap column, known before this step")]
    recall: Annotated[
        Share,
        Field(
            description="share of what the costly rule keeps that must be kept, shown with 95 % confidence"
        ),
    ] = 0.95
    budget: Annotated[
        Share,
        Field(description="share of the rows that may be measured; the run stops where that is too little"),
    ] = 1.0
    measure: Annotated[
        Requested | None,
        Field(description="the costly measure; default: the one that brings the column of `where`"),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Cascade:
        rules.check_cascade(self)
        return self


class SelectStep(Record):
    """One rule that keeps or drops rows. Exactly one rule key is given; `keep` and `drop` may go together."""

    where: Annotated[str | None, Field(description="an SQL expression over the row's columns")] = None
    quantile: Annotated[Share | None, Field(description="keep values at or above this quantile")] = None
    top_k: Annotated[PositiveInt | None, Field(description="keep the best k, per group if `per`")] = None
    quota: Annotated[
        dict[str, NonNegativeInt] | None, Field(description="how many to keep of each group")
    ] = None
    intersect: Annotated[
        tuple[SelectStep, ...] | None,
        Field(description="rules judged on the same pool, all of them required"),
    ] = None
    deduplicate: Annotated[
        Literal["exact", "pixels", "near"] | None, Field(description="keep the best of each cluster")
    ] = None
    decontaminate: Annotated[
        Names,
        Field(description="drop photographs that show images of these test sets, or of such files; or all"),
    ] = ()
    source_divergence: Annotated[
        SourceDivergence | None, Field(description="keep sources of this least JPEG quality")
    ] = None
    keep: Annotated[str | None, Field(description="file that lists ids, uris or hashes to keep")] = None
    drop: Annotated[str | None, Field(description="file that lists ids, uris or hashes to drop")] = None
    by: Annotated[str | None, Field(description="the column to rank by")] = None
    order: Annotated[
        Literal["higher", "lower"] | None, Field(description="which way is better; default: the measure's")
    ] = None
    per: Annotated[str | None, Field(description="the column that groups rows")] = None
    distance: Annotated[
        Annotated[int, Field(ge=0, le=32)] | None,
        Field(description="bits of 64 that near-duplicates may differ in"),
    ] = None
    cascade: Annotated[
        Cascade | None, Field(description="measure for `where` only where a cheap column leaves doubt")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> SelectStep:
        rules.check_select(self)
        return self


class NextBest(Record):
    """Who is held out. Exactly one of `next`, `count`, `list`."""

    next: Annotated[
        PositiveInt | None, Field(description="the best n that the last ranked selection dropped")
    ] = None
    count: Annotated[
        PositiveInt | None, Field(description="the best n of the current set, or n drawn by seed")
    ] = None
    list: Annotated[str | None, Field(description="file that lists ids, uris or hashes")] = None
    by: Annotated[str | None, Field(description="the column to rank by")] = None
    order: Annotated[
        Literal["higher", "lower"] | None, Field(description="which way is better; default: the measure's")
    ] = None
    pick: Annotated[
        PositiveInt | tuple[str, ...] | None, Field(description="draw k of them by seed, or a list of ids")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> NextBest:
        rules.check_hold_out(self)
        return self


class HoldOutStep(Record):
    """Named splits taken out of the current set."""

    splits: dict[str, NextBest]


class TransformStep(Record):
    """Virtual images from the current set.

    Exactly one of multiscale, tile, best_tile, downscale, to_effective_resolution.
    """

    multiscale: Annotated[Factors | None, Field(description="scales, at most 1")] = None
    shortest_edge: Annotated[
        PositiveInt | None, Field(description="one more scale: this shortest side in px")
    ] = None
    tile: Annotated[PositiveInt | None, Field(description="side of a square tile, px")] = None
    stride: Annotated[
        PositiveInt | None, Field(description="px from tile to tile; default: the tile's side")
    ] = None
    edges: Annotated[
        Literal["drop", "shift"] | None, Field(description="what the right and bottom rest becomes")
    ] = None
    best_tile: Annotated[PositiveInt | None, Field(description="side of the one most detailed tile, px")] = (
        None
    )
    downscale: Annotated[
        Annotated[int, Field(ge=2)] | Annotated[float, Field(gt=0, lt=1)] | None,
        Field(description="by 2, 3, 4 … or to .5"),
    ] = None
    to_effective_resolution: Annotated[
        Literal[True] | None, Field(description="true: what was enlarged becomes as small as it truly is")
    ] = None
    kernel: Annotated[str | None, Field(description="matlab_bicubic, lanczos, box or area")] = None

    @model_validator(mode="after")
    def _check(self) -> TransformStep:
        rules.check_transform(self)
        return self


class SplitStep(Record):
    """Shares of the splits; near-duplicates and tiles of one photograph stay together."""

    train: Annotated[
        Share | None, Field(description="share of the train split; default: what the others leave")
    ] = None
    validation: Annotated[Share, Field(description="share of the validation split")] = 0.0
    test: Annotated[Share, Field(description="share of the test split")] = 0.0
    stratify: Annotated[str | None, Field(description="column whose values are split alike")] = None
    group: Annotated[
        str | None, Field(description="column whose equal values stay together; default: photograph")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> SplitStep:
        rules.check_split(self)
        return self


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
        rules.check_release(self)
        return self


Body = (
    SourceStep
    | MeasureStep
    | AnnotateStep
    | SelectStep
    | HoldOutStep
    | TransformStep
    | SplitStep
    | ReleaseStep
    | AuditStep
)
Kind = Literal[
    "source", "measure", "annotate", "select", "hold_out", "transform", "split", "release", "audit"
]
BODIES: dict[str, type[Record]] = {
    "source": SourceStep,
    "measure": MeasureStep,
    "annotate": AnnotateStep,
    "select": SelectStep,
    "hold_out": HoldOutStep,
    "transform": TransformStep,
    "split": SplitStep,
    "release": ReleaseStep,
    "audit": AuditStep,
}
NOT_YET = ("study", "prove", "benchmark")
"""Kinds of the grammar that later versions bring."""


class StepHead(Record):
    """What every step may say beside its kind."""

    name: Annotated[
        str, Field(pattern=NAME, description="unique; default: the kind and its count, e.g. select-2")
    ]
    only_if: Annotated[
        str | None, Field(alias="if", description="an SQL expression: the rows it applies to; others pass")
    ] = None
    note: Annotated[str | None, Field(description="a remark; shown in the report")] = None


class Step(StepHead):
    """One step: its kind, its unique name, the rows it applies to, and what it does."""

    kind: Kind
    body: Body


def _unique(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    names = [step.name for step in steps]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"two steps have the name {doubled[0]!r}")
    return steps


class RecipeHead(Record):
    """What a recipe says beside its steps."""

    name: Annotated[str, Field(pattern=RECIPE_NAME, description="names the folder of its runs: runs/<name>/")]
    seed: Annotated[int, Field(description="of every random choice")] = 0
    limits: Annotated[Limits, Field(description="what a picture or a run may cost")] = Limits()
    store: Annotated[str | None, Field(description="a measure store shared by several recipes")] = None


class Recipe(RecipeHead):
    """A whole recipe, with every default filled in."""

    steps: Annotated[
        tuple[Step, ...], AfterValidator(_unique), Field(description="what is done, in this order")
    ]
