"""The conditions of an expression: what is compared with which constants, and where it stands in the text."""

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
    """One of the conditions that are joined by AND at the top of an expression.

    text      as the user wrote it
    sql       the same, written out again for the flat table (columns named "root.hyperiqa")
    columns   the column paths it uses
    subject   SQL of the side that is compared with constants; "" where the atom is no comparison
    subject_text  the same in the user's words
    operator  <, <=, >, >=, =, !=, between, in; "" where the atom is no comparison
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
        """Whether it compares with numbers in a way that has a distance."""
        ordered = self.operator in ("<", "<=", ">", ">=", "between")
        return ordered and all(isinstance(x, int | float) and not isinstance(x, bool) for x in self.limits)


def atom(text: str, node: Node) -> Atom:
    """The condition that a node of the text's tree is."""
    columns = tuple(dict.fromkeys(tuple(n["column_names"]) for n in walk(node) if n["class"] == "COLUMN_REF"))
    subject, sign, limits = _comparison(node)
    if subject is None:
        return Atom(_slice(text, node), to_sql(node), columns)
    words = _slice(text, subject)
    return Atom(_slice(text, node), to_sql(node), columns, to_sql(subject), words, sign, limits)


def _comparison(node: Node) -> tuple[Node | None, str, tuple[Constant, ...]]:
    """What is compared, how, and with which constants: (None, "", ()) where it is no such comparison."""
    if node["class"] == "COMPARISON" and (sign := COMPARISONS[node["type"]]) in _FLIPPED:
        left, right = node["left"], node["right"]
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
    """The value of a constant or of a sum of constants (3840 * 2160); None where there is none."""
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
    """First byte and the byte after the last of a node in DuckDB's text."""
    places = [
        (n["query_location"], n["query_location"] + n["query_location_length"])
        for n in walk(node)
        if n["query_location"] != NOWHERE
    ]
    return min((a for a, _ in places), default=0), max((b for _, b in places), default=0)


def characters(text: str, place: int) -> int:
    """DuckDB counts bytes of the whole statement; people count characters of their expression."""
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
