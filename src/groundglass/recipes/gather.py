"""The source step: files become rows, good ones and those with a reason alike."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.kernel.engines.local import run_job
from groundglass.kernel.region import WHOLE
from groundglass.kernel.table import compute, connect, write_parquet
from groundglass.recipes.columns import META, ROWS
from groundglass.recipes.model import SourceStep
from groundglass.recipes.state import State
from groundglass.sources.folder import list_folders
from groundglass.sources.sample import make_sample
from groundglass.sources.scan import PASSING, ListedFile, Scan, known_files

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


@dataclass(frozen=True)
class Gathered:
    """A source's images table, and how many of its files were known already."""

    images: pa.Table
    cached: int


def gather(state: State, name: str, body: SourceStep) -> Gathered:
    """List a source, read what is new, and keep the images table in the run's folder.

    A listing that this run has finished is used as it stands: what appears later is for the next run.
    """
    path = state.folder.images(name)
    if path.exists():
        images = pq.read_table(path)
        return Gathered(images, images.num_rows)
    listing = list_source(state, body)
    files = state.files
    unread = unread_files(listing, believed(known_files(files), state.retry))
    items = [ListedFile(**row) for row in unread.to_pylist()]
    run_job(Scan(files, state.limits), items, state.settings, state.progress(f"source {name}"))
    images = with_headers(name, listing, known_files(files))
    write_parquet(images, path)
    return Gathered(images, listing.num_rows - len(items))


def list_source(state: State, body: SourceStep) -> pa.Table:
    """The listing of a source, before any of its bytes is read."""
    if body.sample:
        listing = make_sample(state.folder.path.parent / "sample" / "photographs")
    else:
        listing = list_folders(body.folder, body.glob)
        for column, value in (("licence", body.licence), ("author", body.author)):
            listing = listing.append_column(column, pa.array([value] * listing.num_rows, pa.string()))
    return listing.slice(0, body.limit) if body.limit else listing


def believed(known: pa.Table, retry: bool) -> pa.Table:
    """What need not be read again: sound files, and faults that are the file's own unless ``retry`` asks for them."""
    sound = known["error"].is_null()
    if retry:
        return known.filter(sound)
    return known.filter(compute.or_(sound, compute.invert(compute.is_in(known["error"], pa.array(PASSING)))))


def unread_files(listing: pa.Table, known: pa.Table) -> pa.Table:
    """Files whose content no scan has seen in this size and of this time."""
    con = connect()
    con.register("listing", listing)
    con.register("known", known)
    return con.sql(
        "SELECT DISTINCT path, bytes, mtime_ns FROM listing ANTI JOIN known USING (path, bytes, mtime_ns) "
        "WHERE error IS NULL ORDER BY path"
    ).to_arrow_table()


def with_headers(source: str, listing: pa.Table, known: pa.Table) -> pa.Table:
    """The images table of a source: its listing with what its files' headers say, in the order of the uris."""
    con = connect()
    con.register("listing", listing)
    con.register("known", known)
    plain = ("uri", "path", "bytes", "mtime_ns", "licence", "author", "error", "detail")
    extra = [name for name in listing.column_names if name not in plain]
    meta = "".join(f', l."{name}" AS "{META}{name}"' for name in extra)
    return con.sql(
        f"SELECT left(sha256($source || chr(10) || l.uri), 20) AS id, $source AS source, l.uri, l.path, l.bytes, "
        f"l.mtime_ns, {', '.join(f'k.{name}' for name in HEADER_COLUMNS)}, k.warning, l.licence, l.author, "
        "coalesce(l.error, k.error, CASE WHEN k.path IS NULL THEN 'unreadable' END) AS error, "
        f"coalesce(l.detail, k.detail) AS detail{meta} "
        "FROM listing l LEFT JOIN known k USING (path, bytes, mtime_ns) ORDER BY l.uri",
        params={"source": source},
    ).to_arrow_table()


def photographs(images: pa.Table) -> pa.Table:
    """The rows of the current set that the good photographs make; they share the images' memory."""
    good = (
        images.filter(images["error"].is_null()) if images["error"].null_count < images.num_rows else images
    )
    known = {name: good[name] for name in ("id", "source", "uri", "sha256", "width", "height")}
    empty = {"parent": pa.nulls(good.num_rows, pa.string()), "root": good["id"]}
    whole = {"region": pa.repeat(pa.scalar(WHOLE), good.num_rows)}
    return pa.table(known | empty | whole).select(ROWS.names).cast(ROWS)
