"""The step `transform`: rows become rows of virtual images."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from groundglass.errors import NotHere
from groundglass.made_images.made_measure import MADE
from groundglass.made_images.records import FOLDER
from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.plans.current_rows import applies, count, refusals
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.planner import PlannedStep, Planner, find_column
from groundglass.plans.state import State
from groundglass.steps.ask_servers import calls_left, prepared, texts_of
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.measure.plan import add_columns
from groundglass.tables.columns import ROWS, ColumnPath, measured_columns
from groundglass.tables.parquet import connect, find_keys, without
from groundglass.transforms.derived import REFUSED, Derived
from groundglass.transforms.transform import KeyFault, Transform


def plan(planner: Planner, planned: PlannedStep, body: Transform) -> PlannedStep:
    planned = replace(planned, paths=_text_path(planner, body))
    # The grid of an image that a step makes begins at its first pixel.
    planner.resized = body.resizes or (planner.resized and not body.makes)
    planner.made = body.makes or (planner.made and planned.step.only_if is not None)
    planner.scope = replace(
        planner.scope, generation=planner.scope.generation + 1, mixed=planned.step.only_if is not None
    )
    try:
        body.check()
    except KeyFault as fault:
        planner.fail(("transform", *fault.path), fault.message, fault.hint)
    except NotHere as missing:
        planner.fail(("transform",), missing.message, missing.hint, lacking=True)
    asks = _asks(body)
    if body.makes:
        name, generation = planned.step.name, planner.scope.generation
        add_columns(planner, measured_columns(MADE, asks[0].key, "", name, generation), ("transform",))
    return replace(planned, asks=asks, notes=body.notes())


def _text_path(planner: Planner, body: Transform) -> tuple[ColumnPath, ...]:
    """The column with the text of each row, if the transform names one."""
    name = body.text_column()
    if name is None:
        return ()
    where = ("transform", "prompt_from")
    path = find_column(planner, name, where)
    kind = planner.scope.types().get(".".join(path))
    if kind != "VARCHAR":
        planner.fail(where, f"'{name}' is not a text", "name a column of texts, such as caption")
    return (path,)


def _asks(body: Transform) -> tuple[Ask, ...]:
    """The measure that it needs of the rows that it gets, or takes of the images that it makes."""
    if body.makes:
        return (ask_of(MADE, {}),)
    wanted = body.measured()
    if wanted is None:
        return ()
    measure = MEASURES[wanted.measure] if isinstance(wanted.measure, str) else wanted.measure
    return (ask_of(measure, wanted.settings),)


def run(state: State, planned: PlannedStep) -> Done:
    """Replace the rows by virtual images of them; rows too small for any are dropped with that reason."""
    chosen, others = applies(state, planned)
    derived = derive_rows(state, planned, chosen)
    notes: tuple[str, ...] = ()
    if body_of(planned).makes:
        derived, notes = _made(state, planned, derived, chosen)
    state.run.write(derived.rows, state.run.folder.derived(planned.step.name))
    refused = refusals(derived.refused)
    state.run.write(refused, state.run.folder.verdicts(planned.step.name))
    rows = pa.concat_tables([others, derived.rows.select(ROWS.names)])
    after = replace(state, rows=rows, splits=_with_parents_splits(state.splits, derived.rows)).with_seen(
        derived.rows
    )
    failed = refused.filter(refused["failed"])
    dropped = refused.num_rows - failed.num_rows
    return done(
        state,
        after,
        planned,
        dropped=dropped,
        failed=failed.num_rows,
        reasons=count(refused["reason"]),
        notes=notes,
    )


def _with_parents_splits(splits: pa.Table | None, derived: pa.Table) -> pa.Table | None:
    """The splits with those of new images: each is in the split of the image that it was made from."""
    if splits is None:
        return None
    new = without(derived, splits["id"])  # an image that is its whole photo has that photo's id
    of_parent = splits["split"].take(find_keys(new["parent"], splits["id"]))
    return pa.concat_tables([splits, pa.table({"id": new["id"], "split": of_parent}).cast(splits.schema)])


def derive_rows(state: State, planned: PlannedStep, rows: pa.Table) -> Derived:
    """The virtual images that a transform step makes from ``rows``, and the rows that gave none."""
    body = body_of(planned).in_step(planned.step.name, state.run.seed)
    if body.makes or not planned.asks:
        return body.make(rows, texts_of(state, planned, rows))
    measure_rows(state, rows, planned.asks, planned.step.name)
    return body.make(rows, state.run.store.read(planned.asks[0].key))


def _made(
    state: State, planned: PlannedStep, derived: Derived, origins: pa.Table
) -> tuple[Derived, tuple[str, ...]]:
    """The images that could be made, and notes; the rows of the others are refused with the reason."""
    (ask,) = planned.asks
    making = state
    notes: tuple[str, ...] = ()
    if not state.run.dry:
        body = body_of(planned).in_step(planned.step.name, state.run.seed)
        if body.asks_server:
            notes = prepared(state, planned, body, origins, derived.rows)
        else:
            body.keep_record(state.run.store_folder / FOLDER)
        making = replace(state, run=replace(state.run, settings=body.settings_of(state.run.settings)))
    measure_rows(making, derived.rows, planned.asks, planned.step.name, origins=origins)
    con = connect()
    con.register("made", derived.rows)
    con.register("errors", state.run.store.errors(ask.key))
    # Any error, other than of a measure: without pixels there is no image.
    failed = con.sql(
        "SELECT m.id AS made, m.parent AS id, split_part(e.error, ':', 1) AS reason "
        "FROM made m JOIN errors e USING (sha256, region) ORDER BY m.id"
    ).to_arrow_table()
    refused = failed.select(REFUSED.names).cast(REFUSED)
    whole = Derived(without(derived.rows, failed["made"]), pa.concat_tables([derived.refused, refused]))
    return whole, notes


def body_of(planned: PlannedStep) -> Transform:
    """The transform of a step."""
    body = planned.step.body
    assert isinstance(body, Transform)
    return body


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The exact rows if all values are known; else the most that the sizes of the rows allow."""
    state, into = walk.state, walk.step(planned)
    rows = applies(state, planned)[0] if walk.exact else state.rows
    body = body_of(planned).in_step(planned.step.name, state.run.seed)
    needed = rows
    if body.makes:
        needed = body.make(rows, texts_of(state, planned, rows) if walk.exact else None).rows
    if body.asks_server:
        seconds, said = calls_left(walk, planned, body, rows, needed)
        into = replace(into, seconds=seconds)
        walk.notes.append(f"{planned.step.name}: {said}")
    if walk.does(run, planned, needed):
        return into
    if body.makes:
        to_do = walk.lacking(planned, needed) if walk.exact else walk.count
        into = replace(into, to_do=to_do, untimed=not body.asks_server)
    derived = body.at_most(state.rows)
    if derived is None:
        walk.guessed = True
        walk.at_most(state.rows)
        return into
    made = derived.rows.select(ROWS.names)
    rows, came_of = made, derived.rows["parent"]
    if planned.step.only_if is not None:
        # It is unknown for which rows `if` is true. A row stays or becomes its tiles: together they are an upper bound.
        rows = pa.concat_tables([state.rows, made])
        came_of = pa.chunked_array([*state.rows["id"].chunks, *came_of.chunks])
    walk.at_most(rows, came_of)
    walk.state = walk.state.with_seen(derived.rows)
    return into


def label(body: Transform) -> str:
    """A description of a few words."""
    return body.label()


TRANSFORM = StepKind(plan, run, forecast, label)
