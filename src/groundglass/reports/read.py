"""From a run's folder to the facts that its report shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from groundglass.kernel.record import Column
from groundglass.kernel.table import compute, connect
from groundglass.recipes.folder import RunFolder, StepRecord, load_record
from groundglass.recipes.measuring import THUMBNAIL_ASK
from groundglass.recipes.story import RunTables, read_tables
from groundglass.reports.facts import EXTRAS, VERDICTS, Failure, Ranking, RunFacts, StepFacts, Threshold
from groundglass.reports.render import render_report

MOST_ROWS = 20_000
"""Images that a report shows; of more, a sample."""

LEAST_ROWS = 200
"""Of every group of a sample, so that a rare reason can be looked at."""

FILE = "CASE WHEN NOT contains(try(decode(i.path)), chr(0)) THEN try(decode(i.path)) END"
"""SQL: the file of an image that a browser can open; null for one inside an archive or a table."""

FAILURES = 200
"""Failed images that are listed one by one."""


def write_report(folder: RunFolder) -> Path:
    """The report of a run as a folder that opens from disk; returns its index.html."""
    return render_report(read_facts(folder), folder.report)


def read_facts(folder: RunFolder) -> RunFacts:
    """What the report of a run shows, read from its tables and its store."""
    record = load_record(folder)
    tables = read_tables(folder, record)
    verdicts = all_verdicts(tables)
    fates = fates_of(tables, verdicts)
    chosen = sample(fates)
    columns = report_columns(tables)
    return RunFacts(
        name=record.name,
        number=record.number,
        state=record.state,
        made_at=datetime.fromtimestamp(folder.record.stat().st_mtime, UTC),
        seed=record.seed,
        lock=lock_hash(folder),
        folder=str(folder.path),
        recipe=record.recipe_file,
        steps=tuple(step_facts(record.steps)),
        rows=with_measures(tables, chosen, columns),
        columns={name: found[0] for name, found in columns.items()},
        thumbnails=thumbnails(tables, chosen),
        verdicts=verdicts.filter(compute.is_in(verdicts["id"], chosen["id"])),
        failures=tuple(failures(fates)),
        error=record.error,
        hint=record.hint,
    )


def all_verdicts(tables: RunTables) -> pa.Table:
    """The verdicts of all steps in order, one table."""
    parts = [
        table.add_column(0, "step", pa.array([name] * table.num_rows, pa.string()))
        .select(VERDICTS.names)
        .cast(VERDICTS)
        for name, table in tables.verdicts.items()
    ]
    return pa.concat_tables(parts) if parts else VERDICTS.empty_table()


def fates_of(tables: RunTables, verdicts: pa.Table) -> pa.Table:
    """Every image of the run, where it came from, and where, how and why it left."""
    con = connect()
    order = {step.step: number for number, step in enumerate(tables.record.steps)}
    con.register("images", tables.images)
    con.register("derived", tables.derived)
    con.register("verdicts", verdicts)
    steps = pa.table(
        {
            "step": list(order),
            "place": pa.array(list(order.values()), pa.int64()),
            "kind": [step.kind for step in tables.record.steps],
        },
        schema=pa.schema([("step", pa.string()), ("place", pa.int64()), ("kind", pa.string())]),
    )
    con.register("steps", steps)
    extras = ", ".join(f"i.{name}" if name != "path" else f"{FILE} AS path" for name in EXTRAS)
    return con.sql(
        f"""
        WITH born AS (
            SELECT id, NULL::VARCHAR AS parent, id AS root, uri, source, sha256, width, height, '' AS region,
                   source AS born_at, error, detail FROM images
            UNION ALL
            SELECT id, any_value(parent), any_value(root), any_value(uri), any_value(source), any_value(sha256),
                   any_value(width), any_value(height), any_value(region), min(step), NULL, NULL
            FROM derived WHERE region <> '' GROUP BY id
        ), left_for_good AS (
            SELECT DISTINCT ON (id) id, v.step, reason, failed, kind
            FROM verdicts v JOIN steps s USING (step) WHERE NOT kept ORDER BY id, place DESC
        ), went_on AS (
            SELECT d.parent AS id, arg_min(d.step, place) AS step FROM derived d JOIN steps s USING (step)
            WHERE d.id <> d.parent AND NOT EXISTS (FROM derived k WHERE k.step = d.step AND k.id = d.parent)
            GROUP BY d.parent
        )
        SELECT b.id, b.parent, b.uri, b.source, b.width, b.height, b.region, b.born_at, b.sha256,
               CASE WHEN b.error IS NOT NULL THEN b.born_at ELSE coalesce(l.step, w.step) END AS left_at,
               CASE WHEN b.error IS NOT NULL OR l.failed THEN 'failed' WHEN l.kind = 'hold_out' THEN 'held_out'
                    WHEN l.step IS NOT NULL THEN 'dropped' ELSE 'kept' END AS status,
               coalesce(b.error, l.reason) AS reason, b.detail, {extras}
        FROM born b LEFT JOIN left_for_good l USING (id) LEFT JOIN went_on w USING (id)
        JOIN images i ON i.id = b.root ORDER BY b.uri, b.region
        """
    ).to_arrow_table()


def sample(fates: pa.Table) -> pa.Table:
    """All images, or about `MOST_ROWS` of them: the same share of every group, but `LEAST_ROWS` where it has so many.

    A group is what came from one step and left at one step in one way. Ids are hashes, so the smallest of a group are
    as good as drawn by lot.
    """
    if fates.num_rows <= MOST_ROWS:
        return fates
    con = connect()
    con.register("fates", fates)
    group = "PARTITION BY born_at, left_at, status"
    most = f"greatest({LEAST_ROWS}, {MOST_ROWS / fates.num_rows} * count(*) OVER ({group}))"
    return con.sql(
        f"SELECT * FROM fates QUALIFY row_number() OVER ({group} ORDER BY id) <= {most} ORDER BY uri, region"
    ).to_arrow_table()


def report_columns(tables: RunTables) -> dict[str, tuple[Column, list[tuple[str, str]]]]:
    """Every numeric column by its name: what it means, and where in the store its values lie."""
    found: dict[str, tuple[Column, list[tuple[str, str]]]] = {}
    for column in tables.record.columns:
        if column["sql_type"] not in ("DOUBLE", "BIGINT", "BOOLEAN") or column["join"] != "content":
            continue
        meaning = Column(column["unit"], column["low"], column["high"], column["better"], column["meaning"])
        found.setdefault(column["name"], (meaning, []))[1].append((column["key"], column["column"]))
    shadowed = ("width", "height")
    return {
        name: (meaning, list(dict.fromkeys(places)))
        for name, (meaning, places) in found.items()
        if name not in shadowed
    }


def with_measures(
    tables: RunTables, rows: pa.Table, columns: Mapping[str, tuple[Column, list[tuple[str, str]]]]
) -> pa.Table:
    """The rows with the values of every column."""
    con = connect()
    con.register("chosen", rows)
    keys = {
        key: f"m{n}"
        for n, key in enumerate(dict.fromkeys(key for _, places in columns.values() for key, _ in places))
    }
    for key, alias in keys.items():
        con.register(alias, tables.store.read(key))
    joins = " ".join(
        f"LEFT JOIN {a} ON {a}.sha256 = r.sha256 AND {a}.region = r.region" for a in keys.values()
    )
    values = "".join(
        f', coalesce({", ".join(f"{keys[key]}.{column}::DOUBLE" for key, column in places)}) AS "{name}"'
        for name, (_, places) in columns.items()
    )
    table = con.sql(
        f"SELECT r.* EXCLUDE (sha256, detail){values} FROM chosen r {joins} ORDER BY r.uri, r.region"
    )
    return table.to_arrow_table()


def thumbnails(tables: RunTables, rows: pa.Table) -> dict[str, bytes]:
    """id → encoded picture, of the rows that have one."""
    con = connect()
    con.register("chosen", rows)
    known = tables.store.read(THUMBNAIL_ASK.key)
    if "thumbnail" not in known.column_names:
        return {}
    con.register("thumbs", known)
    found = con.sql(
        "SELECT r.id, t.thumbnail FROM chosen r JOIN thumbs t ON t.sha256 = r.sha256 AND t.region = r.region "
        "WHERE t.thumbnail IS NOT NULL"
    ).fetchall()
    return {image: bytes(picture) for image, picture in found}


def failures(fates: pa.Table) -> list[Failure]:
    """A sample of the failed images."""
    rows = fates.filter(compute.equal(fates["status"], "failed")).slice(0, FAILURES).to_pylist()
    return [Failure(r["uri"], r["source"], r["left_at"], r["reason"] or "", r["detail"] or "") for r in rows]


def step_facts(steps: tuple[StepRecord, ...]) -> list[StepFacts]:
    """The steps as the report shows them."""
    unit = "photographs"
    found: list[StepFacts] = []
    for step in steps:
        if step.kind == "transform":
            unit = "tiles" if "tile" in step.label else "pictures"
        found.append(one_step(step, unit))
    return found


def one_step(step: StepRecord, unit: str) -> StepFacts:
    exact = step.facts.get("rule") == "where" and step.facts.get("exact")
    thresholds = tuple(Threshold(t["column"], t["op"], t["limit"]) for t in step.thresholds) if exact else ()
    ranking = step.facts.get("ranking")
    return StepFacts(
        name=step.step,
        kind=step.kind,
        label=step.label,
        rows_in=step.into,
        rows_out=step.out,
        dropped=step.dropped,
        failed=step.failed,
        unit=unit,
        seconds=step.seconds,
        cached=step.cached,
        reasons=step.reasons,
        thresholds=thresholds,
        ranking=Ranking(**ranking) if ranking else None,
        columns=tuple(step.facts.get("columns", ())),
    )


def lock_hash(folder: RunFolder) -> str:
    path = folder.path / "recipe.lock"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8] if path.exists() else ""
