"""The only way for words that are not ours into SQL: names of columns and texts become quoted there.

Better than a quoted name is none: `groundglass.tables.columns` lets the database find places, and takes the values by
them. ``tests/contract/test_sql.py`` finds SQL that is made of words in any other way.
"""

from __future__ import annotations

OWN = "groundglass:"
ERROR = "error:"
RESERVED = (OWN, ERROR)
"""How columns begin that stand beside those of an expression: one that is called so cannot be asked for by name."""


def quoted_name(name: str) -> str:
    """A name as an SQL identifier, whatever is in it but a zero byte, which no identifier can hold.

    SQL does not tell capitals in names: a table may not have two that differ in these only.

    >>> quoted_name("caption"), quoted_name('2" print')
    ('"caption"', '"2"" print"')
    """
    return '"' + name.replace('"', '""') + '"'


def quoted(path: tuple[str, ...]) -> str:
    """The one SQL name of a column path in the flat table that expressions are run on.

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
