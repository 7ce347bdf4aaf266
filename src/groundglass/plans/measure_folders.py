"""Measure whole folders: a clean one becomes a profile, any other the values that are judged by a profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from groundglass.catalog import Measure, settings_key
from groundglass.engines.progress import Progress
from groundglass.engines.run import run_job
from groundglass.engines.shards import Settings
from groundglass.errors import RecipeError
from groundglass.image.header import ImageLimits
from groundglass.measures.blockiness.blockiness import MEASURE as BLOCKINESS
from groundglass.measures.blockiness.reencoded import COLUMNS
from groundglass.measures.blockiness.reencoded import MEASURE as REENCODED
from groundglass.measures.measure_job import Ask, Look, Photograph, ask_of
from groundglass.source_quality.clean_profile import Profile, is_profile, load_profile
from groundglass.source_quality.kernel_density import sample_of
from groundglass.sources.folder import list_folders
from groundglass.sources.scan_job import PASSING, ListedFile, Scan, known_files
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import connect
from groundglass.tables.quoting import quoted_name

PROFILED = settings_key(BLOCKINESS.name, BLOCKINESS.version, {})
"""Name and version of the measure that profiles of sources hold."""


@dataclass(frozen=True)
class Workshop:
    """The place and the settings for measuring folders.

    store     the folder that keeps all values of files and images; the same call again measures only missing ones
    settings  of the engine
    limits    of single images
    progress  a bar for each heavy job, by its title
    """

    store: Path
    settings: Settings
    limits: ImageLimits
    progress: Callable[[str], Progress]


def find_reference(text: str, workshop: Workshop) -> Profile:
    """The profile that a reference names: a shipped one, a file, a folder of lists, or a folder of clean photographs.

    Raises RecipeError if it is none of these, or was made with another version of blockiness.
    """
    return load_profile(text, PROFILED) if is_profile(text) else profile_folder(text, workshop)


def profile_folder(folder: str, workshop: Workshop) -> Profile:
    """Re-encode every photograph of a clean folder in memory, measure each version, and make a profile of the values.

    Images that cannot be used are rows with their reason and do not count. Raises RecipeError if none is left.
    """
    rows = measure_folder(folder, REENCODED, f"profile {folder}", workshop)
    good = rows.filter(rows["error"].is_null())
    if not good.num_rows:
        raise RecipeError(
            f"no image of the reference {folder} has a blockiness ({rows.num_rows:,} were tried)",
            f"groundglass measure blockiness {folder}/*",
        )
    samples = {quality: sample_of(good[column].to_numpy()) for quality, column in COLUMNS.items()}
    made = f"{good.num_rows:,} images of {folder}, re-encoded as baseline JPEG 4:2:0"
    return Profile(Path(folder).resolve().name, PROFILED, samples, made)


def measure_folder(folder: str, measure: Measure, title: str, workshop: Workshop) -> pa.Table:
    """One measure on every image below a folder: its columns, ``sha256``, ``error``; a row per content, failures too.

    Raises RecipeError if the folder is not there.
    """
    listing = list_folders([folder])
    known = _scanned(listing, title, workshop)
    good = known.filter(known["error"].is_null())
    ask = ask_of(measure, {})
    store = MeasureStore(workshop.store / "measures")
    store.prepare(ask.key, measure.columns)
    items = _unmeasured(good, ask, store)
    if items:
        look = Look((ask,), store.root, workshop.limits)
        run_job(look, items, workshop.settings, workshop.progress(title))
        store.compact(ask.key)
    return _answers(known, store.read(ask.key), measure)


def _scanned(listing: pa.Table, title: str, workshop: Workshop) -> pa.Table:
    """path, bytes, mtime_ns, sha256, error of each file listed; only files that the store lacks are read."""
    files = workshop.store / "files"
    con = connect()
    con.register("listing", listing)
    con.register("known", known_files(files, workshop.limits))
    # Failures that may pass, such as an unreadable disk, are tried again.
    new = con.sql(
        "SELECT path, bytes, mtime_ns FROM listing ANTI JOIN "
        f"(SELECT * FROM known WHERE error IS NULL OR error NOT IN {PASSING}) USING (path, bytes, mtime_ns) "
        "WHERE error IS NULL ORDER BY path"
    ).to_arrow_table()
    items = [ListedFile(**row) for row in new.to_pylist()]
    if items:
        run_job(Scan(files, workshop.limits), items, workshop.settings, workshop.progress(f"{title}: read"))
    con.register("known", known_files(files, workshop.limits))
    return con.sql(
        "SELECT l.path, l.bytes, l.mtime_ns, k.sha256, coalesce(l.error, k.error) AS error "
        "FROM listing l LEFT JOIN known k USING (path, bytes, mtime_ns) ORDER BY l.uri"
    ).to_arrow_table()


def _unmeasured(files: pa.Table, ask: Ask, store: MeasureStore) -> list[Photograph]:
    """One item for each content that the store has no value of."""
    con = connect()
    con.register("files", files)
    wanted = con.sql("SELECT DISTINCT sha256, '' AS region FROM files").to_arrow_table()
    con.register("missing", store.missing(ask.key, wanted))
    rows = con.sql(
        "SELECT DISTINCT ON (sha256) path, sha256, bytes, mtime_ns FROM files JOIN missing USING (sha256) "
        "ORDER BY sha256, path"
    ).fetchall()
    return [
        Photograph(path, sha256, size, mtime_ns, (("", (0,)),))
        for path, sha256, size, mtime_ns in sorted(rows)
    ]


def _answers(known: pa.Table, measured: pa.Table, measure: Measure) -> pa.Table:
    """Files of the same bytes count once; each file that could not be read counts."""
    con = connect()
    con.register("known", known)
    con.register("measured", measured)
    columns = ", ".join(f"m.{quoted_name(column)}" for column in measure.columns)
    return con.sql(
        f"SELECT DISTINCT ON (coalesce(k.sha256, hex(k.path))) {columns}, k.sha256, "
        "coalesce(k.error, m.error) AS error "
        "FROM known k LEFT JOIN measured m ON m.sha256 = k.sha256 AND m.region = '' AND k.error IS NULL "
        "ORDER BY coalesce(k.sha256, hex(k.path)), k.path"
    ).to_arrow_table()
