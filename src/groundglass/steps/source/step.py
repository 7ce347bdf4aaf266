"""The step `source`: list the images, read the headers of those that are new, and let the good ones join the set."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa

from groundglass.engines.cores import cores
from groundglass.errors import ImageError
from groundglass.files.locators import read
from groundglass.image.frame import open_frame
from groundglass.notices import notice
from groundglass.plans.current_rows import count
from groundglass.plans.known_sources import source_warnings
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.plans.state import State
from groundglass.plans.wide_images import wide_note
from groundglass.sources.scan_job import known_files, warning_counts
from groundglass.sources.source import Source, SourceFault, SourceWithColumns, ToMake
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.source.images_table import (
    believed,
    gather,
    home_of,
    refused_rows,
    unread_files,
    with_headers,
)
from groundglass.steps.source.open_source import condition_of, list_source, look_at_source
from groundglass.tables.columns import ROWS
from groundglass.tables.expressions import ExpressionError, parse
from groundglass.tables.parquet import compute, only, without
from groundglass.tables.reasons import count_kinds
from groundglass.tables.rows import photographs
from groundglass.text.format import some

SCAN_SECONDS = 0.002
"""Seconds to read and hash one file on one core."""
SAMPLE = 64
"""Number of files with headers that are read to guess the sizes of files that no run has read yet."""


def plan(planner: Planner, planned: PlannedStep, body: Source) -> PlannedStep:
    if planned.step.only_if is not None:
        planner.fail(("if",), "a source takes no `if`", "use `glob`, or select afterwards")
    try:
        brought = look_at_source(body)
    except SourceFault as fault:
        planner.fail(("source", *fault.keys), fault.message, fault.hint, fault.valid, fault.word)
    except ExpressionError as error:
        planner.fail(("source", "where"), error.message, error.hint)
    widened = _add_meta(planner, brought.meta)
    unusable = {**(planner.scope.unusable or {}), **brought.unusable}
    planner.scope = replace(planner.scope, unusable=unusable)
    own = "as each file says" if "licence" in brought.credits else None
    planner.licences[planned.step.name] = body.licence or own
    condition = condition_of(body)
    wide = wide_note(parse(condition), brought.columns) if condition is not None else ""
    about = (f"its `where` {wide}",) if wide else ()
    return replace(planned, notes=(*brought.notes, *widened, *about))


def run(state: State, planned: PlannedStep) -> Done:
    """List and scan; good files join the current set."""
    body = planned.step.body
    assert isinstance(body, Source)
    found = gather(state, planned.step.name, body)
    rows = photographs(found.images)
    after = state.with_images(found.images).with_photographs(rows)
    failed = found.images.filter(found.images["error"].is_valid())
    warnings = warning_counts(found.images["warning"])
    known = source_warnings(state.run.plan.steps, planned.step.name, body, rows)
    for sentence in known:  # now, while it can still save hours; the funnel has it again at the end
        notice(f"{planned.step.name}: {sentence}")
    return done(
        state,
        after,
        planned,
        into=found.images.num_rows,
        out=rows.num_rows,
        dropped=found.refused.num_rows,
        failed=failed.num_rows,
        cached=found.cached,
        reasons=count(failed["error"]) | count_kinds(found.refused),
        notes=(*found.notes, *warnings_note(found.images["warning"], warnings), *known),
        facts={"warnings": warnings} if warnings else {},
    )


def warnings_note(warned: pa.ChunkedArray, counts: Mapping[str, int]) -> tuple[str, ...]:
    """A sentence on usable files with a warning."""
    if not counts:
        return ()
    many = len(warned) - warned.null_count
    words = ", ".join(f"{word} {number:,}" for word, number in counts.items())
    return (f"{some(many, 'photos')} with a warning: {words}",)


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """List the source; the sizes of files that no run has read yet are guessed from the headers of a sample."""
    body = planned.step.body
    assert isinstance(body, Source)
    state = walk.state
    home = home_of(state, planned.step.name)
    making = body.to_make(home)
    listing = _as_made(list_source(body, home, look_at_source(body), state.run.plan.meta), making)
    known = believed(known_files(state.run.files, state.run.limits), retry=False)
    unread = unread_files(listing, known)
    images = with_headers(planned.step.name, listing, known)
    new = only(images.filter(images["error"].is_valid()), unread["path"], "path")
    made = pa.array([uri for uri, _, _ in making.files], pa.string())
    rows = pa.concat_tables(
        [
            photographs(images),
            rows_to_make(only(new, made, "uri"), making),
            guessed_rows(without(new, made, "uri")),
        ]
    )
    walk.state = state.with_images(images).with_photographs(rows)
    to_do = unread.num_rows
    guessed = max(0, to_do - len(making.files))
    walk.exact = walk.exact and not to_do
    walk.guessed = walk.guessed or guessed > SAMPLE or bool(making.files)
    if guessed > SAMPLE:
        walk.notes.append(
            f"{planned.step.name}: sizes of {guessed:,} unread files are guessed from {SAMPLE:,} of them"
        )
    walk.notes += [f"{planned.step.name}: {sentence}" for sentence in making.notes]
    steps = state.run.plan.steps
    warnings = source_warnings(
        steps, planned.step.name, body, rows, guessed=guessed > SAMPLE or bool(making.files)
    )
    walk.notes += [f"{planned.step.name}: {sentence}" for sentence in warnings]
    readable = listing["error"].null_count
    cached = readable - to_do - refused_rows(images["id"], listing).num_rows
    return replace(
        walk.step(planned),
        into=listing.num_rows,
        exact=True,
        to_do=to_do,
        cached=cached,
        seconds=to_do * SCAN_SECONDS + making.seconds * cores(),  # undoes the later division
        untimed=making.untimed,
    )


def _as_made(listing: pa.Table, making: ToMake) -> pa.Table:
    """The listing as if the files that are to be made were made."""
    if not making.files:
        return listing
    to_come = compute.is_in(listing["uri"], pa.array([uri for uri, _, _ in making.files]))
    for name in ("error", "detail"):
        none = pa.scalar(None, pa.string())
        values = compute.if_else(to_come, none, listing[name])
        listing = listing.set_column(listing.column_names.index(name), name, values)
    return listing


def rows_to_make(unread: pa.Table, making: ToMake) -> pa.Table:
    """Rows for files that are still to be made, with the sizes that they will have."""
    sizes = {uri: (width, height) for uri, width, height in making.files}
    return _rows(unread, [sizes[uri] for uri in unread["uri"].to_pylist()])


def guessed_rows(unread: pa.Table) -> pa.Table:
    """Rows for files that were never read, with the sizes of a sample of them."""
    sizes = sampled_sizes(unread["path"])
    if not sizes:
        return ROWS.empty_table()
    return _rows(unread, [sizes[index % len(sizes)] for index in range(unread.num_rows)])


def _rows(unread: pa.Table, chosen: list[tuple[int, int]]) -> pa.Table:
    count = unread.num_rows
    empty = pa.nulls(count, pa.string())
    columns = [
        unread["id"],
        empty,
        unread["id"],
        unread["source"],
        unread["uri"],
        empty,
        pa.array([""] * count),
    ]
    return pa.table(
        [
            *columns,
            pa.array([w for w, _ in chosen], pa.int64()),
            pa.array([h for _, h in chosen], pa.int64()),
        ],
        schema=ROWS,
    )


def sampled_sizes(paths: pa.ChunkedArray) -> list[tuple[int, int]]:
    """Widths and heights of every k-th file; files that are not images are left out."""
    # Every k-th file instead of the first ones: files that sort together are often of one size.
    step = max(1, len(paths) // SAMPLE)
    found: list[tuple[int, int]] = []
    for locator in paths[::step].to_pylist()[:SAMPLE]:
        with suppress(ImageError):
            header = open_frame(read(locator)).header
            found.append((header.width, header.height))
    return found


def label(body: Source) -> str:
    condition = condition_of(body)
    return f"{body.label()} where {condition}" if condition else body.label()


SOURCE = StepKind(plan, run, forecast, label)


def _add_meta(planner: Planner, new: Mapping[str, str]) -> list[str]:
    """Give each column one type in all sources; returns notes on columns that get a wider type.

    Types that the recipe states are not changed: if two of them differ, the recipe is refused.
    """
    meta = dict(planner.scope.meta or {})
    spelled = {name.lower(): name for name in meta}
    stated = _stated_so_far(planner)
    notes: list[str] = []
    for name, kind in new.items():
        before = spelled.get(name.lower(), name)
        earlier = meta.get(before, kind)
        if before != name or (earlier != kind and name in stated):
            planner.fail(
                ("source", "columns"),
                f"meta.{name} is {kind} here, and an earlier source has meta.{before} of {meta[before]}",
                f"state one type in both sources (columns: {{{before}: TEXT}}), or name other columns",
            )
        meta[name] = kind if earlier == kind else _wider(earlier, kind)
        if earlier != kind:
            notes.append(f"meta.{name} is {kind} here and {earlier} before: {meta[name]} in all sources")
    planner.scope = replace(planner.scope, meta=meta)
    return notes


def _stated_so_far(planner: Planner) -> set[str]:
    """Columns to which this source or an earlier one gives a type."""
    steps = planner.loaded.recipe.steps[: planner.index + 1]
    return {name for step in steps if isinstance(step.body, SourceWithColumns) for name in step.body.stated()}


def _wider(one: str, other: str) -> str:
    """A type that holds the values of both without rounding; whole numbers of 64 bits do not fit into DOUBLE."""
    return "VARCHAR" if one != other else one
