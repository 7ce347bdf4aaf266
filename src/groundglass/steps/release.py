"""The release step: the current set and the held-out rows become files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.made_images.makes import makes_of
from groundglass.measures.catalog import MEASURES
from groundglass.plans.current_rows import count
from groundglass.plans.generators import card_generators
from groundglass.plans.lock import lock_text
from groundglass.plans.networks import card_networks
from groundglass.plans.planner import Plan, PlannedStep
from groundglass.plans.state import State
from groundglass.recipes.annotate_model import AnnotateStep, model_name
from groundglass.releases.card_notes import AuditNote, MeasureNote, Notes
from groundglass.releases.file_layout import high_of
from groundglass.releases.read_finished import finished_release
from groundglass.releases.release import ReleaseContext, ReleaseFacts, write_release
from groundglass.releases.trainer_patches import Known, small_images_note, small_tiles_note
from groundglass.releases.writers.writer import Release
from groundglass.selections.cut_off_table import BYTES_PER_PIXEL
from groundglass.sources.folder import place_of
from groundglass.sources.scan_job import warning_counts
from groundglass.steps.benchmark.card_notes import benchmark_notes
from groundglass.steps.kind import Done, StepForecast, Walk, done
from groundglass.steps.made_files import made_files, made_notes
from groundglass.steps.measure.step import megapixels
from groundglass.steps.prove.card_notes import proof_notes
from groundglass.steps.release_rows import answer_columns, rows_to_release
from groundglass.steps.study_notes import study_notes
from groundglass.tables.parquet import compute, only
from groundglass.tables.step_record import StepRecord
from groundglass.tables.verdicts import VERDICTS
from groundglass.transforms.degrade import Degrade
from groundglass.transforms.transform import Transform

WRITE_SECONDS = 0.15
"""Seconds to cut, encode and verify one megapixel on one core."""


@dataclass(frozen=True)
class Released:
    """The facts of a written release, the verdicts of images that could not be written, and notes.

    left_out  rows of the current set that are not part of it
    """

    verdicts: pa.Table
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: int = 0


def release_rows(state: State, planned: PlannedStep) -> Released:
    """Write the release of a run into its folder; an interrupted one goes on."""
    body = planned.step.body
    assert isinstance(body, Release)
    rows = rows_to_release(state, planned.scope)
    if rows.num_rows == 0:
        return Released(VERDICTS.empty_table(), {"folder": None, "pictures": {}, "files": 0, "bytes": 0})
    folder = release_folder(state, planned)
    answers = answer_columns(state, planned.scope)
    finished = finished_release(folder, body, answers)
    # A folder that the recipe names may hold the release of another run; one in the run's folder cannot.
    if finished is not None and (body.to is None or is_release_of(folder, rows, state)):
        return described(
            finished, body
        )  # this run wrote it before it was stopped, or an earlier equal run did
    context = release_context(state, planned, rows, answers)
    return described(write_release(folder, rows, body, context), body)


def release_context(
    state: State, planned: PlannedStep, rows: pa.Table, answers: tuple[str, ...]
) -> ReleaseContext:
    """The values that a release of rows gets from its run."""
    return ReleaseContext(
        name=state.run.folder.name,
        recipe=(state.run.folder.path / "recipe.yaml").read_text(encoding="utf-8"),
        lock=lock_text(state),
        notes=Notes(
            funnel=tuple(state.records),
            measures=tuple(measure_notes(state)),
            networks=card_networks(state.run.plan),
            generators=card_generators(state.run.plan),
            audits=tuple(audit_note(step) for step in state.records if step.facts.get("audit")),
            studies=tuple(study_notes(state)),
            proofs=tuple(proof_notes(state)),
            benchmarks=tuple(benchmark_notes(state)),
            made=made_notes(state),
            replays=_replays(state),
            warnings=warning_counts(only(state.tables.images, rows["root"])["warning"]),
        ),
        lists=lambda manifest: made_files(state, manifest),
        answers=answers,
        ranked_by=state.ranked_by,
        settings=state.run.settings,
        limits=state.run.limits,
        makes=makes_of(state.run.store_folder),
        progress=state.run.progress(f"release {planned.step.name}"),
    )


def _replays(state: State) -> bool:
    """Whether all degraded images can be made again from the photos alone: none is made from a made image."""
    makers = [
        step.body
        for step in state.run.plan.recipe.steps
        if isinstance(step.body, Transform) and step.body.makes
    ]
    return (
        bool(makers)
        and isinstance(makers[0], Degrade)
        and not any(isinstance(m, Degrade) for m in makers[1:])
    )


def release_folder(state: State, planned: PlannedStep) -> Path:
    """The folder that the step names, or ``release`` in the run's folder; ``release-<step>`` for further releases."""
    body = planned.step.body
    assert isinstance(body, Release)
    if body.to is not None:
        return place_of(body.to)
    first = not any(record.kind == "release" for record in state.records)
    return state.run.folder.path / ("release" if first else f"release-{planned.step.name}")


def is_release_of(folder: Path, rows: pa.Table, state: State) -> bool:
    """Whether a finished release holds exactly these rows, and its recipe is the same."""
    recipe = folder / "recipe.yaml"
    if not recipe.exists() or recipe.read_text(encoding="utf-8") != state.run.plan.text:
        return False
    manifest = pq.read_table(folder / "manifest.parquet", columns=["id", "source_sha256"])
    written = set(zip(*(manifest[name].to_pylist() for name in manifest.column_names), strict=True))
    return written == set(zip(rows["id"].to_pylist(), rows["sha256"].to_pylist(), strict=True))


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
        mine = [limit for limit in limits if limit.column.split(".")[-1] in measure.columns]
        text = ", ".join(map(str, mine))
        notes.append(MeasureNote(name, measure.version, text, measure.reference))
    return notes + question_notes(state)


def question_notes(state: State) -> list[MeasureNote]:
    """A note on each question of the run, with its model."""
    return [
        MeasureNote(
            inquiry.question.name,
            inquiry.question.version,
            reference=f"asked of {model_name(planned.step.body.model)}, prompt {inquiry.digest}",
        )
        for planned in state.run.plan.steps
        if isinstance(planned.step.body, AnnotateStep)
        for inquiry in planned.inquiries
    ]


def described(facts: ReleaseFacts, step: Release) -> Released:
    """The facts of a release in the form of a step's record."""
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
            "pictures": dict(facts.images),
            "files": facts.files,
            "bytes": facts.bytes,
            "resumed": facts.resumed,
            "licences": dict(facts.licences),
        },
        facts.notes,
    )


def recorded(state: State, planned: PlannedStep, released: Released) -> Done:
    """The record of a written release."""
    into = state.rows.num_rows + sum(held.rows.num_rows for held in state.held.values())
    state.run.write(released.verdicts, state.run.folder.verdicts(planned.step.name))
    failed = released.verdicts.num_rows
    return done(
        state,
        state,
        planned,
        into=into,
        out=into - failed - released.left_out,
        failed=failed,
        reasons=count(released.verdicts["reason"]),
        notes=released.notes,
        facts=released.facts,
    )


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The size of the release: the remaining rows and the held-out ones."""
    body, state, into = planned.step.body, walk.state, walk.step(planned)
    assert isinstance(body, Release)
    rows = high_of(state.rows) if body.of_made else state.rows
    pixels = megapixels(rows) * walk.share
    sides = compute.min_element_wise(rows["width"], rows["height"]).to_numpy()[: walk.count]
    known = _known_before(walk, planned)
    walk.notes += [f"{planned.step.name}: {note}" for note in small_images_note(sides, body, known)]
    low = sum(1 / scale**2 for scale in body.lr_scales)
    # The folder is kept next to its archive, so the disk holds both.
    archived = 2 if body.archive else 1
    held = sum(held.rows.num_rows for held in state.held.values())
    return replace(
        into,
        into=into.into + held + walk.held_besides,
        seconds=pixels * WRITE_SECONDS,
        bytes=pixels * 1e6 * BYTES_PER_PIXEL * (1 + low) * archived,
    )


def _known_before(walk: Walk, planned: PlannedStep) -> Known:
    """How well the images of the training split are known: some may go to another split before."""
    if walk.guessed:
        return "about"
    steps = walk.state.run.plan.steps
    taken = any(step.step.kind in ("hold_out", "split") for step in steps[: steps.index(planned)])
    return "exactly" if walk.exact and not taken else "at most"


def small_tile_notes(plan: Plan) -> list[str]:
    """Notes before a run of hours on tiles that are too small for trainers."""
    notes: list[str] = []
    side: int | None = None
    for planned in plan.steps:
        match planned.step.body:
            case Transform() as body:
                side = None if planned.step.only_if else body.side()
            case Release() as body if side is not None:
                notes += [f"{planned.step.name}: {note}" for note in small_tiles_note(side, body)]
            case _:
                pass
    return notes
