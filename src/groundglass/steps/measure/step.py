"""The step `measure`: measure missing values; images that cannot be decoded leave as failed."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from groundglass.plans.current_rows import applies, count, leave
from groundglass.plans.external_scores import no_row_is_scored, read_scores, score_notes
from groundglass.plans.measure_missing import measure_rows, missing_of
from groundglass.plans.networks import core_seconds
from groundglass.plans.planner import PlannedStep
from groundglass.plans.prompt_facts import lacks_sentences, prompt_table
from groundglass.plans.state import State
from groundglass.plans.texts import rows_without_text, with_texts
from groundglass.recipes.measure_model import MeasureStep, Prompts, ScoreTable
from groundglass.settings.measure_request import MeasureRequest
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.measure.plan import plan_measure
from groundglass.tables.parquet import compute, without

MEASURE_SECONDS = 0.008
"""Seconds to decode and measure one megapixel on one core."""


def run(state: State, planned: PlannedStep) -> Done:
    """Measure missing values; images that cannot be decoded leave the set as failed."""
    body = planned.step.body
    assert isinstance(body, MeasureStep)
    notes: list[str] = []
    valueless: dict[str, str] = {}
    before = state
    for request in planned.scores:
        # The run keeps its own copy of the scores: the user's table may change later.
        scores = read_scores(request)
        state = replace(state, scores={**state.scores, request.table: scores})
        state.run.write(scores, state.run.folder.scores(request.table))
        said = score_notes(request, scores, state.rows)
        notes += said
        if state.rows.num_rows and no_row_is_scored(request, scores, state.rows):
            valueless[request.table] = said[-1]
    chosen, _ = applies(state, planned)
    measured = measure_rows(
        state, chosen, planned.asks, f"measure {planned.step.name}", _called(planned, body)
    )
    reasons = count(measured.failed["reason"])
    notes += measured.valueless.values()
    usable = without(chosen, measured.failed["id"])
    state, bare = _with_words(state, planned, usable)
    notes += [f"{many:,} of {usable.num_rows:,} images have no text in {column}" for column, many in bare]
    facts = {
        "measures": [ask.key for ask in planned.asks],
        "columns": list(planned.brings),
        # If an `if` chose only some images, a note is enough: the run as a whole is not without values.
        "valueless": valueless | dict(measured.valueless if chosen.num_rows == state.rows.num_rows else {}),
    }
    return done(
        before,
        leave(state, planned, measured.failed),
        planned,
        failed=measured.failed.num_rows,
        cached=measured.cached,
        reasons=reasons,
        notes=tuple(notes),
        facts=facts,
    )


def _with_words(state: State, planned: PlannedStep, usable: pa.Table) -> tuple[State, list[tuple[str, int]]]:
    """The state with the vectors of texts and the facts about prompts, and the columns that lack texts of how many
    images."""
    bare: list[tuple[str, int]] = []
    job = f"measure {planned.step.name}"
    for wanted in planned.texts:
        state = with_texts(state, usable, wanted, job)
        bare.append((f"meta.{wanted.column}", rows_without_text(state, usable, wanted)))
    for asked in planned.prompts:
        # Copies are counted among the images that this step chose and can use.
        table = prompt_table(state, usable, asked, job)
        state = replace(state, scores={**state.scores, asked.key: table})
        state.run.write(table, state.run.folder.scores(asked.key))
        if asked.ask is None:  # the texts of the others are counted above
            bare.append((f"meta.{asked.column}", table["prompt_chars"].null_count))
    return state, [(column, many) for column, many in bare if many]


def _called(planned: PlannedStep, body: MeasureStep) -> dict[str, str]:
    """The recipe's names of its measures, with the prefix of their columns, by the keys of their asks."""
    requests = [request for request in body.measures if isinstance(request, MeasureRequest)]
    return {
        ask.key: f"{request.measure} as {request.prefix}" if request.prefix else request.measure
        for ask, request in zip(planned.asks, requests, strict=True)
    }


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The values that the store lacks; if it lacks none, the step is run, so that later steps are exact."""
    state = walk.state
    rows = applies(state, planned)[0] if walk.exact else state.rows
    into, to_do = walk.step(planned), walk.lacking(planned, rows)
    unread = rows["sha256"].null_count
    seconds = to_do / rows.num_rows * megapixels(rows) * MEASURE_SECONDS if rows.num_rows else 0.0
    read = rows.filter(rows["sha256"].is_valid())
    for ask in planned.asks:
        seconds += core_seconds(ask) * (missing_of(state, ask, read).num_rows + unread)
    share, to_do = walk.share, min(to_do, walk.count)
    unknown = any(lacks_sentences(state, asked) for asked in planned.prompts)
    if unknown or not walk.does(run, planned, rows):
        walk.at_most(state.rows)
    return replace(into, to_do=to_do, cached=max(0, into.into - to_do), seconds=seconds * share)


def megapixels(rows: pa.Table) -> float:
    """Pixels of all rows, in millions."""
    return float(compute.sum(compute.multiply(rows["width"], rows["height"])).as_py() or 0) / 1e6


def label(body: MeasureStep) -> str:
    return ", ".join(_asked(request) for request in body.measures)


def _asked(request: MeasureRequest | ScoreTable | Prompts) -> str:
    if isinstance(request, Prompts):
        return f"prompts in {request.text}"
    return request.measure if isinstance(request, MeasureRequest) else f"scores of {request.table}"


MEASURE = StepKind(plan_measure, run, forecast, label)
