"""The outcome of every image of a run: its origin, and the step, status and reason with which it left; and a sample."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from groundglass.plans.run_tables import RunTables
from groundglass.reports.facts import EXTRAS, VERDICTS, HeldOut, SourceFacts
from groundglass.tables.parquet import connect, only
from groundglass.tables.quoting import quoted_name

MOST_ROWS = 20_000
"""The most images that a report shows; of more it shows a sample."""

LEAST_ROWS = 200
"""The fewest images of each group in a sample, so that rare reasons can be inspected."""

_NEEDED = ("id", "uri", "source", "sha256", "error", "detail", *EXTRAS)
_GROUP = "born_at, left_at, status"


def all_verdicts(tables: RunTables) -> pa.Table:
    """The verdicts of all steps in order, one table."""
    parts = [
        pa.table(
            [
                pa.repeat(name, table.num_rows),
                *(table[field.name] for field in VERDICTS if field.name != "step"),
            ],
            names=VERDICTS.names,
        ).cast(VERDICTS)
        for name, table in tables.verdicts.items()
    ]
    return pa.concat_tables(parts) if parts else VERDICTS.empty_table()


def fates_of(tables: RunTables, verdicts: pa.Table) -> pa.Table:
    """Every image of the run, with its origin, and the step, status and reason with which it left.

    One row per image, in the order of the uris: the columns of `facts.ROWS`, the text columns of `EXTRAS`, and
    ``root``, ``sha256`` and ``detail``. Sources that the run did not finish are left out.
    """
    con = connect()
    con.register("images", _images(tables))
    con.register("derived", tables.derived)
    con.register("verdicts", verdicts)
    con.register("steps", _places(tables))
    extras = ", ".join(
        f"i.{quoted_name(name)}" if name != "path" else "try(decode(i.path)) AS path" for name in EXTRAS
    )
    return con.sql(
        f"""
        WITH born AS (
            SELECT id, NULL::VARCHAR AS parent, id AS root, uri, source, sha256, width, height, '' AS region,
                   source AS born_at, error, detail FROM images
            UNION ALL
            SELECT id, arg_min(parent, place), any_value(root), any_value(uri), any_value(source),
                   any_value(sha256), any_value(width), any_value(height), any_value(region), arg_min(step, place),
                   NULL, NULL
            FROM derived JOIN steps USING (step) WHERE region <> '' GROUP BY id
        ), left_for_good AS (
            SELECT id, arg_max((step, reason, failed, kind), place) AS l
            FROM verdicts JOIN steps USING (step) WHERE NOT kept GROUP BY id
        ), went_on AS (
            SELECT d.parent AS id, arg_min(d.step, place) AS step FROM derived d JOIN steps s USING (step)
            WHERE d.id <> d.parent AND NOT EXISTS (FROM derived k WHERE k.step = d.step AND k.id = d.parent)
            GROUP BY d.parent
        )
        SELECT b.id, b.parent, b.root, b.uri, b.source, b.width, b.height, b.region, b.born_at, b.sha256,
               CASE WHEN b.error IS NOT NULL THEN b.born_at ELSE coalesce(l.step, w.step) END AS left_at,
               CASE WHEN b.error IS NOT NULL OR l.failed THEN 'failed'
                    WHEN l.kind = 'hold_out' AND starts_with(l.reason, 'held out') THEN 'held_out'
                    WHEN l.step IS NOT NULL THEN 'dropped' ELSE 'kept' END AS status,
               coalesce(b.error, l.reason) AS reason, b.detail, {extras}
        FROM born b LEFT JOIN (SELECT id, unnest(l) FROM left_for_good) AS l(id, step, reason, failed, kind)
        USING (id) LEFT JOIN went_on w USING (id) JOIN images i ON i.id = b.root ORDER BY b.uri, b.region
        """
    ).to_arrow_table()


def _images(tables: RunTables) -> pa.Table:
    """The photographs of the finished sources, with all columns that are needed."""
    images = only(tables.images, pa.array([step.step for step in tables.record.steps], pa.string()), "source")
    for name in ("width", "height", *_NEEDED):
        if name not in images.column_names:
            kind = {"width": pa.int64(), "height": pa.int64(), "path": pa.binary()}.get(name, pa.string())
            # Older runs and some sources lack columns; they count as empty.
            images = images.append_column(name, pa.nulls(images.num_rows, kind))
    return images


def _places(tables: RunTables) -> pa.Table:
    """The steps with their order and kinds."""
    steps = tables.record.steps
    return pa.table(
        {
            "step": pa.array([step.step for step in steps], pa.string()),
            "place": pa.array(range(len(steps)), pa.int64()),
            "kind": pa.array([step.kind for step in steps], pa.string()),
        }
    )


def sample(fates: pa.Table, most: int = MOST_ROWS, least: int = LEAST_ROWS) -> pa.Table:
    """All images, or about ``most`` of them: the same share of each group, but at least ``least`` images of it.

    A group has the images that came from the same step and left at the same step with the same status. Ids are hashes,
    so the smallest ids of a group are a random sample, and a smaller sample is a part of a larger one.
    """
    if fates.num_rows <= most:
        return fates
    con = connect()
    con.register("fates", fates)
    # One share for all groups, so that the sample shows the proportions of the run.
    share = most / fates.num_rows
    return con.sql(
        f"SELECT * FROM fates WINDOW part AS (PARTITION BY {_GROUP} ORDER BY id) QUALIFY row_number() OVER part "
        f"<= greatest({least}, {share} * count(*) OVER (PARTITION BY {_GROUP})) ORDER BY uri, region"
    ).to_arrow_table()


def count_sources(fates: pa.Table) -> tuple[SourceFacts, ...]:
    """The outcomes of each source's photographs, and the number of its kept derived images; all rows are counted."""
    con = connect()
    con.register("fates", fates)
    found = con.sql(
        """
        SELECT source, count(*) FILTER (whole), count(*) FILTER (whole AND status = 'failed'),
               count(*) FILTER (whole AND status = 'dropped'),
               count(*) FILTER (NOT whole AND status = 'kept' AND left_at IS NULL)
        FROM (SELECT *, parent IS NULL AS whole FROM fates) GROUP BY source ORDER BY 2 DESC, source
        """
    ).fetchall()
    return tuple(SourceFacts(*row) for row in found)


def count_held(fates: pa.Table, verdicts: pa.Table, units: Mapping[str, str]) -> tuple[HeldOut, ...]:
    """The held-out images, by unit; ``units`` has the name of the images that a step made.

    Held-out images that a rule had dropped before are counted as regained.
    """
    con = connect()
    con.register("fates", fates)
    con.register("verdicts", verdicts)
    found = con.sql(
        """
        SELECT born_at, count(*), count(*) FILTER (id IN
               (SELECT id FROM verdicts WHERE NOT kept AND NOT failed AND NOT starts_with(reason, 'held out')))
        FROM fates WHERE status = 'held_out' GROUP BY born_at ORDER BY born_at
        """
    ).fetchall()
    counts: dict[str, HeldOut] = {}
    for born_at, many, regained in found:
        unit = units[born_at]
        before = counts.get(unit, HeldOut(unit, 0))
        counts[unit] = HeldOut(unit, before.count + many, before.regained + regained)
    return tuple(counts.values())
