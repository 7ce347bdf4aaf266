"""Words that are not ours become part of SQL by `tables/quoting.py` alone: no quote is set by hand, no name is bare."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import groundglass

SOURCE = Path(groundglass.__file__).parent
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "quoting.py")
SQL = re.compile(
    r"\b(?:SELECT|FROM|WHERE|JOIN|ORDER BY|GROUP BY|COALESCE|UNION|CASE WHEN|TRY_CAST|CREATE)\b|::[A-Z]+|\bAS\b"
)
ASKS = re.compile(r"\b(?:connect|ask|judged)\(")
"""What a module calls that asks the database: its small strings are parts of SQL too."""
PART = re.compile(r"^\w{1,8}\.$|\"$|^\"")
READS_FILES = re.compile(
    r"\b(?:read_parquet|parquet_scan|read_csv|read_csv_auto|read_json|read_json_auto|glob)\s*\("
)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def sql_strings(module: ast.AST, asks: bool = False) -> Iterator[ast.JoinedStr]:
    """The strings with values in them that look like SQL, or like a part of it in a module that ``asks``."""
    for node in ast.walk(module):
        if isinstance(node, ast.JoinedStr):
            words = [str(part.value) for part in node.values if isinstance(part, ast.Constant)]
            if SQL.search(" ".join(words)) or (asks and any(PART.search(word) for word in words)):
                yield node


def by_hand(module: ast.AST, string: ast.JoinedStr) -> Iterator[str]:
    """The values that stand between quotes of the string's own, or bare behind the dot of a table."""
    parts = [*string.values, ast.Constant("")]
    quoted = {
        node.targets[0].id
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and is_quoted(node.value)
    }
    before = ""
    for part, after in pairwise(parts):
        if isinstance(part, ast.FormattedValue):
            following = after.value if isinstance(after, ast.Constant) else ""
            between = before[-1:] in ("'", '"') and following[:1] == before[-1:]
            bare = before.endswith(".") and not (is_quoted(part.value) or ast.unparse(part.value) in quoted)
            if (between or bare) and not is_ours(part.value):
                yield ast.unparse(part.value)
            before = ""
        else:
            before = str(part.value)


def is_quoted(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id.startswith("quoted")
    )


def is_ours(value: ast.expr) -> bool:
    """Whether it is a constant of the program: written in capitals, or an entry of such a table."""
    if isinstance(value, ast.Subscript):
        value = value.value
    return isinstance(value, ast.Name) and value.id.isupper()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_value_is_quoted_by_hand_in_sql(path: Path):
    module = tree(path)
    strings = sql_strings(module, bool(ASKS.search(path.read_text(encoding="utf-8"))))
    assert [f"line {string.lineno}: {value}" for string in strings for value in by_hand(module, string)] == []


def test_quotes_are_doubled_in_one_place():
    doubling = re.compile(r"""\.replace\((?:'"'|"\\""), ?(?:'""'|"\\"\\"")\)|\.replace\("'", ?"''"\)""")
    assert [path.name for path in FILES if doubling.search(path.read_text(encoding="utf-8"))] == []


def test_no_sql_reads_a_file_by_its_name():
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "SELECT" in node.value:
                assert not READS_FILES.search(node.value), path


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("f'SELECT \"{name}\" FROM rows'", ["name"]),
        ("f\"SELECT x FROM rows WHERE split = '{split}'\"", ["split"]),
        ("f'SELECT r.{column} FROM rows r'", ["column"]),
        ("f'SELECT {quoted_name(name)}, r.{quoted_name(name)} FROM rows r'", []),
        ("f'SELECT \"{NAME}\" FROM rows'", []),
        ("f\"there is no column '{name}'\"", []),
    ],
)
def test_the_finder_finds(code: str, found: list[str]):
    module = ast.parse(code)
    assert [value for string in sql_strings(module) for value in by_hand(module, string)] == found
