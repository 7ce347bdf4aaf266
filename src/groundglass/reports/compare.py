"""Compares two runs: the images that entered the kept set or left it, and why. Images are matched by their ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from groundglass.plans.run_folder import RunFolder, RunRecord, load_record
from groundglass.plans.run_tables import RunTables, read_tables
from groundglass.reports.image_outcomes import all_verdicts, fates_of
from groundglass.reports.read_run import steps_to_come
from groundglass.tables.parquet import connect
from groundglass.tables.quoting import quoted_name
from groundglass.tables.step_record import StepRecord

ABSENT = "not in its sources"
"""The reason of an image in a run that has neither the image nor its photograph."""

NOT_MADE = "not made of its photograph"
"""The same, if the run has the photograph."""


@dataclass(frozen=True)
class Side:
    """One of the two runs: its tables, every verdict and every image's fate."""

    folder: RunFolder
    record: RunRecord
    tables: RunTables
    verdicts: pa.Table
    fates: pa.Table
    steps: tuple[StepRecord, ...]


@dataclass(frozen=True)
class StepPair:
    """A step of both runs, or of one of them; ``limits`` are the thresholds that changed: name, before, after."""

    a: StepRecord | None
    b: StepRecord | None
    limits: tuple[tuple[str, float, float], ...] = ()

    @property
    def either(self) -> StepRecord:
        """The step of the second run, or of the first where the second has none."""
        step = self.b or self.a
        assert step is not None
        return step

    @property
    def changed(self) -> bool:
        """Whether the recipes differ in this step."""
        return self.a is None or self.b is None or self.a.label != self.b.label


@dataclass(frozen=True)
class Change:
    """Another difference that can change the kept set: its name, and its values in the first and the second run."""

    what: str
    a: str
    b: str


@dataclass(frozen=True)
class Comparison:
    """The differences between two runs.

    entered  images that only the second run keeps; left: that only the first keeps. Columns: id, uri, source, region,
             changed (whether the file's content differs) and, for each run (a_, b_), fate, step, reason and margin
    both     the number of images that both keep
    """

    a: Side
    b: Side
    entered: pa.Table
    left: pa.Table
    both: int
    steps: tuple[StepPair, ...]
    changes: tuple[Change, ...]


def compare_runs(a: RunFolder, b: RunFolder) -> Comparison:
    """Compare two runs, of one recipe or of two. Raises RecipeError if a folder holds no run."""
    one, two = read_side(a), read_side(b)
    rows = _differing(one, two)
    return Comparison(
        one,
        two,
        entered=rows.filter(rows["entered"]).drop_columns(["entered", "left"]),
        left=rows.filter(rows["left"]).drop_columns(["entered", "left"]),
        both=_both(one, two),
        steps=pair_steps(one.steps, two.steps),
        changes=(*_settings(one.record, two.record), *_measures(one.record, two.record), *_packages(a, b)),
    )


def read_side(folder: RunFolder) -> Side:
    """A run's tables, and the outcome of every image in it."""
    record = load_record(folder)
    tables = read_tables(folder, record)
    verdicts = all_verdicts(tables)
    steps = (*record.steps, *steps_to_come(folder, record))
    return Side(folder, record, tables, verdicts, fates_of(tables, verdicts), steps)


_STATE = """
    CASE WHEN status = 'kept' AND left_at IS NOT NULL THEN 'went_on' ELSE status END AS fate,
    (status = 'kept' AND left_at IS NULL) OR status = 'held_out' AS there
"""


def _view(con: Any, name: str, side: Side) -> None:
    """Create the table ``{name}``: every image with its fate, whether it is kept, and its margin where it left."""
    # Margins are only in the verdicts, and only the verdict of the step where an image left counts.
    con.register(f"{name}_fates", side.fates)
    con.register(f"{name}_verdicts", side.verdicts)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT f.id, f.uri, f.source, f.region, f.parent, f.root, f.sha256, "
        f"f.left_at AS step, f.reason, v.margin, {_STATE} FROM {name}_fates f "
        f"LEFT JOIN {name}_verdicts v ON v.id = f.id AND v.step = f.left_at AND NOT v.kept"
    )


def _differing(one: Side, two: Side) -> pa.Table:
    """The images that only one of the runs keeps, with both sides' fates."""
    con = connect()
    _view(con, "a", one)
    _view(con, "b", two)
    sides = ", ".join(_fate_on(side) for side in ("a", "b"))
    return con.sql(
        f"""
        WITH d AS (
            SELECT coalesce(b.id, a.id) AS id, coalesce(b.uri, a.uri) AS uri, coalesce(b.source, a.source) AS source,
                   coalesce(b.region, a.region) AS region, coalesce(b.parent, a.parent) AS parent,
                   coalesce(b.root, a.root) AS root, coalesce(a.sha256 <> b.sha256, false) AS changed,
                   coalesce(b.there, false) AND NOT coalesce(a.there, false) AS entered,
                   coalesce(a.there, false) AND NOT coalesce(b.there, false) AS left
            FROM a FULL JOIN b USING (id) WHERE coalesce(a.there, false) <> coalesce(b.there, false)
        )
        SELECT d.id, d.uri, d.source, d.region, d.changed, {sides}, d.entered, d.left
        FROM d LEFT JOIN a ON a.id = d.id LEFT JOIN a ap ON ap.id = d.parent LEFT JOIN a ar ON ar.id = d.root
        LEFT JOIN b ON b.id = d.id LEFT JOIN b bp ON bp.id = d.parent LEFT JOIN b br ON br.id = d.root
        ORDER BY d.uri, d.region
        """
    ).to_arrow_table()


def _fate_on(side: str) -> str:
    """One run's columns. An image that it never made has the fate of the image from which it would have been made."""
    gone = "('dropped', 'failed')"

    def first(column: str) -> str:
        name = quoted_name(column)
        return (
            f"CASE WHEN {side}.id IS NOT NULL THEN {side}.{name} WHEN {side}p.fate IN {gone} "
            f"THEN {side}p.{name} WHEN {side}r.fate IN {gone} THEN {side}r.{name} END"
        )

    reason = (
        f"CASE WHEN {side}.fate = 'went_on' THEN 'went on as others' WHEN {side}.id IS NOT NULL THEN {side}.reason "
        f"WHEN {side}r.id IS NULL THEN '{ABSENT}' ELSE coalesce({first('reason')}, '{NOT_MADE}') END"
    )
    return (
        f"coalesce({side}.fate, 'absent') AS {side}_fate, {first('step')} AS {side}_step, "
        f"{reason} AS {side}_reason, {first('margin')} AS {side}_margin"
    )


def _both(one: Side, two: Side) -> int:
    con = connect()
    _view(con, "a", one)
    _view(con, "b", two)
    return con.sql("SELECT count(*) FROM a JOIN b USING (id) WHERE a.there AND b.there").fetchall()[0][0]


def pair_steps(a: tuple[StepRecord, ...], b: tuple[StepRecord, ...]) -> tuple[StepPair, ...]:
    """The steps of both runs in order: equal steps are paired, then similar ones.

    >>> def rule(limit): return StepRecord("select-1", "select", f"noise < {limit}", 9, 9)
    >>> [(pair.a is not None, pair.b is not None) for pair in pair_steps((rule(3),), (rule(4),))]
    [(True, True)]
    """
    # A longest common subsequence, weighted by similarity: best[i][j] is the best total for a[i:] and b[j:].
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            paired = best[i + 1][j + 1] + _alike(a[i], b[j]) if _alike(a[i], b[j]) else 0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    pairs: list[StepPair] = []
    i = j = 0
    while i < len(a) and j < len(b):
        alike = _alike(a[i], b[j])
        if alike and best[i][j] == best[i + 1][j + 1] + alike:
            pairs.append(StepPair(a[i], b[j], moved_limits(a[i], b[j])))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            pairs.append(StepPair(a[i], None))
            i += 1
        else:
            pairs.append(StepPair(None, b[j]))
            j += 1
    return (*pairs, *(StepPair(step, None) for step in a[i:]), *(StepPair(None, step) for step in b[j:]))


def _alike(a: StepRecord, b: StepRecord) -> int:
    """The similarity of two steps: 0 with nothing in common, 8 if equal; the same columns count more than a name."""
    if a.kind != b.kind:
        return 0
    if a.label == b.label:
        return 8
    columns = {line.column for line in a.whole_rule} & {line.column for line in b.whole_rule}
    ranked = a.ranking is not None and b.ranking is not None and a.ranking.column == b.ranking.column
    return 3 * bool(columns or ranked) + (a.step == b.step) + (a.kind not in ("select", "measure"))


def moved_limits(a: StepRecord, b: StepRecord) -> tuple[tuple[str, float, float], ...]:
    """The thresholds on the same column and side whose limits differ: "blockiness <", 30, 20."""
    before = {(line.column, line.op): line.limit for line in a.whole_rule}
    after = {(line.column, line.op): line.limit for line in b.whole_rule}
    return tuple(
        (" ".join(key), before[key], limit)
        for key, limit in after.items()
        if key in before and before[key] != limit
    )


def _settings(a: RunRecord, b: RunRecord) -> list[Change]:
    return [] if a.seed == b.seed else [Change("seed", str(a.seed), str(b.seed))]


def _measures(a: RunRecord, b: RunRecord) -> list[Change]:
    """Measures whose version or settings differ, for columns that both runs have; one line per measure."""
    before = {column["name"]: column["key"] for column in a.columns}
    found = {
        (before[column["name"]], column["key"])
        for column in b.columns
        if before.get(column["name"], column["key"]) != column["key"]
    }
    return [Change(f"measure {new.split('-')[0]}", old, new) for old, new in sorted(found)]


def _packages(a: RunFolder, b: RunFolder) -> list[Change]:
    """Package versions that can change a number or a pixel, if both runs have a lock."""
    before, after = _versions(a), _versions(b)
    return [
        Change(name, before[name], version)
        for name, version in after.items()
        if name in before and before[name] != version
    ]


def _versions(folder: RunFolder) -> dict[str, str]:
    try:
        lock: Mapping[str, Any] = json.loads((folder.path / "recipe.lock").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {
        "groundglass": str(lock.get("groundglass")),
        **{k: str(v) for k, v in lock.get("packages", {}).items()},
    }


def plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison as `groundglass diff --json` prints it."""
    return {
        "entered": [_plain_row(row) for row in comparison.entered.to_pylist()],
        "left": [_plain_row(row) for row in comparison.left.to_pylist()],
        "both": comparison.both,
        "steps": [_plain_pair(pair) for pair in comparison.steps],
        "changes": [{"what": change.what, "a": change.a, "b": change.b} for change in comparison.changes],
        "a": str(comparison.a.folder.path),
        "b": str(comparison.b.folder.path),
    }


def _plain_row(row: Mapping[str, Any]) -> dict[str, Any]:
    fates = {
        side: {name: row[f"{side}_{name}"] for name in ("fate", "step", "reason", "margin")}
        for side in ("a", "b")
    }
    return {**{name: row[name] for name in ("id", "uri", "source", "region", "changed")}, **fates}


def _plain_pair(pair: StepPair) -> dict[str, Any]:
    def side(step: StepRecord | None) -> dict[str, Any] | None:
        if step is None:
            return None
        counts = {"in": step.into, "out": step.out, "dropped": step.dropped, "failed": step.failed}
        return {"step": step.step, "label": step.label, **counts}

    limits = [{"threshold": what, "a": before, "b": after} for what, before, after in pair.limits]
    return {
        "kind": pair.either.kind,
        "a": side(pair.a),
        "b": side(pair.b),
        "changed": pair.changed,
        "thresholds": limits,
    }
