"""The facts of a run that its report shows, as plain data. Nothing here reads a file or draws anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from groundglass.catalog import Column
from groundglass.ratings.setting_effects import SettingEffects
from groundglass.tables.step_record import StepRecord, Threshold

State = Literal["done", "interrupted", "failed", "waiting", "running"]
Status = Literal["kept", "dropped", "failed", "held_out"]

STATUSES: tuple[Status, ...] = ("kept", "dropped", "failed", "held_out")
"""Every status of a row; the page refers to them by their index in this list."""

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
"""The required columns of `RunFacts.rows`; there are also one float column per measure, and any of `EXTRAS`."""

EXTRAS = ("path", "licence", "author", "format", "warning")
"""Optional text columns of `RunFacts.rows`."""

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
"""The concatenated selections tables of a run, with the step's name as first column."""


@dataclass(frozen=True)
class Knee:
    """The knee that an audit of the run found for a step's threshold.

    recall      share of the defective versions that it would drop
    clean_lost  share of the clean images that it would drop
    defects     the defects that recall counts
    """

    threshold: Threshold
    recall: float
    clean_lost: float
    defects: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """An image that could not be used: its place, the reason (in `errors.REASONS`), and the decoder's message."""

    uri: str
    source: str
    step: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class SourceFacts:
    """The outcomes of all photographs of one source; ``derived`` counts the kept images that were made from them."""

    name: str
    photographs: int
    failed: int
    dropped: int
    derived: int

    @property
    def kept(self) -> int:
        """The number of photographs that were not lost."""
        return self.photographs - self.failed - self.dropped


@dataclass(frozen=True)
class HeldOut:
    """The number of images of a unit that were held out; ``regained`` of them had been dropped before."""

    unit: str
    count: int
    regained: int = 0


class PairColumns(NamedTuple):
    """The names of the two columns of text that the measure `pair` brought."""

    verdict: str
    reasons: str


@dataclass(frozen=True)
class RunFacts:
    """Everything that the report of one run shows.

    name        the recipe's name
    number      the run's number under that name
    state       done, interrupted, failed, waiting or running
    made_at     the time when the run ended, or was last written to
    lock        the first hex digits of the lock's hash; "" if there is no lock yet
    folder      the run's folder, as the user types it, e.g. "runs/faceup/0003"
    recipe      the recipe's path as the user types it, e.g. "faceup.yaml"
    steps       every step of the recipe, in order; steps that were not reached have ``seconds=None``
    rows        `ROWS`, the measures' columns and any of `EXTRAS`; one row per image, photographs and derived images
    columns     the meaning of the measures' columns, in the order in which they are shown
    thumbnails  id -> an encoded image (JPEG, WebP or PNG), upright; ids may be missing
    verdicts    `VERDICTS`
    failures    a sample of the images that failed
    error/hint  the error that stopped a failed run, and what to try
    total       the number of rows of the whole run, if ``rows`` are a sample; else None
    least       the smallest number of images of each group in a sample, if the group has so many
    sources     the sources, counted over the whole run; () if ``rows`` are all
    held_out    the held-out images, counted over the whole run, by unit
    lacking     the part of the run that was moved or deleted, and so is not shown; "" if all is there
    left_out    sentences on what this page leaves out to stay small
    qualities   (step, source -> `SourceQuality.plain`) for the steps that judged whole sources
    said        columns of text, such as captions: name → the text of each of ``rows``, None if there is none
    knees       step → the knee of its threshold in the run's latest audit, if it has exactly one
    settings    for each score of a study the effect of the images' settings on it
    pairs       the columns of `said` with the verdicts and the reasons of pairs, as often as they were measured
    pair_maps   id -> a 1-bit PNG of LQ's size: where HQ shows what LQ does not
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
    settings: tuple[SettingEffects, ...] = ()
    pairs: tuple[PairColumns, ...] = ()
    pair_maps: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError if a table lacks a column, or if a row or verdict names a step that does not exist."""
        _need_columns(self.rows, (*ROWS.names, *self.columns), "rows")
        _need_columns(self.verdicts, VERDICTS.names, "verdicts")
        _need_steps(self)

    def unit(self, step: StepRecord) -> str:
        """The name of the rows after one of the steps, e.g. "photographs", "tiles"."""
        return units_of(self.steps)[step.step]


def units_of(steps: Iterable[StepRecord]) -> dict[str, str]:
    """The name of the rows after each step."""
    unit = "photographs"
    found: dict[str, str] = {}
    for step in steps:
        if step.kind == "transform":
            unit = "tiles" if "tile" in step.label else "images"
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
