"""What a report needs to know of a run, as plain data. Nothing here reads a file or draws anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa

from groundglass.catalog import Column
from groundglass.tables.step_record import StepRecord, Threshold

State = Literal["done", "interrupted", "failed", "running"]
Status = Literal["kept", "dropped", "failed", "held_out"]

STATUSES: tuple[Status, ...] = ("kept", "dropped", "failed", "held_out")
"""Every status of a row; the page knows them by their place in this list."""

ROWS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("parent", pa.string()),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("region", pa.string()),
        pa.field("born_at", pa.string(), nullable=False),
        pa.field("left_at", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
    ]
)
"""The columns that `RunFacts.rows` must have; beside them come one float column a measure, and any of `EXTRAS`."""

EXTRAS = ("path", "licence", "author", "format", "warning")
"""Text columns of `RunFacts.rows` that are shown where they are given."""

VERDICTS = pa.schema(
    [
        pa.field("step", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("kept", pa.bool_(), nullable=False),
        pa.field("failed", pa.bool_(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("margin", pa.float64()),
    ]
)
"""The selections tables of a run, one under the other, with the step's name in front."""


@dataclass(frozen=True)
class Knee:
    """Where an audit of the run found the knee of a step's threshold.

    recall      share of the defective versions that it would drop
    clean_lost  share of the clean images that it would drop
    defects     what recall was counted on
    """

    threshold: Threshold
    recall: float
    clean_lost: float
    defects: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """An image that could not be used: where, why (a word of `errors.REASONS`), and what the decoder said."""

    uri: str
    source: str
    step: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class SourceFacts:
    """What became of one source's photographs, all counted; ``derived`` are the images made of them that were kept."""

    name: str
    photographs: int
    failed: int
    dropped: int
    derived: int

    @property
    def kept(self) -> int:
        """Photographs that went on."""
        return self.photographs - self.failed - self.dropped


@dataclass(frozen=True)
class HeldOut:
    """How many images of a unit were held out; ``regained`` of them had been dropped before."""

    unit: str
    count: int
    regained: int = 0


@dataclass(frozen=True)
class RunFacts:
    """Everything that the report of one run shows.

    name        the recipe's name
    number      the run's number under that name
    state       done, interrupted, failed or running
    made_at     when the run ended, or when it was last written to
    lock        the first hex digits of the lock's hash; "" where there is no lock yet
    folder      the run's folder as the user types it, e.g. "runs/faceup/0003"
    recipe      the recipe's path as the user types it, e.g. "faceup.yaml"
    steps       every step of the recipe, in order; those not reached have ``seconds=None``
    rows        `ROWS`, the measures' columns and any of `EXTRAS`; one row an image, photographs and derived ones
    columns     what the measures' columns mean, in the order in which they are shown
    thumbnails  id -> an encoded picture (JPEG, WebP or PNG), upright; ids may be absent
    verdicts    `VERDICTS`
    failures    a sample of images that failed, the most telling first
    error/hint  what stopped a failed run, and what to try
    total       rows of the whole run, of which ``rows`` are a sample; None where they are all
    least       images of every group that a sample has at least, where there are so many
    sources     the sources, counted over the whole run; () where ``rows`` are all
    held_out    what was held out, counted over the whole run, by unit
    lacking     what of the run is not where it was, and so is not shown; "" where all is there
    left_out    what this page lacks to be small, a sentence each
    qualities   (step, source -> `SourceQuality.plain`) of the steps that judged whole sources
    said        columns of words, such as captions: name → the text of each of ``rows``, None where there is none
    knees       step → what the run's latest audit found of its threshold, where it has just one
    """

    name: str
    number: int
    state: State
    made_at: datetime
    seed: int
    lock: str
    folder: str
    recipe: str
    steps: tuple[StepRecord, ...]
    rows: pa.Table
    columns: Mapping[str, Column]
    thumbnails: Mapping[str, bytes]
    verdicts: pa.Table
    failures: tuple[Failure, ...] = ()
    error: str = ""
    hint: str = ""
    total: int | None = None
    least: int = 0
    sources: tuple[SourceFacts, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    lacking: str = ""
    left_out: tuple[str, ...] = ()
    qualities: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    said: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    knees: Mapping[str, Knee] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError when a table lacks a column, or a row or verdict names a step that is not there."""
        _need_columns(self.rows, (*ROWS.names, *self.columns), "rows")
        _need_columns(self.verdicts, VERDICTS.names, "verdicts")
        _need_steps(self)

    def unit(self, step: StepRecord) -> str:
        """What the rows after one of the steps are called, e.g. "photographs", "tiles"."""
        return units_of(self.steps)[step.step]


def units_of(steps: Iterable[StepRecord]) -> dict[str, str]:
    """What the rows after each step are called."""
    unit = "photographs"
    found: dict[str, str] = {}
    for step in steps:
        if step.kind == "transform":
            unit = "tiles" if "tile" in step.label else "pictures"
        found[step.step] = unit
    return found


def _need_columns(table: pa.Table, wanted: tuple[str, ...] | list[str], name: str) -> None:
    missing = [column for column in wanted if column not in table.column_names]
    if missing:
        raise ValueError(f"RunFacts.{name} lacks {', '.join(missing)}")


def _need_steps(facts: RunFacts) -> None:
    known = {step.step for step in facts.steps} | {None}
    named = {
        "rows.born_at": facts.rows["born_at"],
        "rows.left_at": facts.rows["left_at"],
        "verdicts.step": facts.verdicts["step"],
    }
    for place, column in named.items():
        strange = set(column.unique().to_pylist()) - known
        if strange:
            raise ValueError(f"RunFacts.{place} names no step of the run: {sorted(map(str, strange))}")
    strange = set(facts.rows["status"].unique().to_pylist()) - set(STATUSES)
    if strange:
        raise ValueError(f"RunFacts.rows.status is none of {STATUSES}: {sorted(map(str, strange))}")
