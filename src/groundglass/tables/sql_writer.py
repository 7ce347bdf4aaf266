"""The scalar SQL that a recipe may use, written again from its syntax tree.

DuckDB parses the user's text into a tree (`json_serialize_sql`); this module walks the tree and writes new
SQL from the parts on its lists. Only this new text ever runs, so nothing that is missing from the lists below
can run: no subquery, no file, no clock, no random numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from groundglass.errors import RecipeError
from groundglass.tables.parquet import connect
from groundglass.tables.quoting import quoted, quoted_text
from groundglass.text.suggest import nearest

Node = dict[str, Any]
NOWHERE = 18446744073709551615
"""DuckDB's position of a node that it created itself."""
DEEPEST = 100

OPERATORS = {"+", "-", "*", "/", "//", "%", "**", "^", "||"}
PATTERNS = {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE", "~~~": "GLOB"}
FUNCTIONS = frozenset(
    """abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log2 log10 pow power mod greatest least
    sin cos tan asin acos atan atan2 radians degrees pi fmod isfinite isinf
    lower upper length strlen contains starts_with ends_with prefix suffix regexp_matches regexp_full_match
    trim ltrim rtrim replace substring substr left right strip_accents position strpos instr split_part concat
    levenshtein jaccard jaro_winkler_similarity nullif if year month day""".split()  # noqa: SIM905
)
"""Every function that a recipe's expression may call: each gives one value from its arguments alone."""
CALLABLE = "it may use one row's columns, no file and no clock: call abs, round, greatest, lower, contains or the like"
_MAY_BE_NAN = frozenset("/ % ** ^ mod fmod pow power sqrt ln log log2 log10 asin acos sin cos tan".split())  # noqa: SIM905
"""Functions that can give not-a-number from numbers (the root of -1). DuckDB ranks NaN above all; here it is null."""
TYPES = frozenset({"VARCHAR", "TEXT", "INTEGER", "BIGINT", "DOUBLE", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP"})
COMPARISONS = {
    "COMPARE_EQUAL": "=",
    "COMPARE_NOTEQUAL": "!=",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_DISTINCT_FROM": "IS DISTINCT FROM",
    "COMPARE_NOT_DISTINCT_FROM": "IS NOT DISTINCT FROM",
}
_REFUSED = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "LAMBDA": "a lambda",
    "PARAMETER": "a placeholder",
    "POSITIONAL_REFERENCE": "a column number",
    "DEFAULT": "DEFAULT",
    "COLLATE": "a collation",
}


class ExpressionError(RecipeError):
    """An expression cannot be used. ``offset`` is the place of the error in its text, in characters from 0, or None.

    >>> ExpressionError("no such column 'blokiness'", "did you mean 'blockiness'?", 4).offset
    4
    """

    def __init__(self, message: str, hint: str = "", offset: int | None = None) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, offset)
        self.offset = offset


class NodeError(Exception):
    """A node that may not be used; `groundglass.tables.expressions` adds its position in the text."""

    def __init__(self, node: Node, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.node, self.message, self.hint = node, message, hint


def suggestion(word: str, words: Iterable[str]) -> str:
    """A hint that names the nearest valid word, or "".

    >>> suggestion("blokiness", ["blockiness", "sharpness"])
    "did you mean 'blockiness'?"
    """
    found = nearest(word, words)
    return f"did you mean '{found}'?" if found else ""


def children(node: Node) -> Iterator[Node]:
    """The expressions directly below a node."""
    for key, value in node.items():
        if key == "arguments":
            yield from (argument["expression"] for argument in value)
        elif key == "case_checks":
            yield from (part for check in value for part in (check["when_expr"], check["then_expr"]))
        elif isinstance(value, dict) and "class" in value:
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, dict) and "class" in item)


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def to_sql(node: Node, depth: int = 0) -> str:
    """New SQL text of a node. Raises NodeError if it contains anything that is not allowed."""
    if depth > DEEPEST:
        raise NodeError(node, "the expression is nested too deeply", "split it over several select steps")
    writer = _WRITERS.get(node["class"])
    if writer is None:
        what = _REFUSED.get(node["class"], f"'{node['class'].lower()}'")
        raise NodeError(node, f"an expression may not contain {what}", "it sees one row's own columns")
    return writer(node, lambda child: to_sql(child, depth + 1))


Write = Callable[[Node], str]


def _column(node: Node, _: Write) -> str:
    return quoted(tuple(node["column_names"]))


def constant(node: Node) -> float | int | str | bool | None:
    """The value of a CONSTANT node.

    >>> constant({"literal": {"kind": "NUMERIC", "text": "2e1"}})
    20.0
    """
    kind, text = node["literal"]["kind"], node["literal"].get("text", "")
    values: dict[str, Callable[[str], Any]] = {
        "INTEGER": int,
        "NUMERIC": lambda number: float(number.replace("_", "")),
        "STRING": str,
        "BOOLEAN": lambda word: word == "true",
        "NULL_LITERAL": lambda _: None,
    }
    if kind not in values:
        raise NodeError(node, f"an expression may not contain a constant of kind {kind.lower()}")
    return values[kind](text)


def literal(value: float | int | str | bool | None) -> str:
    """A value as SQL. Numbers with a point or an exponent are doubles, as measures are, never decimals.

    >>> literal(0.2), literal(30), literal("it's"), literal(None)
    ('0.2e0', '30', "'it''s'", 'NULL')
    """
    if value is None or isinstance(value, bool):
        return {None: "NULL", True: "TRUE", False: "FALSE"}[value]
    if isinstance(value, str):
        return quoted_text(value)
    if isinstance(value, int):
        return str(value)
    return (
        re.sub(r"^(-?[\d.]+)$", r"\1e0", repr(value))
        if abs(value) < float("inf")
        else f"{quoted_text(str(value))}::DOUBLE"
    )


def _constant(node: Node, _: Write) -> str:
    return literal(constant(node))


def _comparison(node: Node, write: Write) -> str:
    return f"({write(node['left'])} {COMPARISONS[node['type']]} {write(node['right'])})"


def _conjunction(node: Node, write: Write) -> str:
    word = " AND " if node["type"] == "CONJUNCTION_AND" else " OR "
    return "(" + word.join(map(write, node["children"])) + ")"


def _between(node: Node, write: Write) -> str:
    return f"({write(node['input'])} BETWEEN {write(node['lower'])} AND {write(node['upper'])})"


def _operator(node: Node, write: Write) -> str:
    first, *rest = (write(child) for child in node["children"])
    forms = {
        "OPERATOR_NOT": f"(NOT {first})",
        "OPERATOR_IS_NULL": f"({first} IS NULL)",
        "OPERATOR_IS_NOT_NULL": f"({first} IS NOT NULL)",
        "COMPARE_IN": f"({first} IN ({', '.join(rest)}))",
        "COMPARE_NOT_IN": f"({first} NOT IN ({', '.join(rest)}))",
        "OPERATOR_COALESCE": f"COALESCE({', '.join([first, *rest])})",
        "OPERATOR_TRY": f"TRY({first})",
    }
    if node["type"] not in forms:
        raise NodeError(
            node, "an expression may not index a list or a struct", "write parent.x, root.x or meta.x"
        )
    return forms[node["type"]]


def _case(node: Node, write: Write) -> str:
    parts = [f"WHEN {write(c['when_expr'])} THEN {write(c['then_expr'])}" for c in node["case_checks"]]
    return f"CASE {' '.join(parts)} ELSE {write(node['else_expr'])} END"


def _cast(node: Node, write: Write) -> str:
    kind = node["type_expr"]
    name = kind["type_name"].upper()
    if name not in TYPES or kind.get("children"):
        raise NodeError(node, f"an expression may not cast to {name}", f"one of {', '.join(sorted(TYPES))}")
    return f"{'TRY_CAST' if node['try_cast'] else 'CAST'}({write(node['child'])} AS {name})"


def _function(node: Node, write: Write) -> str:
    name = node["function_name"].lower()
    plain = not (node["schema"] or node["catalog"] or node["distinct"] or node["filter"])
    plain = plain and not node["order_bys"]["orders"] and not any(a["name"] for a in node["arguments"])
    arguments = [write(argument["expression"]) for argument in node["arguments"]]
    if plain and node["is_operator"] and name in OPERATORS | set(PATTERNS):
        sign = PATTERNS.get(name, name)
        text = (
            f"({arguments[0]} {sign} {arguments[1]})" if len(arguments) == 2 else f"({sign} {arguments[0]})"
        )
        return _without_nan(name, text)
    if plain and name == "like_escape":
        return f"({arguments[0]} LIKE {arguments[1]} ESCAPE {arguments[2]})"
    if not plain or name not in FUNCTIONS:
        hint = "" if _is_function(name) else suggestion(name, FUNCTIONS)
        raise NodeError(node, f"an expression may not call '{name}'", hint or CALLABLE)
    return _without_nan(name, f"{name}({', '.join(arguments)})")


def _is_function(name: str) -> bool:
    """Whether DuckDB has a function of this name: then the name is not a misspelling."""
    with connect() as connection:
        asked = "SELECT count(*) FROM duckdb_functions() WHERE function_name = $1"
        return connection.execute(asked, [name]).fetchall() != [(0,)]


def _without_nan(name: str, text: str) -> str:
    return f"nullif({text}, 'nan'::DOUBLE)" if name in _MAY_BE_NAN else text


_WRITERS: dict[str, Callable[[Node, Write], str]] = {
    "COLUMN_REF": _column,
    "CONSTANT": _constant,
    "COMPARISON": _comparison,
    "CONJUNCTION": _conjunction,
    "BETWEEN": _between,
    "OPERATOR": _operator,
    "CASE": _case,
    "CAST": _cast,
    "FUNCTION": _function,
}
