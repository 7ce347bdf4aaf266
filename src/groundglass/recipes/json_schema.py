"""The grammar of recipes as a JSON schema, for editors that complete and check while you type.

The first line ``# yaml-language-server: $schema=recipe.schema.json`` in a recipe switches it on.
The schema checks types, ranges and which keys exclude each other; `load` checks more (names, order, columns).
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from groundglass.recipes.annotate_model import MODELS
from groundglass.recipes.families import FAMILIES
from groundglass.recipes.hold_out_model import HOLD_OUTS, HoldOutStep, NextBest
from groundglass.recipes.measure_model import MeasureStep, Prompts, ScoreTable
from groundglass.recipes.model import BODIES, RecipeHead, StepHead
from groundglass.recipes.schema_in_words import without_null
from groundglass.settings.field_types import NAME, Record
from groundglass.settings.measure_request import MeasureRequest

Schema = dict[str, Any]

SUMMARIES: dict[str, str] = {
    "extends": "a parent: a path from this file's folder, or a shipped recipe; its steps of the same name are replaced",
    "profiles": "for each profile, the steps that it replaces, by name (--profile NAME)",
}
_EXCLUSIVE: dict[str, tuple[str, ...]] = {
    "NextBest": HOLD_OUTS,
    "Multimodal": MODELS,
}
_REPLACED = (MeasureStep, HoldOutStep, MeasureRequest)
"""Records that a recipe writes in another form than their fields."""


def json_schema() -> Schema:
    """The schema (draft 2020-12) of a recipe as users write it."""
    head = _definitions()["RecipeHead"]["properties"]
    own = {key: head[key] for key in ("name", "seed", "limits", "store")}
    profiles = _mapping(_mapping({"$ref": "#/$defs/step"}), SUMMARIES["profiles"])
    steps = {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/$defs/step"},
        "description": "the steps, in this order",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "groundglass recipe",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **own,
            "extends": {"type": "string", "description": SUMMARIES["extends"]},
            "profiles": profiles,
            "steps": steps,
        },
        "anyOf": [{"required": ["name", "steps"]}, {"required": ["extends"]}],
        "$defs": {
            "step": _step(),
            "measures": _measures(),
            "measure": _measure(),
            "hold_out": _mapping({"$ref": "#/$defs/NextBest"}, HoldOutStep.__doc__ or "", NAME),
            **{kind: _family(kind) for kind in FAMILIES},
            **{name: part for name, part in _definitions().items() if name not in ("RecipeHead", "StepHead")},
        },
    }


def _definitions() -> dict[str, Schema]:
    """The records' own schemas: no nulls, no titles, and the keys that exclude each other."""
    models: list[type[Record]] = [RecipeHead, StepHead, ScoreTable, Prompts, NextBest]
    models += [model for kind, model in BODIES.items() if kind not in FAMILIES and model not in _REPLACED]
    members = [member for family in FAMILIES.values() for member in family]
    wanted = [(model, "validation") for model in (*models, *members)]
    _, whole = models_json_schema(wanted, by_alias=True)  # pyright: ignore[reportArgumentType]
    parts = {name: _tidy(part) for name, part in whole["$defs"].items()}
    for name, words in _EXCLUSIVE.items():
        parts[name]["oneOf"] = [{"required": [word]} for word in words]
    parts["Table"]["oneOf"] = [{"required": ["path"]}, {"required": ["bytes"]}]
    for member in members:
        for key, family in member.nested.items():
            parts[member.__name__]["properties"][key]["items"] = {"$ref": f"#/$defs/{family}"}
        if len(member.keys) > 1:
            parts[member.__name__]["anyOf"] = [{"required": [key]} for key in member.keys]
    return parts


def _family(kind: str) -> Schema:
    """The schema of a family: exactly one member."""
    members = [{"$ref": f"#/$defs/{member.__name__}"} for member in FAMILIES[kind]]
    return {"description": (BODIES[kind].__doc__ or "").strip().partition("\n")[0], "oneOf": members}


def _tidy(part: Any) -> Any:
    """A schema without pydantic's titles, nulls and empty defaults, which do not help the author of a recipe."""
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if key not in ("title", "anyOf")}
    if kept.get("default", 0) in (None, []):
        del kept["default"]
    if "anyOf" in part:
        kept |= without_null({"anyOf": part["anyOf"]})
    properties = {name: _tidy(value) for name, value in kept.get("properties", {}).items()}
    rest = {key: _tidy(value) for key, value in kept.items() if key not in ("properties", "default")}
    again = {key: kept[key] for key in ("default",) if key in kept}
    return rest | again | ({"properties": properties} if properties else {})


def _step() -> Schema:
    head = _definitions()["StepHead"]["properties"]
    bodies = {kind: {"$ref": f"#/$defs/{model.__name__}"} for kind, model in BODIES.items()}
    bodies |= {kind: {"$ref": f"#/$defs/{kind}"} for kind in ("hold_out", *FAMILIES)}
    bodies["measure"] = {"$ref": "#/$defs/measures"}
    return {
        "type": "object",
        "description": "one step: exactly one kind, and optionally name, if and note",
        "additionalProperties": False,
        "properties": {**bodies, **head},
        "oneOf": [{"required": [kind]} for kind in BODIES],
    }


def _measure() -> Schema:
    settings = {
        "type": ["object", "null"],
        "properties": {"as": {"type": "string", "description": "a prefix for the names of its columns"}},
        "additionalProperties": {
            "type": ["number", "string", "boolean", "null", "array"],
            "minItems": 1,
            "items": {"type": "string"},
        },
    }
    named = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "not": {"anyOf": [{"required": ["table"]}, {"required": ["prompt"]}]},
        "additionalProperties": settings,
    }
    prompts = {
        "type": "object",
        "required": ["prompt"],
        "additionalProperties": False,
        "properties": {"prompt": {"$ref": "#/$defs/Prompts"}},
    }
    return {
        "description": MeasureRequest.__doc__,
        "anyOf": [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/ScoreTable"}, prompts, named],
    }


def _measures() -> Schema:
    item = {"$ref": "#/$defs/measure"}
    return {
        "description": MeasureStep.__doc__,
        "anyOf": [item, {"type": "array", "minItems": 1, "items": item}],
    }


def _mapping(values: Schema, description: str = "", names: str = "") -> Schema:
    said: Schema = {"type": "object", "additionalProperties": values}
    if names:
        said |= {"propertyNames": {"pattern": names}, "minProperties": 1}
    return said | ({"description": description} if description else {})
