"""Check one mapping of a recipe against one model; pydantic's findings become plain words at the right place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError

from groundglass.errors import RecipeError
from groundglass.recipes.errors import LATER, Mark, choose, error_at, later, nearest, quoted
from groundglass.recipes.schema_in_words import advice, choices, in_words, without_null
from groundglass.recipes.yaml_nodes import Node, walk
from groundglass.settings.field_types import Member, Record

R = TypeVar("R", bound=Record)


@cache
def schema_of(model: type[Record]) -> dict[str, Any]:
    """A model's JSON schema; messages describe the expected value from it."""
    whole = model.model_json_schema(by_alias=True, mode="validation")
    return resolve(whole, whole) | {"$defs": whole.get("$defs", {})}


Strange = Callable[[str, Mark], RecipeError]
"""Makes the error for a key that a record does not have, at the key's place."""


def build(model: type[R], node: Node, mark: Mark, what: str) -> R:
    """The record that a mapping describes; ``what`` is the key above it, ``mark`` that key's place."""
    check_mapping(node, mark, what, schema_of(model)["properties"])
    return record_of(model, node, mark, what)


def check_mapping(node: Node, mark: Mark, what: str, keys: Iterable[str]) -> None:
    """Refuse anything but a mapping, words that this version does not support yet, and keys without a value."""
    if not isinstance(node.value, dict):
        said = (
            "has no value" if node.value is None else f"must be a mapping of keys, not {quoted(node.plain)}"
        )
        raise error_at(mark, f"`{what}` {said}", f"keys of `{what}`: {', '.join(sorted(keys))}")
    refuse_later(node, what)
    refuse_empty(node)


def record_of(
    model: type[R],
    node: Node,
    mark: Mark,
    what: str,
    ready: Mapping[str, Any] | None = None,
    strange: Strange | None = None,
) -> R:
    """The record that a mapping describes, after `check_mapping` let it pass.

    ``ready`` holds values of keys that are records already; ``strange`` makes the error for an unknown key.
    """
    try:
        # Strict: otherwise pydantic would silently turn a quoted number into a number.
        return model.model_validate(
            {**node.plain, **(ready or {})}, strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        findings = error.errors(include_url=False)
        said = [one for one in findings if one["type"] != "missing"]  # a missing key may be there, misspelt
        faults = [fault(model, finding, node, mark, what, strange) for finding in said or findings]
        raise min(faults, key=lambda found: (found[0].line, found[0].column))[1] from None


def refuse_later(node: Node, what: str) -> None:
    """Refuse words of the grammar that this version does not support yet at this place."""
    for key, value in node.value.items():
        if key in LATER.get(what, ()):
            raise later(key, node.keys[key])
        if isinstance(value.value, str) and value.value in LATER.get(key, ()) and what == "release":
            raise later(value.value, value.mark)


def refuse_empty(node: Node) -> None:
    """Refuse keys without a value, at any level."""
    inside = node.value.values() if isinstance(node.value, dict) else node.value
    for key, value in node.value.items() if isinstance(node.value, dict) else ():
        if value.value is None:
            raise error_at(node.keys[key], f"`{key}` has no value", "give it one, or delete the line")
    for value in inside:
        if isinstance(value.value, (dict, list)):
            refuse_empty(value)


def fault(
    model: type[Record], finding: Any, node: Node, mark: Mark, what: str, strange: Strange | None = None
) -> tuple[Mark, RecipeError]:
    """One of pydantic's findings as (place, error)."""
    path = list(walk(node, tuple(finding["loc"])))
    key = next((str(step[0]) for step in reversed(path) if isinstance(step[0], str)), what)
    if finding["type"] == "rule":
        return rule_fault(finding["ctx"], path[-1][2] if path else node, path[-1][1] if path else mark)
    keys = [step[0] for step in path]
    if finding["type"] == "extra_forbidden" and strange is not None and len(keys) == 1:
        return path[-1][1], strange(key, path[-1][1])
    if finding["type"] == "extra_forbidden":
        owner = next((str(name) for name in reversed(keys[:-1]) if isinstance(name, str)), what)
        return unknown_key(str(keys[-1]), path[-1][1], owner, schema_at(model, keys[:-1]))
    if finding["type"] == "missing":
        missing = str(finding["loc"][-1])
        about = schema_at(model, [*keys, missing]).get("description", "").partition(";")[0]
        said = f"`{key}` needs `{missing}`{f', {about}' if about else ''}"
        place = path[-1][1] if path else mark
        example = f", for example {model.example}" if issubclass(model, Member) and not path else ""
        return place, error_at(place, said, f"add `{missing}: …`{example}")
    value = path[-1][2] if path else node
    return wrong_value(key, value, schema_at(model, keys))


def rule_fault(context: Mapping[str, Any], node: Node, mark: Mark) -> tuple[Mark, RecipeError]:
    """The error of a record's own rule, which names the key at fault itself."""
    key, other, hint = str(context["key"]), context.get("other"), str(context["hint"])
    place = node.keys.get(key, mark)
    if other and not node.keys[other].line:
        place, other = node.keys[other], key
    if other and not place.line:
        hint = f"an empty value removes the other key: {place} {place.text[: place.column - 1]}{other}="
    return place, error_at(place, str(context["say"]), hint)


def unknown_key(key: str, mark: Mark, owner: str, schema: Mapping[str, Any]) -> tuple[Mark, RecipeError]:
    """The error for an unknown key, with the nearest one."""
    end, hint = choose(key, schema.get("properties", {}), f"keys of `{owner}`")
    return mark, error_at(mark, f"`{key}` is not a key of `{owner}`{end}", hint)


def wrong_value(key: str, node: Node, schema: Mapping[str, Any]) -> tuple[Mark, RecipeError]:
    """The error for a value of the wrong type or out of range."""
    value = node.plain
    if value == "" or (value in ([], ()) and "array" in _types(schema)):
        return node.mark, error_at(node.mark, f"`{key}` is empty", f"write {in_words(schema)}")
    words = choices(schema)
    if words and isinstance(value, str):
        close = nearest(value, words)
        end = f"; did you mean `{close}`?" if close else ""
        return node.mark, error_at(
            node.mark, f"`{key}` cannot be {quoted(value)}{end}", f"one of: {', '.join(words)}"
        )
    message = f"`{key}` must be {in_words(schema)}, not {quoted(value)}"
    return node.mark, error_at(node.mark, message, advice(key, value, schema))


def _types(schema: Mapping[str, Any]) -> set[str]:
    """The types that a value may have."""
    return {str(form.get("type")) for form in schema.get("anyOf", [schema])}


def schema_at(model: type[Record], keys: list[str | int]) -> dict[str, Any]:
    """The schema of the value under these keys."""
    whole = schema_of(model)
    found = whole
    for key in keys:
        found = resolve(whole, step_into(found, key))
    return found


def resolve(whole: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a schema with its reference followed and the possible null left out."""
    part = without_null(part)
    while "$ref" in part:
        part = without_null(whole["$defs"][str(part["$ref"]).rsplit("/", 1)[1]])
    return dict(part)


def step_into(schema: Mapping[str, Any], key: str | int) -> dict[str, Any]:
    """The schema one level down; of several possible forms, the one that has such a level."""
    for form in schema.get("anyOf", [schema]):
        if isinstance(key, int) and "items" in form:
            return form["items"]
        if isinstance(key, str) and key in form.get("properties", {}):
            return form["properties"][key]
        if isinstance(key, str) and isinstance(form.get("additionalProperties"), dict):
            return form["additionalProperties"]
    return {}
