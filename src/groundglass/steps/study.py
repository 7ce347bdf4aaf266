"""The step `study`: people rate the current set; the run waits for their votes, and then every row has its scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from groundglass.errors import MissingExtra, RecipeError, Waiting
from groundglass.extras import is_installed
from groundglass.plans.current_rows import applies
from groundglass.plans.planner import PlannedStep, Planner, check_readable, find_column
from groundglass.plans.run_folder import study_key
from groundglass.plans.state import State
from groundglass.recipes.study_model import StudyStep
from groundglass.selections.rule import Rule
from groundglass.sources.folder import existing_folder
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.measure.plan import add_columns
from groundglass.studies.candidates import Candidate, candidates_of, nearest_dropped
from groundglass.studies.open_study import Study, is_whole, left_out_notes, make_study
from groundglass.studies.results import StudyResults, score_study
from groundglass.studies.score_columns import score_columns, score_table
from groundglass.tables.columns import KnownColumn, pool
from groundglass.tables.parquet import only, read_table
from groundglass.tables.verdicts import values
from groundglass.text.format import command, some


def plan(planner: Planner, planned: PlannedStep, body: StudyStep) -> PlannedStep:
    """Look up columns, folders, files and steps that a study names; its scores join the columns."""
    if not is_installed("studies"):
        missing = MissingExtra("studies", "studies")
        planner.fail(("study",), missing.message, missing.hint, lacking=True)
    paths = tuple(
        find_column(planner, name, ("study", key))
        for key, name in (("prompt", body.prompt), ("content", body.content))
        if name is not None
    )
    for arm, folder in body.folders.items():
        try:
            existing_folder(folder)
        except RecipeError as error:
            planner.fail(("study", "folders", arm), error.message, error.hint)
    if body.checks.answers is not None:
        check_readable(planner, body.checks.answers, ("study", "checks", "answers"))
    if body.dropped_by is not None:
        before = planner.loaded.recipe.steps[: planner.index]
        gates = [step.name for step in before if isinstance(step.body, Rule)]
        if body.dropped_by not in gates:
            said = f"no selection before this step is called '{body.dropped_by}'"
            hint = f"the selections: {', '.join(gates)}" if gates else "no step before this one selects"
            planner.fail(("study", "dropped_by"), said, hint, gates, body.dropped_by)
    columns = _columns(planner, planned, body)
    add_columns(planner, columns, ("study",))
    each = "pair" if body.folders else "image"
    note = (
        f"needs people: {some(body.votes, 'votes')} for each {each}; the run waits here until they have voted"
    )
    return replace(planned, paths=paths, brings=tuple(column.name for column in columns), notes=(note,))


def _columns(planner: Planner, planned: PlannedStep, body: StudyStep) -> list[KnownColumn]:
    scale = body.scale
    return [
        KnownColumn(
            name=f"{planned.step.name}.{name}",
            key=study_key(planned.step.name),
            column=name,
            sql_type="BIGINT" if name == "votes" else "DOUBLE",
            better="neither" if name == "votes" else "higher",
            unit="",
            step=planned.step.name,
            generation=planner.scope.generation,
            join="id",
            low=0.0 if name == "votes" else scale and scale[0],
            high=None if name == "votes" else scale and scale[1],
            meaning=f"{meaning}, in the study {planned.step.name}",
        )
        for name, meaning in score_columns(body).items()
    ]


def run(state: State, planned: PlannedStep) -> Done:
    """Make the study if it is not there, and go on with its scores if it has enough votes; no row leaves.

    Raises Waiting if it has not.
    """
    study, results = _results(state, planned)
    if not results.enough:
        raise _waiting(study, results)
    return _go_on(state, planned, study, results)


def _results(state: State, planned: PlannedStep) -> tuple[Study, StudyResults]:
    """The study of a step, made if it is not there, and its results so far."""
    body, name = body_of(planned), planned.step.name
    study = make_study(
        state.run.folder, name, body, state.run.seed, None, lambda: _candidates(state, planned)
    )
    with study.store as store:
        return study, score_study(body, store.items(), store.votes(), study.seed)


def _go_on(state: State, planned: PlannedStep, study: Study, results: StudyResults) -> Done:
    """Write the scores of a study with enough votes, and go on with them."""
    if score_columns(study.body):
        scores, key = score_table(study.body, results), study_key(planned.step.name)
        state.run.write(scores, state.run.folder.scores(key))
        state = replace(state, scores={**state.scores, key: scores})
    return done(state, state, planned, notes=_notes(study, results), facts=_facts(planned, results))


def body_of(planned: PlannedStep) -> StudyStep:
    """The settings of a study step."""
    body = planned.step.body
    assert isinstance(body, StudyStep)
    return body


def _candidates(state: State, planned: PlannedStep) -> list[Candidate]:
    """The images of the current set for which `if` holds; or those that an earlier step dropped."""
    body = body_of(planned)
    rows, _ = applies(state, planned)
    if body.dropped_by is not None:
        verdicts = read_table(state.run.folder.verdicts(body.dropped_by))
        rows = nearest_dropped(verdicts, only(state.seen, verdicts["id"]))
    found = pool(rows, planned.paths, planned.scope, state.tables, errors=False)
    for path in planned.paths:
        name = ".".join(path)
        if name not in rows.column_names:
            rows = rows.append_column(name, values(found, path))
    return candidates_of(rows, state.tables.images, state.run.store, body.prompt, body.content)


def _waiting(study: Study, results: StudyResults) -> Waiting:
    serve = command("groundglass", "study", "serve", str(study.run), study.name)
    said = f"{study.name} waits for people: {some(results.votes, 'votes')}, and {results.lacking:,} more are needed"
    return Waiting(
        f"{said}; everything before it is saved",
        f"let them vote: {serve}; then run the same command again when people have voted",
    )


def _notes(study: Study, results: StudyResults) -> tuple[str, ...]:
    notes: list[str] = []
    for arm in results.arms:
        if arm.rate is not None and arm.ci95 is not None:
            clear = "" if arm.clear else ", so neither is clearly better"
            notes.append(
                f"{arm.one} won {arm.rate:.0%} against {arm.other} (95 % interval {arm.ci95[0]:.0%} to "
                f"{arm.ci95[1]:.0%}, {some(arm.votes, 'votes')} on {some(arm.contents, 'images')}){clear}"
            )
    return (*notes, *left_out_notes(study.left_out), *results.notes)


def _facts(planned: PlannedStep, results: StudyResults) -> Mapping[str, Any]:
    return {
        "columns": list(planned.brings),
        "study": {
            "items": len(results.items),
            "votes": results.votes,
            "raters": len(results.raters),
            "protocol": body_of(planned).protocol,
            "agreement": dict(results.agreement),
            "flagged": sum(1 for rater in results.raters if any(rater.flags.values())),
            "flags": dict(sum((Counter(rater.flags) for rater in results.raters), Counter[str]())),
            "rejected": sum(rater.rejected for rater in results.raters),
            "arms": [
                {"one": arm.one, "other": arm.other, "rate": arm.rate, "ci95": arm.ci95, "votes": arm.votes}
                for arm in results.arms
            ],
        },
    }


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The votes that are still needed. With enough of them the step is run, so that later steps are exact."""
    into, state, body = walk.step(planned), walk.state, body_of(planned)
    if walk.exact and is_whole(state.run.folder, planned.step.name):
        study, results = _results(state, planned)
        if results.enough:
            walk.state, _ = _go_on(state, planned, study, results)
        else:
            walk.at_most(state.rows)
        return replace(into, to_do=results.lacking, cached=results.votes)
    walk.at_most(state.rows)
    if body.folders or body.dropped_by:
        return into
    images = min(into.into, body.items or into.into)
    votes = body.votes * images
    return replace(into, to_do=-(-votes // 2) if body.free_pairs else votes, cached=0)


def label(body: StudyStep) -> str:
    what = (
        ", ".join(body.folders)
        if body.folders
        else f"dropped by {body.dropped_by}"
        if body.dropped_by
        else ""
    )
    return f"{body.protocol}{f' of {what}' if what else ''}, {some(body.votes, 'votes')} each"


STUDY = StepKind(plan, run, forecast, label)
