"""A recipe as frozen records: the closed grammar. Loading, line marks and errors are in `load` and `explain`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeInt, PositiveInt

Scalar = float | int | str | bool | None


class Record(BaseModel):
    """A frozen record that knows no other keys than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _as_share(value: Any) -> Any:
    """'5%' is .05."""
    return float(value[:-1]) / 100 if isinstance(value, str) and value.strip().endswith("%") else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Share = Annotated[float, BeforeValidator(_as_share)]


class Limits(Record):
    """What a picture or a run may cost before it is refused."""

    pixels: Annotated[float, Field(gt=0, description="most pixels of one picture, judged from its header")] = 400e6
    side: Annotated[int, Field(gt=0, description="longest side in px, judged from the header")] = 65_500
    frames: Annotated[int, Field(ge=1, le=1, description="frames used of an animation: the first; more are flagged")] = 1
    seconds_per_image: Annotated[float, Field(gt=0, description="time limit for one picture, s")] = 60.0
    failed: Annotated[Share, Field(ge=0, le=1, description="share of images that may fail, e.g. 5%")] = 1.0


class SourceStep(Record):
    """Where images come from. Exactly one of `folder`, `sample`."""

    folder: Annotated[Names, Field(description="one folder or several; searched through all levels")] = ()
    sample: Annotated[Literal["skimage"] | None, Field(description="photographs inside scikit-image, and faults")] = None
    glob: Annotated[Names, Field(description="which files, e.g. '**/*.jpg'; default: all")] = ()
    licence: Annotated[str | None, Field(description="SPDX id, e.g. CC-BY-4.0")] = None
    author: str | None = None
    limit: Annotated[PositiveInt | None, Field(description="only the first n by uri")] = None


class MeasureRequest(Record):
    """One measure with its parameters; `prefix` is the recipe's `as`."""

    measure: str
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    prefix: str | None = None


class ScoreTable(Record):
    """Scores made elsewhere: a CSV, JSONL or Parquet file whose column `key` names the image."""

    table: str
    key: Literal["uri", "sha256", "id"] = "uri"
    columns: Annotated[Names, Field(description="which columns; default: all but the key")] = ()
    prefix: Annotated[str | None, Field(alias="as")] = None


class MeasureStep(Record):
    """Measures taken in one decode."""

    measures: tuple[MeasureRequest | ScoreTable, ...]


class SelectStep(Record):
    """One rule that keeps or drops rows. Exactly one of the rule keys is given (`keep` and `drop` may go together)."""

    where: Annotated[str | None, Field(description="an SQL expression over the row's columns")] = None
    quantile: Annotated[Share | None, Field(ge=0, le=1, description="keep values at or above this quantile")] = None
    top_k: Annotated[PositiveInt | None, Field(description="keep the best k, per group if `per`")] = None
    quota: Annotated[dict[str, NonNegativeInt] | None, Field(description="how many to keep of each group")] = None
    intersect: Annotated[tuple[SelectStep, ...] | None, Field(description="rules judged on the same pool")] = None
    deduplicate: Annotated[Literal["exact", "near"] | None, Field(description="keep the best of each cluster")] = None
    keep: Annotated[str | None, Field(description="file that lists ids, uris or hashes to keep")] = None
    drop: Annotated[str | None, Field(description="file that lists ids, uris or hashes to drop")] = None
    by: Annotated[str | None, Field(description="the column to rank by")] = None
    order: Annotated[Literal["higher", "lower"] | None, Field(description="which way is better; default: the measure's")] = None
    per: Annotated[str | None, Field(description="the column that groups rows")] = None
    distance: Annotated[NonNegativeInt | None, Field(le=32, description="bits of 64 that near-duplicates may differ in")] = None


class NextBest(Record):
    """Who is held out: the `next` best that the last ranked selection dropped, `count` of the set, or a `list` file."""

    next: PositiveInt | None = None
    count: PositiveInt | None = None
    list: str | None = None
    by: str | None = None
    order: Literal["higher", "lower"] | None = None
    pick: Annotated[PositiveInt | tuple[str, ...] | None, Field(description="draw k of them by seed, or name them")] = None


class HoldOutStep(Record):
    """Named splits taken out of the current set."""

    splits: dict[str, NextBest]


class TransformStep(Record):
    """Virtual images from the current set. Exactly one of multiscale, tile, best_tile, downscale."""

    multiscale: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...] | None, Field(description="scales, at most 1")] = None
    shortest_edge: Annotated[PositiveInt | None, Field(description="one more scale: this shortest side in px")] = None
    tile: Annotated[PositiveInt | None, Field(description="side of a square tile, px")] = None
    stride: Annotated[PositiveInt | None, Field(description="px from tile to tile; default: the tile's side")] = None
    edges: Annotated[Literal["drop", "shift"] | None, Field(description="what the right and bottom rest becomes")] = None
    best_tile: Annotated[PositiveInt | None, Field(description="side of the one most detailed tile, px")] = None
    downscale: Annotated[PositiveInt | Annotated[float, Field(gt=0, lt=1)] | None, Field(description="by 2, 3, 4 … or to .5")] = None
    kernel: Annotated[str | None, Field(description="matlab_bicubic, lanczos, box or area")] = None


class SplitStep(Record):
    """Shares of the splits; near-duplicates and tiles of one photograph stay together."""

    train: Annotated[Share | None, Field(ge=0, le=1)] = None
    validation: Annotated[Share, Field(ge=0, le=1)] = 0.0
    test: Annotated[Share, Field(ge=0, le=1)] = 0.0
    stratify: Annotated[str | None, Field(description="column whose values are split alike")] = None
    group: Annotated[str | None, Field(description="column whose equal values stay together; default: photograph")] = None


class LowResolution(Record):
    """LR versions of a split: integer scales and one kernel."""

    scales: tuple[PositiveInt, ...] = (4,)
    kernel: str = "matlab_bicubic"


class ReleaseStep(Record):
    """A written dataset. Nothing is ever overwritten."""

    format: Literal["folder", "paired"] = "folder"
    names: Literal["number", "keep", "hash"] = "number"
    lr_scales: Annotated[tuple[PositiveInt, ...], BeforeValidator(_as_list)] = ()
    kernel: str = "matlab_bicubic"
    validation_lr: LowResolution | None = None
    meta_info: bool = True
    scores: bool = True
    archive: Literal["zip", "7z"] | None = None
    card: bool = True
    licence: Annotated[str | None, Field(description="the release's own licence, SPDX id")] = None
    allow_unknown_licence: bool = False
    image: Annotated[Literal["png", "webp"], Field(description="file format, both lossless")] = "png"


Body = SourceStep | MeasureStep | SelectStep | HoldOutStep | TransformStep | SplitStep | ReleaseStep
Kind = Literal["source", "measure", "select", "hold_out", "transform", "split", "release"]
BODIES: dict[str, type[Record]] = {
    "source": SourceStep,
    "measure": MeasureStep,
    "select": SelectStep,
    "hold_out": HoldOutStep,
    "transform": TransformStep,
    "split": SplitStep,
    "release": ReleaseStep,
}
NOT_YET = ("annotate", "study", "audit", "prove", "benchmark")
"""Kinds of the grammar that later versions bring."""


class Step(Record):
    """One step: its kind, its unique name, the rows it applies to, and what it does."""

    kind: Kind
    name: str
    only_if: Annotated[str | None, Field(description="rows it applies to; others pass (`if` in the recipe)")] = None
    note: str | None = None
    body: Body


class Recipe(Record):
    """A whole recipe, with every default filled in."""

    name: str
    seed: int = 0
    limits: Limits = Limits()
    store: str | None = None
    steps: tuple[Step, ...]
