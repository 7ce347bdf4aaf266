"""The step `transform`: rows become rows of virtual images."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from groundglass.image.resize import KERNELS
from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import ask_of
from groundglass.plans.current_rows import applies, count, verdicts_of
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.plans.run_folder import StepRecord
from groundglass.plans.state import State
from groundglass.recipes.transform_model import TransformStep
from groundglass.steps.kind import StepForecast, StepKind, Walk, record
from groundglass.tables.columns import ROWS
from groundglass.transforms.best_tile import BEST_TILE, best_tile
from groundglass.transforms.derived import Derived
from groundglass.transforms.downscale import downscale
from groundglass.transforms.multiscale import multiscale
from groundglass.transforms.tile import tile
from groundglass.transforms.to_effective_resolution import to_effective_resolution


def plan(planner: Planner, planned: PlannedStep, body: TransformStep) -> PlannedStep:
    if body.kernel is not None and body.kernel not in KERNELS:
        planner.fail(("transform", "kernel"), f"there is no kernel '{body.kernel}'", "", KERNELS, body.kernel)
    if body.kernel == "box" and body.to_effective_resolution:
        planner.fail(("transform", "kernel"), "box makes whole factors only", "use lanczos or area")
    notes = ()
    if body.tile and body.stride and body.stride > body.tile:
        notes = (f"tiles of {body.tile} px stand {body.stride} px apart: what lies between them is in none",)
    asks = (ask_of(BEST_TILE, {"size": body.best_tile}),) if body.best_tile else ()
    if body.to_effective_resolution:
        asks = (ask_of(MEASURES["resolution"], {}),)
    if body.multiscale is not None or body.downscale is not None or body.to_effective_resolution:
        planner.resized = True
    planner.scope = replace(
        planner.scope, generation=planner.scope.generation + 1, mixed=planned.step.only_if is not None
    )
    return replace(planned, asks=asks, notes=notes)


def run(state: State, planned: PlannedStep) -> StepRecord:
    """Replace the rows by virtual images of them; rows too small for any are dropped with that reason."""
    chosen, others = applies(state, planned)
    into = state.rows.num_rows
    derived = derive_rows(state, planned, chosen)
    state.write(derived.rows, state.folder.derived(planned.step.name))
    refused = verdicts_of(derived.refused)
    state.write(refused, state.folder.verdicts(planned.step.name))
    state.rows = pa.concat_tables([others, derived.rows.select(ROWS.names)])
    state.add_rows(derived.rows)
    failed = refused.filter(refused["failed"])
    dropped = refused.num_rows - failed.num_rows
    return record(
        planned,
        into,
        state.rows.num_rows,
        dropped=dropped,
        failed=failed.num_rows,
        reasons=count(refused["reason"]),
    )


def derive_rows(state: State, planned: PlannedStep, rows: pa.Table) -> Derived:
    """The virtual images that a transform step makes of ``rows``, and the rows that gave none."""
    body = planned.step.body
    assert isinstance(body, TransformStep)
    if needs_sizes_only(body):
        return derive_by_size(body, rows)
    measure_rows(state, rows, planned.asks, planned.step.name)
    found = state.store.read(planned.asks[0].key)
    if body.to_effective_resolution:
        return to_effective_resolution(rows, found, kernel=body.kernel or "lanczos")
    assert body.best_tile is not None
    return best_tile(rows, found, body.best_tile)


def needs_sizes_only(body: TransformStep) -> bool:
    """Whether what it makes follows from the sizes of the rows, with nothing measured."""
    return body.best_tile is None and not body.to_effective_resolution


def derive_by_size(body: TransformStep, rows: pa.Table) -> Derived:
    """The virtual images that a transform makes of ``rows`` by their sizes alone."""
    if body.multiscale is not None:
        return multiscale(rows, body.multiscale, body.shortest_edge, body.kernel or "lanczos")
    if body.tile is not None:
        return tile(rows, body.tile, body.stride, body.edges or "drop")
    assert body.downscale is not None
    return downscale(rows, body.downscale, body.kernel or "matlab_bicubic")


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The very rows where all is known; else the most that the sizes of the rows allow."""
    body, state, into = planned.step.body, walk.state, walk.step(planned)
    assert isinstance(body, TransformStep)
    rows = applies(state, planned)[0] if walk.exact else state.rows
    if walk.does(run, planned, rows):
        return into
    if body.to_effective_resolution:
        walk.guessed = True
        walk.at_most(state.rows)
        return into
    if body.best_tile:  # where they lie is not known: any tiles of the same size count the same
        derived = tile(state.rows, body.best_tile, stride=1_000_000)
    else:
        derived = derive_rows(state, planned, state.rows)
    made = derived.rows.select(ROWS.names)
    state.add_rows(derived.rows)
    # of rows that `if` may or may not hold for, each stays or becomes its tiles: both together are no fewer
    walk.at_most(made if planned.step.only_if is None else pa.concat_tables([state.rows, made]))
    return into


def label(body: TransformStep) -> str:
    """What it makes, in a few words.

    >>> label(TransformStep(tile=512))
    'tile 512'
    """
    if body.multiscale is not None:
        scales = [f"{scale:g}" for scale in body.multiscale]
        return f"scales {', '.join(scales)}{f', shortest edge {body.shortest_edge}' if body.shortest_edge else ''}"
    if body.tile is not None:
        return f"tile {body.tile}{f' every {body.stride}' if body.stride else ''}"
    if body.best_tile is not None:
        return f"best tile {body.best_tile}"
    if body.to_effective_resolution:
        return "to effective resolution"
    return f"downscale {body.downscale:g} {body.kernel or ''}".rstrip()


TRANSFORM = StepKind(plan, run, forecast, label)
