"""What finding duplicates needs: the measures, and their columns."""

from __future__ import annotations

from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.recipes.select_model import SelectStep
from groundglass.tables.columns import Column, Scope, measured_columns


def copies_asks(body: SelectStep) -> tuple[Ask, ...]:
    """What `deduplicate` must have measured: what copies are found by, and what tells the original without `by`."""
    found = {"near": (fingerprint_ask(),), "pixels": (ask_of(MEASURES["pixels"], {}),)}
    originals = {"near": ("header", "sharpness"), "pixels": ("header",)}
    mode = body.deduplicate or ""
    names = originals.get(mode, ()) if body.by is None else ()
    return (*found.get(mode, ()), *(ask_of(MEASURES[name], {}) for name in names))


def fingerprint_ask() -> Ask:
    """What near-duplicates are found by."""
    return ask_of(MEASURES["fingerprint"], {})


def with_copies(scope: Scope, body: SelectStep) -> Scope:
    """The scope with what `deduplicate` finds copies by, and tells originals by, whether or not the recipe names it."""
    new = [
        column
        for ask in copies_asks(body)
        for column in measured_columns(ask.definition, ask.key, "", ask.definition.name, scope.generation)
        if column.name not in scope.own()
    ]
    return scope.with_columns(new)


def fingerprint_columns(generation: int) -> list[Column]:
    """The hashes as columns, for steps that need them unasked."""
    ask = fingerprint_ask()
    return measured_columns(MEASURES["fingerprint"], ask.key, "", "fingerprint", generation)
