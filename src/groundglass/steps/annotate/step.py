"""The step `annotate`: ask a model for missing answers, within a budget."""

from __future__ import annotations

from dataclasses import replace

from groundglass.engines.cores import cores
from groundglass.plans.current_rows import applies, count, leave
from groundglass.plans.duplicates import fingerprint_ask
from groundglass.plans.measure_missing import missing_of
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.recipes.annotate_model import AnnotateStep
from groundglass.steps.annotate.cost import call_seconds, cost_in_words
from groundglass.steps.annotate.plan import plan_annotate
from groundglass.steps.annotate.run import annotate_rows
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done


def run(state: State, planned: PlannedStep) -> Done:
    """Ask for missing answers; an image without an answer stays, one that cannot be decoded leaves as failed."""
    chosen, _ = applies(state, planned)
    found = annotate_rows(state, planned, chosen)
    return done(
        state,
        leave(state, planned, found.failed),
        planned,
        failed=found.failed.num_rows,
        cached=found.cached,
        reasons=count(found.failed["reason"]) | found.reasons,
        notes=found.notes,
        facts=found.facts,
    )


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The answers that the store lacks, and what they may cost."""
    state = walk.state
    rows = applies(state, planned)[0] if walk.exact else state.rows
    into, to_do = walk.step(planned), walk.lacking(planned, rows)
    read = rows.filter(rows["sha256"].is_valid())
    unread = rows.num_rows - read.num_rows
    lacking = [missing_of(state, ask, read).num_rows + unread for ask in planned.asks]
    walk.notes.append(f"{planned.step.name}: {cost_in_words(planned, lacking, rows.num_rows)}")
    decoded = replace(planned, asks=(*planned.asks, fingerprint_ask()))  # each image is decoded first
    if walk.lacking(decoded, rows) or not walk.does(run, planned, rows):
        walk.at_most(state.rows)
    seconds = call_seconds(planned, sum(lacking)) * cores()  # undoes the later division
    return replace(into, to_do=to_do, cached=rows.num_rows - to_do, seconds=seconds)


def label(body: AnnotateStep) -> str:
    model = body.model
    return f"{', '.join(body.ask)} by {model.openai or model.google or model.local}"


ANNOTATE = StepKind(plan_annotate, run, forecast, label)
