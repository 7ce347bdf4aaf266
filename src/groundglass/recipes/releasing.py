"""The release step: the current set and what was held out become files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.kernel.table import connect, numbered
from groundglass.measures.catalog import MEASURES
from groundglass.recipes.annotate_model import AnnotateStep
from groundglass.recipes.columns import ROWS, Scope, pool
from groundglass.recipes.folder import StepRecord
from groundglass.recipes.lock import lock_text
from groundglass.recipes.model import ReleaseStep
from groundglass.recipes.networks import card_networks
from groundglass.recipes.plan_annotate import model_name
from groundglass.recipes.planner import PlannedStep
from groundglass.recipes.state import State
from groundglass.releases.card import AuditNote, FunnelRow, MeasureNote
from groundglass.releases.finished import finished_release
from groundglass.releases.release import ReleaseContext, ReleaseFacts, write_release
from groundglass.selections.pool import VERDICTS
from groundglass.sources.folder import place_of

TRAIN = "train"


@dataclass(frozen=True)
class Released:
    """What was written, the verdicts of the pictures that could not be, and what to know of those that were."""

    verdicts: pa.Table
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def release_rows(state: State, planned: PlannedStep) -> Released:
    """Write the release of a run into its folder; an interrupted one goes on."""
    body = planned.step.body
    assert isinstance(body, ReleaseStep)
    rows = rows_to_release(state, planned.scope)
    if rows.num_rows == 0:
        return Released(VERDICTS.empty_table(), {"folder": None, "pictures": {}, "files": 0, "bytes": 0})
    folder = release_folder(state, planned)
    finished = finished_release(folder, body)
    if finished is not None and (body.to is None or is_release_of(folder, rows, state)):
        return described(finished, body)  # written by this very run, or one like it, before it was stopped
    context = ReleaseContext(
        name=state.folder.name,
        recipe=(state.folder.path / "recipe.yaml").read_text(encoding="utf-8"),
        lock=lock_text(state),
        funnel=tuple(funnel_row(step) for step in state.records),
        measures=tuple(measure_notes(state)),
        networks=card_networks(state.plan),
        audits=tuple(audit_note(step) for step in state.records if step.facts.get("audit")),
        ranked_by=state.ranked_by,
        settings=state.settings,
        limits=state.limits,
        progress=state.progress(f"release {planned.step.name}"),
    )
    return described(write_release(folder, rows, body, context), body)


def release_folder(state: State, planned: PlannedStep) -> Path:
    """Where the step says, or ``release`` in the run's folder; ``release-<step>`` for further ones of a recipe."""
    body = planned.step.body
    assert isinstance(body, ReleaseStep)
    if body.to is not None:
        return place_of(body.to)
    first = not any(record.kind == "release" for record in state.records)
    return state.folder.path / ("release" if first else f"release-{planned.step.name}")


def is_release_of(folder: Path, rows: pa.Table, state: State) -> bool:
    """Whether a finished release holds these very rows, and the recipe is the same."""
    recipe = folder / "recipe.yaml"
    if not recipe.exists() or recipe.read_text(encoding="utf-8") != state.plan.text:
        return False
    manifest = pq.read_table(folder / "manifest.parquet", columns=["id", "source_sha256"])
    written = set(zip(*(manifest[name].to_pylist() for name in manifest.column_names), strict=True))
    return written == set(zip(rows["id"].to_pylist(), rows["sha256"].to_pylist(), strict=True))


def rows_to_release(state: State, scope: Scope) -> pa.Table:
    """Every picture that goes out, with its file, its licence, its split and its scores."""
    splits = (
        state.splits
        if state.splits is not None
        else pa.table({"id": pa.array([], pa.string()), "split": pa.array([], pa.string())})
    )
    parts = [with_details(state, state.rows, scope, splits)]
    for split, held in state.held.items():
        named = pa.table(
            {"id": held.rows["id"], "split": pa.array([split] * held.rows.num_rows, pa.string())}
        )
        parts.append(with_details(state, held.rows, held.scope, named))
    return pa.concat_tables(parts, promote_options="default")


def with_details(state: State, rows: pa.Table, scope: Scope, splits: pa.Table) -> pa.Table:
    """The rows in their order, with path, licence, author, split and every score."""
    names = [
        name
        for name, column in scope.own().items()
        if not column.hidden and column.sql_type != "BLOB" and name not in [*ROWS.names, "bytes"]
    ]
    roots = [
        name
        for name, column in scope.of_generation(0).items()
        if scope.generation > 0 and not column.hidden and name not in ("width", "height", "bytes")
    ]
    table = pool(rows, [(name,) for name in names] + [("root", name) for name in roots], scope, state.tables)
    con = connect()
    con.register("pool", table)
    con.register("rows", rows.append_column("place", numbered(rows)))
    con.register("images", state.tables.images)
    con.register("splits", splits)
    scores = "".join(f', p."{name}"' for name in names) + "".join(
        f', p.root."{name}" AS "root.{name}"' for name in roots
    )
    return con.sql(
        f"SELECT r.* EXCLUDE (place), i.path, i.format AS file_format, i.licence, i.author, "
        f"coalesce(s.split, '{TRAIN}') AS split{scores} "
        "FROM rows r JOIN pool p USING (id) JOIN images i ON i.id = r.root "
        "LEFT JOIN splits s ON s.id = r.id ORDER BY r.place"
    ).to_arrow_table()


def funnel_row(step: StepRecord) -> FunnelRow:
    return FunnelRow(step.step, f"{step.kind}: {step.label}", step.into, step.out, step.dropped, step.failed)


def audit_note(step: StepRecord) -> AuditNote:
    found = step.facts["audit"]
    faults = ((fault["what"], fault["recall"], tuple(fault["recall_ci95"])) for fault in found["defects"])
    return AuditNote(step.step, found["asked"], found["false_alarm"], tuple(faults))


def measure_notes(state: State) -> list[MeasureNote]:
    """Each measure of the run with the limits that selections put on its columns."""
    limits = [limit for record in state.records for limit in record.thresholds]
    names = dict.fromkeys(
        key.split("-")[0] for record in state.records for key in record.facts.get("measures", ())
    )
    notes: list[MeasureNote] = []
    for name in names:
        measure = MEASURES[name]
        mine = [limit for limit in limits if limit["column"].split(".")[-1] in measure.columns]
        text = ", ".join(f"{limit['column']} {limit['op']} {limit['limit']:g}" for limit in mine)
        notes.append(MeasureNote(name, measure.version, text, measure.reference))
    return notes + question_notes(state)


def question_notes(state: State) -> list[MeasureNote]:
    """Each question of the run, and who was asked."""
    return [
        MeasureNote(
            inquiry.question.name,
            inquiry.question.version,
            reference=f"asked of {model_name(planned.step.body.model)}, prompt {inquiry.digest}",
        )
        for planned in state.plan.steps
        if isinstance(planned.step.body, AnnotateStep)
        for inquiry in planned.inquiries
    ]


def described(facts: ReleaseFacts, step: ReleaseStep) -> Released:
    """The facts of a release as a step's record keeps them."""
    failed = facts.failed
    verdicts = pa.table(
        {
            "id": [failure.id for failure in failed],
            "kept": [False] * len(failed),
            "failed": [True] * len(failed),
            "reason": [failure.reason for failure in failed],
            "margin": [None] * len(failed),
        },
        schema=VERDICTS,
    )
    archive = str(Path(facts.archive).name) if facts.archive else None
    return Released(
        verdicts,
        {
            "folder": facts.folder.name if step.to is None else str(facts.folder),
            "archive": archive,
            "pictures": dict(facts.pictures),
            "files": facts.files,
            "bytes": facts.bytes,
            "resumed": facts.resumed,
            "licences": dict(facts.licences),
        },
        facts.notes,
    )
