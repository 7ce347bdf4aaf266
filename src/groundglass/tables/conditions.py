"""The conditions of an expression: the compared value, the constants, and the position in the text."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from groundglass.tables.sql_writer import COMPARISONS, NOWHERE, Node, constant, literal, to_sql, walk

Path = tuple[str, ...]
Constant = float | int | str | bool | None
PREFIX = "SELECT "
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_SUMS: dict[str, Callable[[Any, Any], Constant]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_STRING = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


@dataclass(frozen=True)
class Atom:
    """One of the conditions that AND joins at the top level of an expression.

    text      in the user's spelling
    sql       the same, rewritten for the flat table (columns named "root.hyperiqa")
    columns   the paths of its columns
    subject   SQL of the side that is compared with constants; "" if the atom is not a comparison
    subject_text  the same in the user's words
    operator  <, <=, >, >=, =, !=, between, in; "" if the atom is not a comparison
    limits    the constant, (low, high) of `between`, or the values of `in`
    """

    text: str
    sql: str
    columns: tuple[Path, ...]
    subject: str = ""
    subject_text: str = ""
    operator: str = ""
    limits: tuple[Constant, ...] = ()

    @property
    def has_threshold(self) -> bool:
        """Whether it compares with numbers by an order, so that a value has a distance to the limit."""
        ordered = self.operator in ("<", "<=", ">", ">=", "between")
        return ordered and all(isinstance(x, int | float) and not isinstance(x, bool) for x in self.limits)


def atom(text: str, node: Node) -> Atom:
    """The condition of a node in the text's syntax tree."""
    columns = tuple(dict.fromkeys(tuple(n["column_names"]) for n in walk(node) if n["class"] == "COLUMN_REF"))
    subject, sign, limits = _comparison(node)
    if subject is None:
        return Atom(_slice(text, node), to_sql(node), columns)
    words = _slice(text, subject)
    return Atom(_slice(text, node), to_sql(node), columns, to_sql(subject), words, sign, limits)


def _comparison(node: Node) -> tuple[Node | None, str, tuple[Constant, ...]]:
    """The compared side, the operator and the constants: (None, "", ()) if it is not a comparison with constants."""
    if node["class"] == "COMPARISON" and (sign := COMPARISONS[node["type"]]) in _FLIPPED:
        left, right = node["left"], node["right"]
        # `30 > blockiness` is turned around, so that the column is always the subject.
        if _value(left) is not None:
            left, right, sign = right, left, _FLIPPED[sign]
        subject, others = left, [right]
    elif node["class"] == "BETWEEN":
        subject, sign, others = node["input"], "between", [node["lower"], node["upper"]]
    elif node["type"] == "COMPARE_IN":
        subject, sign, others = node["children"][0], "in", node["children"][1:]
    else:
        return None, "", ()
    limits = tuple(map(_value, others))
    return (subject, sign, limits) if _value(subject) is None and None not in limits else (None, "", ())


def _value(node: Node) -> Constant:
    """The value of a constant or of arithmetic on constants (3840 * 2160); None if there is none."""
    if node["class"] == "CONSTANT":
        return constant(node)
    if node["class"] != "FUNCTION" or node["function_name"] not in _SUMS:
        return None
    parts = [_value(argument["expression"]) for argument in node["arguments"]]
    if len(parts) != 2 or not all(isinstance(part, int | float) for part in parts) or parts[1] == 0:
        return None
    return _SUMS[node["function_name"]](parts[0], parts[1])


def compared_constants(text: str, node: Node) -> tuple[tuple[Path, str, str, int], ...]:
    """Every constant that a column is compared with: the column's path, "text" or "number", SQL, offset."""
    found: list[tuple[Path, str, str, int]] = []
    for part in walk(node):
        subject, _, limits = _comparison(part)
        if subject is not None and subject["class"] == "COLUMN_REF":
            kinds = (
                ("text" if isinstance(x, str) else "number", literal(x))
                for x in limits
                if not isinstance(x, bool)
            )
            found += [
                (tuple(subject["column_names"]), kind, words, start(text, part)) for kind, words in kinds
            ]
    return tuple(found)


def _span(node: Node) -> tuple[int, int]:
    """The first byte of a node in DuckDB's text, and the byte after its last."""
    places = [
        (n["query_location"], n["query_location"] + n["query_location_length"])
        for n in walk(node)
        if n["query_location"] != NOWHERE
    ]
    return min((a for a, _ in places), default=0), max((b for _, b in places), default=0)


def characters(text: str, place: int) -> int:
    """A position in characters of the user's text. DuckDB counts bytes of the whole statement."""
    return len(text.encode()[: max(0, place - len(PREFIX))].decode(errors="ignore"))


def start(text: str, node: Node) -> int:
    """The offset of a node in the user's text, in characters."""
    return characters(text, _span(node)[0])


def _slice(text: str, node: Node) -> str:
    """The user's own words for a node, grown until its parentheses are balanced."""
    start, end = (characters(text, place) for place in _span(node))
    blank = _STRING.sub(lambda found: " " * len(found[0]), text)
    while blank.count(")", start, end) > blank.count("(", start, end) and start > 0:
        start = blank.rfind("(", 0, start) if "(" in blank[:start] else 0
    while blank.count("(", start, end) > blank.count(")", start, end) and end < len(text):
        end = blank.find(")", end) + 1 or len(text)
    return text[start:end]
