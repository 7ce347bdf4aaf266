"""The state that a run passes from step to step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from groundglass.engines.progress import Progress, Silent
from groundglass.engines.shards import Settings
from groundglass.image.header import ImageLimits
from groundglass.plans.planner import Plan
from groundglass.plans.run_folder import RunFolder
from groundglass.selections.ranking import Order
from groundglass.source_quality.clean_profile import Profile
from groundglass.tables.columns import ROWS, Scope, Tables
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import without, write_parquet
from groundglass.tables.step_record import StepRecord


@dataclass(frozen=True)
class Held:
    """Rows held out for a split, and the columns that were known when they were."""

    rows: pa.Table
    scope: Scope


@dataclass(frozen=True)
class RunContext:
    """The plan, the folders and the settings of a run; no step changes them.

    retry     images that failed before are tried again
    dry       nothing is measured and nothing is written: a value that the store lacks stays unknown
    """

    plan: Plan
    folder: RunFolder
    store_folder: Path
    settings: Settings
    limits: ImageLimits
    progress: Callable[[str], Progress]
    seed: int = 0
    retry: bool = False
    dry: bool = False

    @property
    def store(self) -> MeasureStore:
        return MeasureStore(self.store_folder / "measures")

    @property
    def files(self) -> Path:
        """The folder that keeps the facts of files: their hashes and headers."""
        return self.store_folder / "files"

    def write(self, table: pa.Table, path: Path) -> None:
        """Write a table into the run's folder, whole or not at all."""
        if not self.dry:
            write_parquet(table, path)


@dataclass(frozen=True)
class State:
    """The tables of a run after the steps so far. Each step returns a new state.

    run       the plan, the folders and the settings
    rows      the current set
    seen      every row there ever was, photographs and virtual images
    images    every photograph, the unusable ones too
    rests     the rows that each ranked selection dropped, best first, by its step
    held      rows held out, by the name of their split
    splits    id, split: the split of each row, once a split step has run
    scores    tables of scores made elsewhere, by their file
    profiles  profiles that sources are judged by, under their names in the recipe
    ranked_by the column and the order of the last ranked selection
    records   the records of the steps so far
    """

    run: RunContext
    rows: pa.Table = field(default_factory=ROWS.empty_table)
    seen: pa.Table = field(default_factory=ROWS.empty_table)
    images: pa.Table | None = None
    rests: Mapping[str, pa.Table] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)
    splits: pa.Table | None = None
    scores: Mapping[str, pa.Table] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    ranked_by: tuple[str, Order] | None = None
    records: tuple[StepRecord, ...] = ()

    @property
    def tables(self) -> Tables:
        images = self.images if self.images is not None else pa.table({"id": pa.array([], pa.string())})
        return Tables(self.seen, images, self.run.store, self.scores)

    def with_images(self, images: pa.Table) -> State:
        """The state with the photographs of one more source."""
        before = [] if self.images is None else [self.images]
        return replace(self, images=pa.concat_tables([*before, images], promote_options="default"))

    def with_seen(self, rows: pa.Table) -> State:
        """The state with new rows in `seen`; a virtual image that is its whole photograph is there already."""
        rows = rows.select(ROWS.names)
        new = without(rows, self.seen["id"]) if self.seen.num_rows else rows
        return replace(self, seen=pa.concat_tables([self.seen, new.cast(ROWS)]))

    def with_photographs(self, rows: pa.Table) -> State:
        """The state with photographs added to the current set."""
        return replace(self, rows=pa.concat_tables([self.rows, rows])).with_seen(rows)


def make_state(
    plan: Plan,
    folder: RunFolder,
    workers: int = 0,
    progress: Callable[[str], Progress] | None = None,
    retry: bool = False,
    dry: bool = False,
) -> State:
    """The state before the first step. Without ``progress`` nothing is shown."""
    limits = plan.recipe.limits
    return State(
        RunContext(
            plan=plan,
            folder=folder,
            store_folder=(folder.path / store_path(plan)).resolve(),
            settings=Settings(workers=workers, seconds_per_image=limits.seconds_per_image),
            limits=ImageLimits(limits.pixels, limits.side, limits.unknown_colour),
            progress=progress or (lambda _title: Silent()),
            seed=plan.recipe.seed,
            retry=retry,
            dry=dry,
        )
    )


def store_path(plan: Plan) -> str:
    """The path of the store, relative to the run's folder: next to the runs of its recipe, or the one in the recipe."""
    return str(Path(plan.recipe.store).expanduser().absolute()) if plan.recipe.store else "../store"
