"""A recipe as canonical YAML: every default written out, and equal again when loaded."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

from groundglass.recipes.families import written
from groundglass.recipes.hold_out_model import HoldOutStep
from groundglass.recipes.measure_model import MeasureStep, Prompts, ScoreTable
from groundglass.recipes.model import Recipe, Step
from groundglass.settings.field_types import Member, Record
from groundglass.settings.measure_request import MeasureRequest

WIDE = 1_000_000
"""Lines are never folded: with one value per line, two recipes are easy to compare."""


def recipe_text(recipe: Recipe) -> str:
    """The recipe as YAML, keys in the order of the grammar."""
    whole: dict[str, Any] = {"name": recipe.name, "seed": recipe.seed, "limits": _plain(recipe.limits)}
    if recipe.store is not None:
        whole["store"] = recipe.store
    whole["steps"] = [written_step(step) for step in recipe.steps]
    return yaml_text(whole)


def yaml_text(value: Any) -> str:
    """Plain values as YAML, keys in their order."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # pyright: ignore[reportAttributeAccessIssue]
    writer.width = WIDE
    writer.allow_unicode = True
    out = io.StringIO()
    writer.dump(value, out)
    return out.getvalue()


def written_step(step: Step) -> dict[str, Any]:
    """A step in the form that a recipe has, with only the keys that are set."""
    texts = {"if": step.only_if, "note": step.note}
    given = {key: text for key, text in texts.items() if text is not None}
    return {"name": step.name, **given, step.kind: written_body(step.body)}


def written_body(body: Record) -> Any:
    """The value of a step's kind as plain values, with only the keys that are set."""
    if isinstance(body, MeasureStep):
        return [_measure(measure) for measure in body.measures]
    if isinstance(body, HoldOutStep):
        return {name: _plain(split) for name, split in body.splits.items()}
    return _plain(body)


def _measure(measure: MeasureRequest | ScoreTable | Prompts) -> Any:
    if isinstance(measure, Prompts):
        return {"prompt": _plain(measure)}
    if isinstance(measure, ScoreTable):
        return _plain(measure)
    # A measure called "table" would read as a score table, and one that looks like a number as a number.
    return measure.written()


def _plain(record: Record) -> dict[str, Any]:
    """A record's keys under their names in a recipe; keys that are not set are left out."""
    found = _without_empty(record.model_dump(mode="json", by_alias=True, exclude_none=True))
    if not isinstance(record, Member):
        return found
    nested = {
        key: [_plain(inner) for inner in getattr(record, key)] for key in record.nested.keys() & found.keys()
    }
    return written(record, found | nested)


def _without_empty(value: Any) -> Any:
    """The value without keys that have an empty list, at any depth: `intersect` contains other rules."""
    if isinstance(value, dict):
        return {key: _without_empty(inner) for key, inner in value.items() if inner != []}
    return [_without_empty(inner) for inner in value] if isinstance(value, list) else value
