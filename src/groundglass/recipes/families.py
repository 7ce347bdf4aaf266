"""Families: steps in which one key says what they do. Each such key is a record of its own in the family's catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundglass.catalog import Parameter
from groundglass.errors import RecipeError
from groundglass.recipes.errors import Mark, choose, error_at, quoted
from groundglass.recipes.validate import build, refuse_empty, refuse_later
from groundglass.recipes.yaml_nodes import Node
from groundglass.selections.catalog import SELECTIONS
from groundglass.settings.field_types import Member
from groundglass.settings.key_rules import listed
from groundglass.sources.catalog import SOURCES
from groundglass.transforms.catalog import TRANSFORMS

FAMILIES: Mapping[str, Sequence[type[Member]]] = {
    "source": SOURCES,
    "select": SELECTIONS,
    "transform": TRANSFORMS,
}
"""Families by the kind of step that names a member of them."""
NESTED = {"intersect": "select"}
"""Keys that hold a list of members, and of which family."""


def member_from(kind: str, node: Node, mark: Mark, under: str = "") -> Member:
    """The member of a family that a mapping means.

    ``under`` is the key that it stands under, where that is not the family's own, and ``mark`` the place to point at.
    """
    under = under or kind
    named = keys_of(kind)
    names = list(named)
    if not isinstance(node.value, dict):
        said = (
            "has no value" if node.value is None else f"must be a mapping of keys, not {quoted(node.plain)}"
        )
        raise error_at(mark, f"`{under}` {said}", f"keys of `{under}`: {', '.join(sorted(fields_of(kind)))}")
    refuse_later(node, kind)
    refuse_empty(node)
    _refuse_unknown(kind, node, under)
    given = [key for key in named if key in node.value]
    if not given:
        raise error_at(mark, f"one of {listed(names)} is needed here", f"give one of {listed(names)}")
    member = named[given[0]]
    for key in given[1:]:
        if named[key] is not member:
            raise _two(given[0], key, node)
    _refuse_strange(kind, member, given[0], node)
    nested = {
        key: tuple(member_from(NESTED[key], item, item.mark, key) for item in value.value)
        for key, value in node.value.items()
        if key in NESTED and isinstance(value.value, list)
    }
    return build(member, node, node.keys[given[0]], given[0], nested)


def keys_of(kind: str) -> dict[str, type[Member]]:
    """The members of a family by the keys that name them."""
    return {key: member for member in FAMILIES[kind] for key in member.keys}


def fields_of(kind: str) -> dict[str, list[type[Member]]]:
    """Every key of a family, and the members that know it."""
    found: dict[str, list[type[Member]]] = {}
    for member in FAMILIES[kind]:
        for name, field in member.model_fields.items():
            found.setdefault(field.alias or name, []).append(member)
    return found


def _refuse_unknown(kind: str, node: Node, under: str) -> None:
    """A key that no member has, and the one that is meant."""
    known = fields_of(kind)
    for key in node.value:
        if key not in known:
            end, hint = choose(key, known, f"keys of `{under}`")
            raise error_at(node.keys[key], f"`{key}` is no key of `{under}`{end}", hint)


def _two(first: str, second: str, node: Node) -> RecipeError:
    """Two members in one step."""
    message = f"`{first}` and `{second}` cannot go together"
    place, other = node.keys[second], first
    if not node.keys[first].line:
        place, other = node.keys[first], second
    hint = "keep one of them; use one step for each"
    if not place.line:
        hint = f"an empty value removes the other key: {place} {place.text[: place.column - 1]}{other}="
    return error_at(place, message, hint)


def _refuse_strange(kind: str, member: type[Member], name: str, node: Node) -> None:
    """A setting that the member does not take."""
    own = {field.alias or key for key, field in member.model_fields.items()}
    for key in node.value:
        if key not in own:
            owners = [other.keys[0] for other in fields_of(kind)[key]]
            message = f"`{key}` has no meaning with `{name}`"
            raise error_at(node.keys[key], message, f"`{key}` goes with {listed(owners)}")


def written(member: Member, plain: dict[str, Any]) -> dict[str, Any]:
    """A member's keys as a recipe writes them: the one that names it first, and those of its whole family last."""
    own = [key for key in type(member).__annotations__ if key in plain]
    return {key: plain[key] for key in (*member.keys, *own, *plain) if key in plain}


@dataclass(frozen=True)
class Entry:
    """A member as catalogs print it: under a key that names it, with the settings that go with it."""

    name: str
    summary: str
    parameters: Mapping[str, Parameter]
    reference: str


def entries(kind: str) -> dict[str, Entry]:
    """The members of a family as catalogs print them."""
    return {key: _entry(key, member) for key, member in keys_of(kind).items()}


def _entry(name: str, member: type[Member]) -> Entry:
    parameters = {
        field.alias or key: Parameter(None if field.is_required() else field.default, field.description or "")
        for key, field in member.model_fields.items()
        if key not in member.keys or len(member.keys) == 1
    }
    return Entry(name, member.summary(), parameters, member.reference)
