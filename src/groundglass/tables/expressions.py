"""The expressions of a recipe: DuckDB scalar SQL over one row's columns, checked before anything runs.

    parse("blockiness < 30 and root.hyperiqa >= 0.2")   syntax and allowed parts
    check(expression, {"blockiness": "DOUBLE", …})      columns and types

An `Expression` holds its top-level AND-ed `Atom`s, so that a dropped row can name the failed ones and its distance.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

from groundglass.tables.conditions import PREFIX, Atom, Path, atom, characters, compared_constants, start
from groundglass.tables.parquet import connect
from groundglass.tables.quoting import RESERVED, quoted
from groundglass.tables.sql_writer import (
    ExpressionError,
    Node,
    NodeError,
    children,
    suggestion,
    to_sql,
    walk,
)
from groundglass.text.suggest import nearest

__all__ = ["Atom", "Expression", "ExpressionError", "UnknownColumn", "check", "column_path", "parse"]

LONGEST = 4_000
_STRING_OR_TROUBLE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?P<trouble>--|/\*|;|\$|\0)")
_TROUBLES = {
    "--": "a comment",
    "/*": "a comment",
    ";": "a second statement",
    "$": "a placeholder",
    "\0": "a zero byte",
}
_KINDS = {"float": "DOUBLE", "int": "BIGINT", "str": "VARCHAR", "bool": "BOOLEAN", "bytes": "BLOB"}
_SQL_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]*(\(\d+(, ?\d+)?\))?")


class UnknownColumn(ExpressionError):
    """An expression names a column that does not exist.

    name  as written, with its dots
    near  whether the hint suggests the probable name; otherwise it lists all columns

    >>> error = UnknownColumn("tag", "did you mean 'meta.tag'?", 0, True)
    >>> error.message, error.name
    ("there is no column 'tag'", 'tag')
    """

    def __init__(self, name: str, hint: str = "", offset: int | None = None, near: bool = False) -> None:
        super().__init__(f"there is no column '{name}'", hint, offset)
        self.args = (name, hint, offset, near)
        self.name, self.near = name, near


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    source       the user's text
    sql          the same for the flat table
    columns      the paths of its columns, in order of first use: ('blockiness',), ('root', 'hyperiqa')
    comparisons  its AND-ed conditions
    places       every mention of a column and its offset
    constants    every constant that a column is compared with: path, "text" or "number", SQL, offset
    """

    source: str
    sql: str
    columns: tuple[Path, ...]
    comparisons: tuple[Atom, ...]
    places: tuple[tuple[Path, int], ...] = ()
    constants: tuple[tuple[Path, str, str, int], ...] = ()


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The expression of a text. Raises ExpressionError with the offset of the error. Each text is parsed once.

    >>> expression = parse("blockiness < 30 and root.hyperiqa between 0.2 and 1")
    >>> expression.columns
    (('blockiness',), ('root', 'hyperiqa'))
    >>> [(atom.operator, atom.limits) for atom in expression.comparisons]
    [('<', (30,)), ('between', (0.2, 1))]
    >>> parse("(SELECT 1) = 1")
    Traceback (most recent call last):
        ...
    groundglass.tables.sql_writer.ExpressionError: an expression may not contain a subquery
    """
    _refuse_early(text)
    try:
        node = _tree(text)
        sql = to_sql(node)
        top = node["children"] if node["type"] == "CONJUNCTION_AND" else [node]
        places = tuple(
            (tuple(n["column_names"]), start(text, n)) for n in walk(node) if n["class"] == "COLUMN_REF"
        )
        atoms = tuple(atom(text, part) for part in top)
        _refuse_valueless(text, node)
    except NodeError as error:
        raise ExpressionError(error.message, error.hint, start(text, error.node)) from None
    except RecursionError:
        raise ExpressionError(
            "the expression is nested too deeply", "split it over several select steps"
        ) from None
    return Expression(
        text, sql, tuple(dict.fromkeys(p for p, _ in places)), atoms, places, compared_constants(text, node)
    )


def column_path(text: str) -> Path:
    """The path of a column that a recipe names (`by: root.hyperiqa`).

    >>> column_path("root.hyperiqa")
    ('root', 'hyperiqa')
    """
    expression = parse(text)
    if expression.sql != quoted(expression.columns[0] if expression.columns else ()):
        raise ExpressionError(
            f"'{text}' is not the name of a column", "write one column, such as root.hyperiqa", 0
        )
    return expression.columns[0]


def check(
    expression: Expression, columns: Mapping[str, str], result: str = "BOOLEAN", hidden: Collection[str] = ()
) -> str:
    """The SQL type of an expression on columns of these types. Raises ExpressionError if it cannot run on them.

    columns   name or dotted path → float, int, str, bool or a DuckDB type name
    result    the type it must have; "" for any
    hidden    columns that may be used, but that no hint names

    >>> check(parse("hyperiqa >= 0.2"), {"hyperiqa": "float"})
    'BOOLEAN'
    >>> check(parse("hyperiqua >= 0.2"), {"hyperiqa": "float"})
    Traceback (most recent call last):
        ...
    groundglass.tables.expressions.UnknownColumn: there is no column 'hyperiqua'
    """
    types = {name: _sql_type(kind) for name, kind in columns.items()}
    for path, place in expression.places:
        if ".".join(path).startswith(RESERVED):
            said = f"a column name that begins with '{RESERVED[0]}' or '{RESERVED[1]}' cannot be used"
            raise ExpressionError(said, "give the column another name", place)
        if ".".join(path) not in types:
            shown = [name for name in types if name not in hidden]
            raise _unknown_column(expression.source, path, place, shown)
    _refuse_mixed(expression, types)
    found = _bound_type(expression, types)
    if result and found != result:
        raise ExpressionError(
            f"the expression gives {_in_words(found)}, not {_in_words(result)}",
            "compare it with something, e.g. `< 30`",
            0,
        )
    return found


def _refuse_early(text: str) -> None:
    if not text.strip():
        raise ExpressionError("the expression is empty", "write something like blockiness < 30", 0)
    if len(text) > LONGEST:
        raise ExpressionError(
            f"the expression is longer than {LONGEST:,} characters", "split it over several select steps"
        )
    # DuckDB's parser accepts these, so they are refused before parsing.
    for found in _STRING_OR_TROUBLE.finditer(text):
        if found["trouble"]:
            hint = "write one expression, such as blockiness < 30"
            raise ExpressionError(
                f"an expression may not contain {_TROUBLES[found['trouble']]}", hint, found.start()
            )


def _tree(text: str) -> Node:
    """The syntax tree of a text that is one expression."""
    with connect() as connection:
        rows = connection.execute("SELECT json_serialize_sql($1)", [PREFIX + text]).fetchall()
    answer: dict[str, Any] = json.loads(rows[0][0])
    if answer["error"]:
        raise _unreadable(text, answer)
    statements: list[Node] = answer["statements"]
    node: Node = statements[0]["node"]
    if len(statements) != 1 or node["type"] != "SELECT_NODE" or not _is_bare(node):
        raise ExpressionError("this is more than one expression", "write one condition, joined by and / or")
    expression: Node = node["select_list"][0]
    if expression["alias"]:
        raise ExpressionError(
            f"'{expression['alias']}' cannot follow the expression", "join conditions by and / or"
        )
    return expression


def _refuse_valueless(text: str, node: Node) -> None:
    """Raise ExpressionError for a part without columns that fails, or has no value, for every row."""
    for part in children(node):
        _refuse_valueless(text, part)
    kinds = {inner["class"] for inner in walk(node)}
    if node["class"] in ("CONSTANT", "TYPE") or "COLUMN_REF" in kinds:
        return
    # Such a part would fail, or be null, on every row of a long run, so it is refused now.
    what = f"'{node['function_name']}'" if "function_name" in node else "a part without columns"
    hint = "that part names no column, so it is the same for every row: write its value instead"
    try:
        with connect() as connection:
            value = connection.execute(f"SELECT {to_sql(node)}").fetchall()[0][0]
    except duckdb.Error as error:
        raise ExpressionError(f"{what} fails: {_plain(error)}", hint, start(text, node)) from None
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise ExpressionError(f"{what} gives no value here", hint, start(text, node))


def _plain(error: duckdb.Error) -> str:
    """DuckDB's message, without the kind of error."""
    return str(error).split("\n")[0].partition(": ")[2] or str(error)


def _unreadable(text: str, answer: Mapping[str, Any]) -> ExpressionError:
    message = str(answer["error_message"])
    word = re.search(r'at or near "(.*)"', message)
    place = characters(text, int(answer["position"])) if "position" in answer else None
    message = f"the expression cannot be read at '{word[1]}'" if word else message[0].lower() + message[1:]
    return ExpressionError(message, "write it as in SQL: blockiness < 30 and format = 'JPEG'", place)


def _is_bare(node: Node) -> bool:
    """Whether a SELECT contains nothing but its one value: no FROM, WHERE, ORDER BY, LIMIT, WITH …"""
    known = {"type", "select_list", "from_table", "cte_map", "aggregate_handling"}
    rest = [value for key, value in node.items() if key not in known]
    source = node["from_table"]
    return (
        len(node["select_list"]) == 1
        and source["type"] == "EMPTY"
        and not source["sample"]
        and not node["cte_map"]["map"]
        and node["aggregate_handling"] == "STANDARD_HANDLING"
        and not any(rest)
    )


def _sql_type(kind: str) -> str:
    name = _KINDS.get(kind, kind.upper())
    if not _SQL_TYPE.fullmatch(name):
        raise ValueError(f"{kind!r} is not a column type")
    return name


def _unknown_column(source: str, path: Path, place: int, names: list[str]) -> UnknownColumn:
    name = ".".join(path)
    if source[place : place + 1] == '"':
        return UnknownColumn(name, f"text is written in single quotes: '{name}'", place, True)
    hint = _same_word(name, names) or suggestion(name, names) or _nearest_last(name, names)
    if hint:
        return UnknownColumn(name, hint, place, True)
    own = [known for known in names if not known.startswith(("parent.", "root."))]
    more = ", and the same after `root.` and `parent.`" if any("." in known for known in names) else ""
    listed = f"the columns are: {', '.join(own)}{more}"
    return UnknownColumn(name, listed if names else "no step before it has measured anything", place)


def _same_word(name: str, names: list[str]) -> str:
    """A hint that names the columns with this name after a dot: ``meta.tag`` for ``tag``."""
    found = [f"'{known}'" for known in names if known.rpartition(".")[2] == name]
    return f"did you mean {' or '.join(found)}?" if found else ""


def _nearest_last(name: str, names: list[str]) -> str:
    """The same for a misspelt word: ``meta.caption`` for ``captoin``."""
    last = {known.rpartition(".")[2]: known for known in reversed(names)}
    found = nearest(name, last)
    return f"did you mean '{last[found]}'?" if found else ""


def _refuse_mixed(expression: Expression, types: Mapping[str, str]) -> None:
    """Refuse text compared with a number, in plain words, before DuckDB refuses it in its own."""
    for path, kind, words, place in expression.constants:
        name = ".".join(path)
        has = _in_words(types[name])
        if {kind, has.removeprefix("a ")} == {"text", "number"}:
            other = "text" if kind == "text" else "a number"
            raise ExpressionError(
                f"'{name}' is {has}, but {words} is {other}", "compare like with like", place
            )


def _in_words(sql_type: str) -> str:
    if sql_type == "BOOLEAN":
        return "true or false"
    if sql_type in ("VARCHAR", "TEXT"):
        return "text"
    number = re.match(r"U?(TINY|SMALL|BIG|HUGE)?INT|INTEGER|DOUBLE|FLOAT|REAL|DECIMAL", sql_type)
    return "a number" if number else sql_type.lower()


def _bound_type(expression: Expression, types: Mapping[str, str]) -> str:
    """Let DuckDB bind the expression to an empty table of these types."""
    used = [(quoted(path), types[".".join(path)]) for path in expression.columns] or [('"id"', "VARCHAR")]
    with connect() as connection:
        connection.execute(f"CREATE TEMP TABLE pool ({', '.join(f'{name} {kind}' for name, kind in used)})")
        try:
            return str(connection.sql(f"SELECT {expression.sql} FROM pool").types[0])
        except duckdb.Error as error:
            raise ExpressionError(f"the expression cannot be used: {_plain(error)}", "", 0) from None
