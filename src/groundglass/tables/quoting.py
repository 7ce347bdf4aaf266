"""The only way for foreign text to enter SQL: names of columns and texts are quoted here.

No name in SQL is better than a quoted one: `groundglass.tables.columns` lets the database find row numbers, and takes
values by them. ``tests/contract/test_sql.py`` finds SQL that is built from text in any other way.
"""

from __future__ import annotations

OWN = "groundglass:"
ERROR = "error:"
RESERVED = (OWN, ERROR)
"""Prefixes of helper columns next to the columns of an expression: a user's column that begins so cannot be named."""


def quoted_name(name: str) -> str:
    """A name as an SQL identifier. Every character is allowed but a zero byte, which no identifier can hold.

    SQL names ignore case: a table may not have two names that differ only in case.

    >>> quoted_name("caption"), quoted_name('2" print')
    ('"caption"', '"2"" print"')
    """
    return '"' + name.replace('"', '""') + '"'


def quoted(path: tuple[str, ...]) -> str:
    """The SQL name of a column path in the flat table that expressions run on.

    >>> quoted(("root", "hyperiqa"))
    '"root.hyperiqa"'
    """
    return quoted_name(".".join(path))


def quoted_text(text: str) -> str:
    """A text as an SQL literal.

    >>> quoted_text("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
