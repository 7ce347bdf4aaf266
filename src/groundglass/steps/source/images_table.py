"""The source step: files become rows; an unusable file becomes a row with a reason."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pyarrow as pa

from groundglass.engines.run import run_job
from groundglass.errors import UnreachableError
from groundglass.notices import notice
from groundglass.plans.state import State
from groundglass.sources.found_files import SKIPPED
from groundglass.sources.scan_job import PASSING, ListedFile, Scan, known_files
from groundglass.sources.source import Brought, Home, Making, Source
from groundglass.steps.source.open_source import REFUSED, list_source, look_at_source
from groundglass.tables.columns import META
from groundglass.tables.parquet import compute, connect, numbered, read_table, write_parquet
from groundglass.tables.quoting import quoted_name
from groundglass.tables.verdicts import VERDICTS

HEADER_COLUMNS = (
    "sha256",
    "width",
    "height",
    "format",
    "mode",
    "bit_depth",
    "orientation",
    "icc",
    "frames",
    "alpha",
)


SAME = "l.path = k.path AND l.mtime_ns = k.mtime_ns AND l.bytes IS NOT DISTINCT FROM k.bytes"
"""SQL: whether a listed image is a known one. The listing has no size for a cell of a table."""


@dataclass(frozen=True)
class Gathered:
    """A source's images table, how many of its files were known, the verdicts of rows that `where` refused unread, and
    notes."""

    images: pa.Table
    cached: int
    refused: pa.Table
    notes: tuple[str, ...] = ()


def gather(state: State, name: str, source: Source) -> Gathered:
    """List a source, read what is new, and keep the images table in the run's folder.

    A listing that this run has finished is not repeated: files that appear later belong to the next run.
    """
    path = state.run.folder.images(name)
    if path.exists():
        try:
            images, verdicts = read_table(path), state.run.folder.verdicts(name)
            refused = read_table(verdicts) if verdicts.exists() else VERDICTS.empty_table()
            return Gathered(images, images.num_rows, refused, _notes_of(state, name))
        except UnreachableError as damage:
            notice(f"{damage.message}; the source is listed again")
    brought = look_at_source(source)
    home = home_of(state, name)
    made = source.make(home, Making(state.run.settings, state.run.progress, state.run.retry))
    listing = list_source(source, home, brought, state.run.plan.meta)
    files = state.run.files
    unread = unread_files(listing, believed(known_files(files, state.run.limits), state.run.retry))
    items = [ListedFile(**row) for row in unread.to_pylist()]
    run_job(Scan(files, state.run.limits), items, state.run.settings, state.run.progress(f"source {name}"))
    images = with_headers(name, listing, known_files(files, state.run.limits))
    refused = refused_rows(images["id"], listing)
    if refused.num_rows:
        write_parquet(refused, state.run.folder.verdicts(name))
    brought = replace(brought, notes=(*brought.notes, *made))
    _write_skipped(state, name, brought)
    write_parquet(images, path)
    unreadable = listing.num_rows - listing["error"].null_count
    return Gathered(
        images, listing.num_rows - unreadable - len(items) - refused.num_rows, refused, brought.notes
    )


_NOTES = b"notes"
"""Metadata key in the table of skipped files for the notes of the source; a run that goes on reads them there."""


def _write_skipped(state: State, name: str, brought: Brought) -> None:
    """Keep the skipped files and the notes in the run's folder."""
    skipped = brought.skipped if brought.skipped is not None else SKIPPED.empty_table()
    path = state.run.folder.skipped(name)
    if skipped.num_rows or brought.notes or path.exists():
        notes = {_NOTES: json.dumps(brought.notes).encode()}
        write_parquet(skipped.replace_schema_metadata(notes), path)


def _notes_of(state: State, name: str) -> tuple[str, ...]:
    path = state.run.folder.skipped(name)
    if not path.exists():
        return ()
    return tuple(json.loads((read_table(path).schema.metadata or {}).get(_NOTES, b"[]")))


def home_of(state: State, name: str) -> Home:
    """The folder in which a source keeps its own files, for all runs of a recipe."""
    return Home(state.run.folder.path.parent, name, state.run.seed)


def refused_rows(ids: pa.ChunkedArray, listing: pa.Table) -> pa.Table:
    """Verdicts of the rows that `where` refused; the ids are in the order of the listing."""
    if REFUSED not in listing.column_names:
        return VERDICTS.empty_table()
    no = pa.repeat(pa.scalar(False), listing.num_rows)
    verdicts = pa.table([ids, no, no, listing["reason"], listing["margin"]], schema=VERDICTS)
    return verdicts.filter(listing[REFUSED])


def believed(known: pa.Table, retry: bool) -> pa.Table:
    """The known files that are not read again: sound ones, and, without ``retry``, those with a fault of their own."""
    sound = known["error"].is_null()
    if retry:
        return known.filter(sound)
    return known.filter(compute.or_(sound, compute.invert(compute.is_in(known["error"], pa.array(PASSING)))))


def unread_files(listing: pa.Table, known: pa.Table) -> pa.Table:
    """Images that no scan has read with this size and modification time."""
    con = connect()
    con.register("listing", listing)
    con.register("known", known)
    return con.sql(
        f"SELECT DISTINCT path, bytes, mtime_ns FROM listing l ANTI JOIN known k ON {SAME} "
        f"WHERE error IS NULL AND NOT {refused_in(listing)} ORDER BY path"
    ).to_arrow_table()


def refused_in(listing: pa.Table) -> str:
    """SQL: whether `where` refused a row."""
    return REFUSED if REFUSED in listing.column_names else "false"


def with_headers(source: str, listing: pa.Table, known: pa.Table) -> pa.Table:
    """The images table of a source: its listing with the facts of its files' headers, in the order of the uris."""
    con = connect()
    con.register("known", known)
    refused = refused_in(listing)
    meta = [name for name in listing.column_names if name.startswith(META)]
    con.register("listing", listing.drop_columns(meta).append_column("place", numbered(listing)))
    # The id is a hash of source and uri, so it stays the same whatever else the source lists.
    known_of = ", ".join(f"k.{quoted_name(name)}" for name in HEADER_COLUMNS)
    images = con.sql(
        f"""
        SELECT left(sha256($source || chr(10) || l.uri), 20) AS id, $source AS source, l.uri, l.path,
            coalesce(l.bytes, k.length) AS bytes, l.mtime_ns, {known_of}, k.warning, l.licence, l.author,
            coalesce(l.error, k.error, CASE WHEN k.path IS NULL AND NOT {refused} THEN 'unreadable' END) AS error,
            coalesce(l.detail, k.detail) AS detail, l.place
        FROM listing l LEFT JOIN known k ON {SAME} AND NOT {refused} ORDER BY l.uri
        """,
        params={"source": source},
    ).to_arrow_table()
    for name in meta:
        images = images.append_column(name, listing[name].take(images["place"]))
    return images.drop_columns(["place"])
