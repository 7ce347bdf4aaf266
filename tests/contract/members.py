"""What contract tests of families share: a member as its example writes it, and other settings that it takes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from pydantic import ValidationError

from groundglass.recipes.load import load_text
from groundglass.recipes.validate import schema_of
from groundglass.settings.field_types import Member

SOURCE = "name: example\nsteps:\n  - source: {folder: photos}\n"


def written(kind: str, text: str) -> Member:
    """The member that a recipe means by such a step."""
    recipe = load_text(f"{SOURCE}  - {kind}: {text}\n", "example.yaml").recipe
    body = recipe.steps[-1].body
    assert isinstance(body, Member)
    return body


def members_like(member: type[Member]) -> st.SearchStrategy[Member]:
    """Any settings that a member takes, of which all are numbers, words to choose from, or lists of these."""
    schema = schema_of(member)
    needed = set(schema.get("required", ()))
    values = {name: _values(part, schema["$defs"]) for name, part in schema["properties"].items()}
    given = st.fixed_dictionaries(
        {name: some for name, some in values.items() if name in needed},
        optional={name: some for name, some in values.items() if name not in needed},
    )
    return given.map(lambda values: _made(member, values)).filter(lambda made: made is not None)


def _made(member: type[Member], values: dict[str, Any]) -> Any:
    """None where two settings do not fit each other."""
    try:
        return member.model_validate(values)
    except ValidationError:
        return None


def _values(part: dict[str, Any], defs: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in part:
        return _values(defs[part["$ref"].rsplit("/", 1)[1]], defs)
    if "anyOf" in part:
        return st.one_of(*(_values(one, defs) for one in part["anyOf"] if one.get("type") != "null"))
    if "const" in part or "enum" in part:
        return st.sampled_from(part.get("enum", [part.get("const")]))
    least = part.get("minimum", part.get("exclusiveMinimum", 0))
    match part["type"]:
        case "integer":
            return st.integers(max(1, least), int(part.get("maximum", 160)))
        case "number":
            least = max(0.05, least)
            return st.floats(
                least,
                part.get("maximum", part.get("exclusiveMaximum", 1)),
                exclude_max="exclusiveMaximum" in part,
            )
        case "array":
            return st.lists(_values(part["items"], defs), min_size=1, max_size=4).map(tuple)
        case "boolean":
            return st.booleans()
        case kind:
            raise NotImplementedError(f"no values of type {kind} are made up here")
