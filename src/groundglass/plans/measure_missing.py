"""The measure step: measure the values that the store lacks, with one decode per photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from groundglass.engines.run import run_job
from groundglass.measures.measure_job import NO_VALUE, Ask, Look, Photograph, ask_of
from groundglass.measures.network_job import jobs_of
from groundglass.measures.thumbnail import THUMBNAIL
from groundglass.plans.naturalness_reference import fitted
from groundglass.plans.planner import Plan
from groundglass.plans.state import State
from groundglass.tables.parquet import compute, connect, only, without
from groundglass.tables.verdicts import VERDICTS

THUMBNAILS = 12_000
"""Images of a step that get a thumbnail for the report; of more rows, a sample by id."""

_IMAGE = ["sha256", "region"]

THUMBNAIL_ASK = ask_of(THUMBNAIL, {})


@dataclass(frozen=True)
class Measured:
    """The outcome of a measure step.

    failed     the verdicts of the images that cannot be used
    cached     how many rows had all their values in the store
    valueless  the measures that have no value on any usable image, under their names in the recipe, each with a
               sentence that says why
    """

    failed: pa.Table
    cached: int
    valueless: Mapping[str, str] = field(default_factory=dict)


def measure_rows(
    state: State,
    rows: pa.Table,
    asks: Sequence[Ask],
    title: str,
    called: Mapping[str, str] | None = None,
    origins: pa.Table | None = None,
) -> Measured:
    """Measure the missing values of ``asks`` on ``rows``; images with pixels that cannot be read are failed.

    ``called`` holds the recipe's names of asks, by their keys, if they differ from the measures' names.
    ``origins`` are images that ``rows`` were made from: those of images with a thumbnail get one too.
    """
    if not asks:
        return Measured(VERDICTS.empty_table(), rows.num_rows)
    wanted = dict.fromkeys(asks, rows)
    # The thumbnail comes from the same decode: made later for the report, it would need a second one.
    if not state.run.dry:
        wanted[THUMBNAIL_ASK] = shown = thumbnail_sample(rows)
        if origins is not None:
            theirs = only(origins, shown["parent"])
            wanted[THUMBNAIL_ASK] = pa.concat_tables([table.select(_IMAGE) for table in (shown, theirs)])
    for ask in wanted:
        state.run.store.prepare(ask.key, ask.definition.columns)
    missing = {ask: missing_of(state, ask, these) for ask, these in wanted.items()}
    # Thumbnails do not count: an image without one still has all its values in the store.
    unknown = count_unknown([missing[ask] for ask in asks])
    lacking = {ask.key: table for ask, table in missing.items() if table.num_rows}
    asked = fitted(state, (ask for ask in wanted if ask.key in lacking))
    for job, settings in jobs_of(asked, state.run.store.root, state.run.limits, state.run.settings):
        items = photographs_to_measure(state, {ask: lacking[ask.key] for ask in job.asks})
        run_job(job, items, settings, state.run.progress(job_title(title, job)))
        for ask in job.asks:
            state.run.store.compact(ask.key)
    failed = failed_rows(state, rows, asks)
    usable = without(rows, failed["id"])
    return Measured(failed, rows.num_rows - unknown, without_values(state, usable, asks, called or {}))


def job_title(title: str, job: Look) -> str:
    """The step's title; a network's separate job is named after it."""
    return f"{title}: {job.asks[0].measure}" if job.asks[0].use is not None else title


def missing_of(state: State, ask: Ask, rows: pa.Table) -> pa.Table:
    """The (sha256, region) of ``rows`` that the store has no value of."""
    return state.run.store.missing(ask.key, rows.select(["sha256", "region"]))


def count_unknown(missing: Sequence[pa.Table]) -> int:
    """How many images lack at least one of the measures."""
    tables = [table.select(["sha256", "region"]) for table in missing]
    return pa.concat_tables(tables).group_by(["sha256", "region"]).aggregate([]).num_rows if tables else 0


def thumbnail_sample(rows: pa.Table) -> pa.Table:
    """All rows, or about `THUMBNAILS` of them: ids are hashes, so those below a cut are a random sample."""
    if rows.num_rows <= THUMBNAILS:
        return rows
    cut = f"{int(16**8 * THUMBNAILS / rows.num_rows):08x}"
    return rows.filter(compute.less(rows["id"], cut))


def photographs_to_measure(state: State, missing: dict[Ask, pa.Table]) -> list[Photograph]:
    """One item per photograph: its path, and the asks that each of its regions lacks."""
    con = connect()
    parts: list[str] = []
    for index, table in enumerate(missing.values()):
        con.register(f"missing_{index}", table)
        parts.append(f"SELECT DISTINCT sha256, region, {index} AS ask FROM missing_{index}")
    # Equal contents are measured once. Sorted paths are also the order in which archives are read.
    con.register("images", state.tables.images)
    found = con.sql(
        f"WITH lacking AS ({' UNION ALL '.join(parts)}), "
        "regions AS (SELECT sha256, region, list_sort(list(ask)) AS asks FROM lacking GROUP BY ALL), "
        "files AS (SELECT DISTINCT ON (sha256) sha256, path, bytes, mtime_ns FROM images "
        "          WHERE error IS NULL ORDER BY sha256, path), "
        "whole AS (SELECT sha256, list_sort(list((region, asks))) AS wanted FROM regions GROUP BY sha256) "
        "SELECT path, sha256, bytes, mtime_ns, wanted FROM whole JOIN files USING (sha256) ORDER BY path"
    ).fetchall()
    return [
        Photograph(path, sha256, size, mtime_ns, tuple((region, tuple(asks)) for region, asks in wanted))
        for path, sha256, size, mtime_ns, wanted in found
    ]


def without_values(
    state: State, rows: pa.Table, asks: Sequence[Ask], called: Mapping[str, str]
) -> dict[str, str]:
    """The measures that have no value on any of ``rows``, each with a sentence that says why."""
    con = connect()
    con.register("current", rows)
    found: dict[str, str] = {}
    for ask in asks if rows.num_rows else ():
        con.register("errors", state.run.store.errors(ask.key))
        reasons = con.sql(
            "SELECT e.error, count(*) AS n FROM current r JOIN errors e USING (sha256, region) "
            "GROUP BY ALL ORDER BY n DESC"
        ).fetchall()
        if sum(n for _, n in reasons) == rows.num_rows:
            name = called.get(ask.key, ask.measure)
            found[name] = no_value_in_words([name], rows.num_rows, dict(reasons))
    return found


def no_value_in_words(measures: Sequence[str], rows: int, reasons: Mapping[str, int]) -> str:
    """The sentence for measures that have no value on any of so many images.

    >>> no_value_in_words(["complexity"], 3, {"too_small": 2, "flat": 1})
    'complexity has no value on any of 3 images (too_small 2, flat 1)'
    """
    verb = "has" if len(measures) == 1 else "have"
    whole = f"any of {rows:,} images" if rows > 1 else "the one image"
    said = ", ".join(f"{reason} {count:,}" for reason, count in list(reasons.items())[:3])
    return f"{' and '.join(measures)} {verb} no value on {whole} ({said})"


def failed_rows(state: State, rows: pa.Table, asks: Sequence[Ask]) -> pa.Table:
    """Verdicts of the rows with an image that could not be used; a measure without a value is not a failure."""
    con = connect()
    con.register("current", rows)
    parts: list[str] = []
    for index, ask in enumerate(asks):
        con.register(f"errors_{index}", state.run.store.errors(ask.key))
        parts.append(f"SELECT sha256, region, error FROM errors_{index}")
    # `measure_failed` is a fault of the program: it must not cost an image, so the value is only missing.
    return (
        con.sql(
            f"WITH errors AS ({' UNION ALL '.join(parts)}) "
            "SELECT r.id, false AS kept, true AS failed, min(e.error) AS reason, NULL::DOUBLE AS margin "
            "FROM current r JOIN errors e USING (sha256, region) "
            f"WHERE e.error NOT IN {NO_VALUE} AND e.error NOT LIKE 'measure_failed%' GROUP BY r.id ORDER BY r.id"
        )
        .to_arrow_table()
        .cast(VERDICTS)
    )


def forget_failed(state: State, plan: Plan) -> None:
    """With `--retry failed`: forget all failures. (Failures that the image did not cause are always tried again.)"""
    if state.run.retry:
        for key in {ask.key for planned in plan.steps for ask in planned.asks} | {THUMBNAIL_ASK.key}:
            state.run.store.forget_failed(key)
