"""A JSON schema in plain words: the values that are valid here, for error messages and the reference page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundglass.settings.field_types import NAME, PERCENT, RECIPE_NAME

Schema = Mapping[str, Any]

PATTERNS: dict[str, str] = {
    PERCENT: "a percentage such as 20%",
    NAME: "a name of letters, digits, - and _ that begins with a letter",
    RECIPE_NAME: "a name of letters, digits, -, _ and . without spaces or slashes",
}

PLAIN: dict[str, str] = {"string": "a text", "boolean": "true or false", "object": "a mapping of keys"}

ADVICE: dict[str, str] = {
    "integer": "write a whole number, without quotes or a unit",
    "number": "write a number, without quotes or a unit",
    "boolean": "write true or false",
    "array": "write a list such as [a, b]",
    "object": "write its keys as {key: value}",
}


SCALES = "1 is the full size of the image, 0.5 half of it; images are never upscaled"
FITTING: dict[str, str] = {
    "multiscale": SCALES,
    "shortest_edge": "write the px of the shorter side, such as 512",
}
"""Advice for a number that is out of range, for keys whose range alone does not explain enough."""


def without_null(schema: Schema) -> dict[str, Any]:
    """The schema of a value that is given: without the null of an optional one.

    >>> without_null({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None})
    {'type': 'integer'}
    """
    forms = [form for form in schema.get("anyOf", ()) if form.get("type") != "null"]
    if not forms:
        return dict(schema)
    flat = [inner for form in forms for inner in form.get("anyOf", [form])]
    return dict(flat[0]) if len(flat) == 1 else {"anyOf": flat}


def choices(schema: Schema) -> list[str]:
    """The words of which one must be chosen; none if other values are valid too."""
    found = without_null(schema)
    words = found.get("enum", [found["const"]] if "const" in found else [])
    return [str(word).lower() if isinstance(word, bool) else str(word) for word in words]


def in_words(schema: Schema) -> str:
    """The values that are valid here.

    >>> in_words({"type": "integer", "exclusiveMinimum": 0})
    'a whole number of 1 or more'
    >>> in_words({"type": "number", "minimum": 0, "maximum": 1})
    'a number from 0 to 1'
    >>> in_words({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
    'a text or a list of texts'
    """
    found = without_null(schema)
    if "anyOf" in found:
        return " or ".join(dict.fromkeys(in_words(form) for form in found["anyOf"]))
    if words := choices(found):
        return _either([f"`{word}`" for word in words])
    if found.get("pattern") in PATTERNS:
        return PATTERNS[found["pattern"]]
    kind = found.get("type", "object")
    if kind in ("integer", "number"):
        return _number(found, kind)
    return f"a list of {_several(found.get('items', {}))}" if kind == "array" else PLAIN[kind]


def _number(schema: Schema, kind: str) -> str:
    name = "a whole number" if kind == "integer" else "a number"
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if kind == "integer" and above is not None:
        low, above = above + 1, None
    if low is not None and low == high:
        return f"{low:g}"
    if low is not None:
        return f"{name} of {low:g} or more" if high is None else f"{name} from {low:g} to {high:g}"
    if above is not None:
        top = (
            f", at most {high:g}"
            if high is not None
            else f" and below {below:g}"
            if below is not None
            else ""
        )
        return f"{name} above {above:g}{top}"
    return name


def _several(schema: Schema) -> str:
    """The values of a list, in the plural."""
    kind = without_null(schema).get("type", "object")
    if kind in ("integer", "number"):
        return in_words(schema).replace("a whole number", "whole numbers").replace("a number", "numbers")
    return {"string": "texts", "object": "mappings"}.get(kind, "values")


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def advice(key: str, value: object, schema: Schema) -> str:
    """Advice for a value of the wrong type or size."""
    found = without_null(schema)
    forms = found.get("anyOf", [found])
    kinds = [str(form.get("type", "object")) for form in forms]
    if any(form.get("pattern") == PERCENT for form in forms):
        return _as_count(value) if "integer" in kinds else _as_percent(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and {"integer", "number"} & set(kinds):
        return FITTING.get(key) or f"write {in_words(found)}"
    if (
        "string" in kinds
        and isinstance(value, (bool, int, float))
        and found.get("pattern") is None
        and "number" not in kinds
    ):
        text = str(value).lower() if isinstance(value, bool) else str(value)[:40]
        return f'put it in quotes: `{key}: "{text}"`'
    if words := choices(found):
        return f"one of: {', '.join(words)}"
    if kinds[0] == "string":
        return f"write {in_words(found)}"
    return ADVICE[kinds[0]]


def _as_percent(value: object) -> str:
    """Advice for a share.

    >>> _as_percent(20), _as_percent("150%")
    ('for 20 % write 20% or 0.2', 'write a percentage such as 20%, or a number such as 0.2')
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 1 < value <= 100:
        return f"for {value:g} % write {value:g}% or {value / 100:g}"
    return "write a percentage such as 20%, or a number such as 0.2"


def _as_count(value: object) -> str:
    """Advice for a share or a count.

    >>> _as_count("2000"), _as_count(1.5)
    ('for 2000 images write 2000, without quotes', 'write a share such as 20% or 0.2, or a count such as 2000')
    """
    if isinstance(value, str) and value.strip().isdecimal():
        return f"for {value.strip()} images write {value.strip()}, without quotes"
    return "write a share such as 20% or 0.2, or a count such as 2000"
