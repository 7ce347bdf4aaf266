"""Families: kinds of steps in which one key selects the action. Each such key has its own record in a catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundglass.catalog import Parameter
from groundglass.errors import RecipeError
from groundglass.recipes.errors import Mark, choose, error_at
from groundglass.recipes.validate import check_mapping, record_of, refuse_later, rule_fault, wrong_value
from groundglass.recipes.yaml_nodes import Node
from groundglass.releases.writers.catalog import FORMATS
from groundglass.selections.catalog import SELECTIONS
from groundglass.settings.field_types import Member
from groundglass.settings.key_rules import listed
from groundglass.sources.catalog import SOURCES
from groundglass.transforms.catalog import TRANSFORMS

FAMILIES: Mapping[str, Sequence[type[Member]]] = {
    "source": SOURCES,
    "select": SELECTIONS,
    "transform": TRANSFORMS,
    "release": FORMATS,
}
"""Families by their kind of step."""
VALUES = {"release": "format"}
"""Families in which the value of this key names the member; without the key, the first member is used."""


def member_from(kind: str, node: Node, mark: Mark, under: str = "") -> Member:
    """The member of a family that a mapping describes.

    ``under`` is the key above the mapping, if it is not the family's own, and ``mark`` the place to point at.
    """
    under = under or kind
    check_mapping(node, mark, under, fields_of(kind))
    refuse_later(node, kind)
    if kind in VALUES:
        member, name, place = _by_value(kind, node), kind, mark
    else:
        member, name = _by_key(kind, node, mark, under)
        place = node.keys[name]
    nested = {
        key: tuple(member_from(member.nested[key], item, item.mark, key) for item in value.value)
        for key, value in node.value.items()
        if key in member.nested and isinstance(value.value, list)
    }
    return record_of(
        member, node, place, name, nested, lambda key, at: _strange(kind, under, name, key, at, member)
    )


def _by_key(kind: str, node: Node, mark: Mark, under: str) -> tuple[type[Member], str]:
    """The member that a key names, and that key."""
    named = keys_of(kind)
    names = list(named)
    given = [key for key in names if key in node.value]
    if len({named[key] for key in given}) != 1:  # a misspelt key is a likelier cause, so it is reported first
        for key in node.value:
            if key not in fields_of(kind):
                raise _strange(kind, under, "", key, node.keys[key])
    if not given:
        raise error_at(mark, f"one of {listed(names)} is needed here", f"give one of {listed(names)}")
    for key in given[1:]:
        if named[key] is not named[given[0]]:
            said = {"say": f"`{given[0]}` and `{key}` cannot go together", "key": key, "other": given[0]}
            raise rule_fault(said | {"hint": "keep one of them; use one step for each"}, node, mark)[1]
    return named[given[0]], given[0]


def _by_value(kind: str, node: Node) -> type[Member]:
    """The member that the value of a key names."""
    key = VALUES[kind]
    if key not in node.value:
        return FAMILIES[kind][0]
    named = values_of(kind)
    said = node.value[key].plain
    if not isinstance(said, str) or said not in named:
        raise wrong_value(key, node.value[key], {"type": "string", "enum": list(named)})[1]
    return named[said]


def values_of(kind: str) -> dict[str, type[Member]]:
    """The members of a family by the value that names them."""
    return {values_name(kind, member): member for member in FAMILIES[kind]}


def keys_of(kind: str) -> dict[str, type[Member]]:
    """The members of a family by the keys that name them."""
    return {key: member for member in FAMILIES[kind] for key in member.keys}


def fields_of(kind: str) -> dict[str, list[type[Member]]]:
    """Every key of a family, and the members that have it."""
    found: dict[str, list[type[Member]]] = {}
    for member in FAMILIES[kind]:
        for name, field in member.model_fields.items():
            found.setdefault(field.alias or name, []).append(member)
    return found


def _strange(
    kind: str, under: str, name: str, key: str, mark: Mark, member: type[Member] | None = None
) -> RecipeError:
    """The error for a key that no member has, with the nearest one; or for a key that only other members have."""
    known = fields_of(kind)
    if key not in known:
        end, _ = choose(key, known)
        # All keys of all members would be too many to read.
        own = sorted(keys_of(kind)) if member is None else fields_in_order(member)
        hint = f"keys of `{name or under}`: {', '.join(own)}"
        return error_at(mark, f"`{key}` is not a key of `{under}`{end}", hint)
    owners = [member.keys[0] for member in known[key]]
    return error_at(mark, f"`{key}` has no meaning with `{name}`", f"`{key}` goes with {listed(owners)}")


def written(member: Member, plain: dict[str, Any]) -> dict[str, Any]:
    """A member's keys in the order in which a recipe writes them."""
    return {key: plain[key] for key in fields_in_order(type(member)) if key in plain}


def fields_in_order(member: type[Member]) -> list[str]:
    """A member's keys: first those that name it, then its own, and last those of its whole family."""
    own = [key for key in member.__annotations__ if key in member.model_fields]
    names = dict.fromkeys((*member.keys, *own, *member.model_fields))
    return [member.model_fields[name].alias or name for name in names]


def values_name(kind: str, member: type[Member]) -> str:
    """The value that names a member, in a family whose members are named by a value; "" in others."""
    return str(member.model_fields[VALUES[kind]].default) if kind in VALUES else ""


@dataclass(frozen=True)
class Entry:
    """A member in the form that catalogs print: a key that names it, and its settings."""

    name: str
    summary: str
    parameters: Mapping[str, Parameter]
    reference: str


def entries(kind: str) -> dict[str, Entry]:
    """The members of a family in the form that catalogs print."""
    named = values_of(kind) if kind in VALUES else keys_of(kind)
    return {name: _entry(name, member) for name, member in named.items()}


def _entry(name: str, member: type[Member]) -> Entry:
    parameters = {
        field.alias or key: Parameter(None if field.is_required() else field.default, field.description or "")
        for key, field in member.model_fields.items()
        if key not in member.keys or len(member.keys) == 1
    }
    return Entry(name, member.summary(), parameters, member.reference)
