"""The annotate step: ask the questions that have no answer yet, and save each answer as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from groundglass.annotators.ask_question import READOUTS, Readout
from groundglass.annotators.clients.resolve import open_client
from groundglass.calls.ledger import Ledger
from groundglass.calls.retry import Asker
from groundglass.engines.shards import Stop
from groundglass.engines.threads import run_threads
from groundglass.measures.measure_job import Ask, Photograph
from groundglass.plans.duplicates import fingerprint_ask
from groundglass.plans.measure_missing import count_unknown, measure_rows, missing_of, photographs_to_measure
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.recipes.annotate_model import AnnotateStep, model_name
from groundglass.steps.annotate.ask_image import Questioner
from groundglass.steps.annotate.cost import budget_of, price_of, spent_in_words
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import connect, without
from groundglass.text.format import thousands

OF_SERVERS = ("bad_request", "server_error", "timeout", "length", "no_probabilities")
"""Reasons that are shown with an example, because the user can fix the cause."""
PARTS = 256
"""Number of one-row parts of the store at which they are merged."""


@dataclass(frozen=True)
class Annotated:
    """The outcome of an annotate step.

    failed   verdicts of the images that cannot be decoded
    cached   number of images with all answers in the store
    reasons  why answers are missing, each with its question, and for how many images
    """

    failed: pa.Table
    cached: int
    reasons: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def annotate_rows(state: State, planned: PlannedStep, rows: pa.Table) -> Annotated:
    """Ask the missing questions about ``rows``. Raises UnreachableError and Interrupted; answers are saved either way.

    A worker process decodes each image first, so that a file that kills the decoder never reaches the asking threads.
    """
    name = planned.step.name
    failed = measure_rows(state, rows, (fingerprint_ask(),), f"decode for {name}").failed
    usable = without(rows, failed["id"])
    for ask, inquiry in zip(planned.asks, planned.inquiries, strict=True):
        state.run.store.prepare(ask.key, inquiry.question.columns)
    missing = {ask: missing_of(state, ask, usable) for ask in planned.asks}
    items = photographs_to_measure(state, missing)
    body = planned.step.body
    assert isinstance(body, AnnotateStep)
    ledger = Ledger(state.run.folder.calls(name), price_of(body), budget_of(body))
    asked = _ask_all(state, planned, items, ledger) if items else ()
    known = body.price is not None or body.model.local is not None  # a local model costs nothing
    notes = [spent_in_words(ledger.spent, known)] if ledger.spent.calls else []
    notes += asked
    reasons, said = _reasons(state, planned, usable)
    notes += said
    unasked = sum(many for reason, many in reasons.items() if reason.endswith("budget"))
    if unasked:
        notes.append(f"{thousands(unasked)} answers are missing: the budget is spent; raise it and run again")
    return Annotated(
        failed,
        usable.num_rows - count_unknown(list(missing.values())),
        reasons,
        tuple(notes),
        _facts(planned, ledger),
    )


def _ask_all(state: State, planned: PlannedStep, items: list[Photograph], ledger: Ledger) -> tuple[str, ...]:
    """Ask, and save the answers; returns notes on how they were asked."""
    body = planned.step.body
    assert isinstance(body, AnnotateStep)
    stop = Stop()
    client = open_client(model_name(body.model), body.timeout)
    questioner = Questioner(
        state.run.store.root,
        planned.asks,
        planned.inquiries,
        Asker(client, ledger, stop),
        body.long_edge,
        state.run.limits,
        _readouts(state, planned),
    )
    saved = 0

    def merge() -> None:
        nonlocal saved
        if questioner.saved - saved >= PARTS:
            saved = questioner.saved
            _compact(state.run.store, planned.asks)

    try:
        run_threads(
            questioner.one,
            items,
            body.concurrency if client.concurrent else 1,
            state.run.progress(f"annotate {planned.step.name}"),
            stop,
            merge,
        )
    finally:
        questioner.save_held()
        _compact(state.run.store, planned.asks)
    if questioner.spent:
        _note_unasked(state, planned, items)
    return (*client.notes, *questioner.notes)


def _readouts(state: State, planned: PlannedStep) -> dict[str, Readout]:
    """For each question for a level, how its answers in the store were read."""
    found: dict[str, Readout] = {}
    for ask, inquiry in zip(planned.asks, planned.inquiries, strict=True):
        question = inquiry.question
        if question.levels:
            known = state.run.store.read(ask.key, [f"{question.name}_from"])[f"{question.name}_from"]
            words = set(known.drop_null().to_pylist())
            found.update((question.name, word) for word in READOUTS if word in words)
    return found


def _compact(store: MeasureStore, asks: tuple[Ask, ...]) -> None:
    for ask in asks:
        store.compact(ask.key)


def _note_unasked(state: State, planned: PlannedStep, items: list[Photograph]) -> None:
    """Save a row with the reason `budget` for every answer that was not asked for."""
    for number, (ask, inquiry) in enumerate(zip(planned.asks, planned.inquiries, strict=True)):
        pairs = [(item.sha256, region) for item in items for region, asks in item.wanted if number in asks]
        known = state.run.store.read(ask.key, [])
        said = set(zip(known["sha256"].to_pylist(), known["region"].to_pylist(), strict=True))
        rows = [{"sha256": s, "region": r, "error": "budget"} for s, r in pairs if (s, r) not in said]
        if rows:
            state.run.store.add(
                ask.key, pa.Table.from_pylist(rows, state.run.store.schema(inquiry.question.columns))
            )


def _reasons(state: State, planned: PlannedStep, rows: pa.Table) -> tuple[dict[str, int], list[str]]:
    """Why answers are missing, such as ``caption: refused``, with counts; and an example of each server's message."""
    found: Counter[str] = Counter()
    said: list[str] = []
    for ask in planned.asks:
        con = connect()
        con.register("current", rows)
        con.register("errors", state.run.store.errors(ask.key))
        counted = con.sql(
            "SELECT split_part(error, ':', 1) AS reason, count(*), min(error) FROM current "
            "JOIN errors USING (sha256, region) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        for reason, many, error in counted:
            found[f"{ask.measure}: {reason}"] = many
            if reason in OF_SERVERS and ": " in error:
                said.append(f"{ask.measure}: {reason}, for example: {error.partition(': ')[2]}")
    return dict(found.most_common()), said


def _facts(planned: PlannedStep, ledger: Ledger) -> dict[str, Any]:
    spent = ledger.spent
    return {
        "questions": [ask.key for ask in planned.asks],
        "columns": list(planned.brings),
        "calls": spent.calls,
        "unanswered": spent.unanswered,
        "tokens_in": spent.tokens_in,
        "tokens_out": spent.tokens_out,
        "cost": spent.cost if ledger.price.input is not None else None,
    }
