"""One pass over all rows of all files of a table, before anything is listed: the types of columns, and lost values.

This keeps a plan exact: types do not depend on the first rows or the first file, a value that does not fit its
type is counted, and a column that cannot be used is named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.sources.sidecars import is_column
from groundglass.sources.source import SQL_TYPES
from groundglass.sources.table_cast import cast, unfit
from groundglass.sources.table_files import column_names, declared, table_rows
from groundglass.sources.table_rows import ColumnFault, Rows
from groundglass.sources.table_types import (
    BYTES,
    LISTS,
    TEXT,
    Seen,
    declared_kind,
    needs_comma,
    of_bare,
    of_declared,
    sql_type,
)

_LONGEST = 40
"""The most characters of a value that a note shows."""


@dataclass(frozen=True)
class Survey:
    """The columns of a table.

    names     the names of the columns of each file
    types     the SQL type of each column that can be used
    left_out  the reasons why the others cannot be used
    sorts     the kinds of values in each column
    notes     remarks for the user before the run
    """

    names: tuple[tuple[str, ...], ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    sorts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """The columns that matter to the caller of a survey.

    needed    columns that must be present, as text: the paths of the images
    without   a column that is not read: the images themselves
    stated    SQL types that a recipe states for columns
    wanted    the only wanted columns; None for all
    """

    needed: tuple[str, ...] = ()
    without: str = ""
    stated: tuple[tuple[str, str], ...] = ()
    wanted: frozenset[str] | None = None


def survey(paths: Sequence[Path], question: Question) -> Survey:
    """The columns of these files; for unchanged files the result of the first call is used again.

    Raises RecipeError if a file is damaged, has a name twice, or a needed or stated column cannot be read.
    """
    times = ((path.stat(), path) for path in paths)
    known_by = tuple((path, path.absolute(), s.st_size, s.st_mtime_ns, s.st_ino) for s, path in times)
    return _survey(known_by, question)


@lru_cache(maxsize=32)
def _survey(files: tuple[tuple[Path, Path, int, int, int], ...], question: Question) -> Survey:
    found = [_look(file[0], question) for file in files]
    joined = _joined([file.seen for file in found])
    stated = {name: kind for name, kind in question.stated if name in joined and not joined[name].kinds}
    types = {name: kind for name, seen in joined.items() if (kind := sql_type(seen))} | stated
    left_out = {name: _why(name, joined[name]) for name in joined if name not in types or not is_column(name)}
    for file in found:
        left_out |= file.faults
    images = (*question.needed, question.without)
    types = {name: kind for name, kind in types.items() if name not in (*left_out, *images)}
    names = tuple(tuple(file.names) for file in found)
    _differ(types, question, files[0][0])
    sorts = {name: seen.kinds for name, seen in joined.items()}
    notes = (*_notes(found, joined, types, left_out, question), *_absent(found, types, question))
    return Survey(names, types, left_out, sorts, notes)


@dataclass
class _File:
    """The columns of one file; ``faults`` are those that cannot be read."""

    path: Path
    names: Sequence[str] = ()
    seen: dict[str, Seen] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    guessed: set[str] = field(default_factory=set)
    mixed: dict[str, str] = field(default_factory=dict)


def _look(path: Path, question: Question) -> _File:
    stated = dict(question.stated)
    file = _File(path)
    names = column_names(path, [*question.needed, *stated])
    types = declared(path)
    while True:
        file.seen, file.guessed, file.mixed = {}, set(), {}
        columns = None if names is None else _to_read(names, types, question, file)
        try:
            for rows in table_rows(path, columns, [n for n, kind in stated.items() if kind == "VARCHAR"]):
                _observe(file, rows, question, stated)
        except ColumnFault as fault:
            if fault.column in question.needed or fault.column in stated:
                said = f"the column '{fault.column}' of {path} {fault.why}"
                raise RecipeError(said, "save the table as UTF-8") from fault
            # Read the file again without the damaged column, so that the others can still be used.
            file.faults[fault.column] = fault.why
        else:
            file.names = [name for name in file.seen if name] if names is None else names
            return file


def _to_read(names: Sequence[str], types: pa.Schema | None, question: Question, file: _File) -> list[str]:
    """The columns with values that must be read; the declared type of each column is recorded."""
    stated = dict(question.stated)
    found: list[str] = []
    for name in dict.fromkeys(names):
        if name == question.without or not name or name in file.faults:
            continue
        kind = declared_kind(types.field(name).type) if types is not None else ""
        read = name in question.needed or (_asked(name, question) and kind != BYTES)
        if read and (kind != LISTS or stated.get(name) == "VARCHAR"):
            found.append(name)
            kind = "" if name in stated else kind
        file.seen[name] = Seen(frozenset({kind} if kind else ()))
    return found


def _asked(name: str, question: Question) -> bool:
    return is_column(name) and (question.wanted is None or name in question.wanted)


def _observe(file: _File, rows: Rows, question: Question, stated: Mapping[str, str]) -> None:
    file.mixed |= rows.mixed
    file.guessed |= {name for name in rows.guessed if name in question.needed or _asked(name, question)}
    for name in rows.columns.column_names:
        if name and name != question.without and name not in file.faults:
            before = file.seen.get(name, Seen())
            file.seen[name] = before | _values(name, before, rows, question, stated)


def _values(name: str, before: Seen, rows: Rows, question: Question, stated: Mapping[str, str]) -> Seen:
    """The kinds of some values of a column; a column with text is text, so its later values need no check."""
    values = rows.columns[name]
    kind = declared_kind(values.type)
    if name in stated:
        if kind == BYTES or (kind == LISTS and stated[name] != "VARCHAR"):
            return Seen(frozenset({kind}))
        return Seen(frozenset(), 0, 0, *unfit(values, cast(values, stated[name], rows.decimal_comma)))
    if TEXT in before.kinds or not (name in question.needed or _asked(name, question)):
        return Seen(frozenset({TEXT}))
    return of_bare(values, rows.decimal_comma) if rows.bare else of_declared(values)


def _joined(files: Iterable[Mapping[str, Seen]]) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    for file in files:
        for name, seen in file.items():
            found[name] = found.get(name, Seen()) | seen
    return found


def _why(name: str, seen: Seen) -> str:
    if not is_column(name):
        return "has a name that no expression can use"
    return f"holds {BYTES}" if BYTES in seen.kinds else f"holds {LISTS}"


def _differ(types: Mapping[str, str], question: Question, first: Path) -> None:
    """Raises RecipeError if two wanted columns differ only in case: SQL could not distinguish them."""
    spelled: dict[str, str] = {}
    for name in types:
        if not _asked(name, question):
            continue
        other = spelled.setdefault(name.lower(), name)
        if other != name:
            say = f"{first} has two columns named '{other}' and '{name}', which differ only in case"
            raise RecipeError(say, f"rename one, or choose one of them: columns: {{{other}: TEXT}}")


def _notes(
    files: Sequence[_File],
    joined: Mapping[str, Seen],
    types: Mapping[str, str],
    left_out: Mapping[str, str],
    question: Question,
) -> Iterator[str]:
    stated, spoken = dict(question.stated), {kind: word for word, kind in SQL_TYPES.items()}
    grouped: dict[str, list[str]] = {}
    images = (*question.needed, question.without)
    for name, why in left_out.items():
        if (question.wanted is None or name in question.wanted) and name not in images:
            grouped.setdefault(why, []).append(name)
    for why, names in grouped.items():
        hint = f"; columns: {{{names[0]}: TEXT}} takes them as JSON" if why == f"holds {LISTS}" else ""
        yield f"left out, as it {why}{hint}: {_listed(names)}"
    unnamed = max((list(file.names).count("") for file in files), default=0)
    if unnamed and question.wanted is None:
        yield f"left out, as {'it has' if unnamed == 1 else 'they have'} no name: {unnamed} column{'s'[: unnamed > 1]}"
    for name, kind in types.items():
        seen = joined.get(name, Seen())
        if not _asked(name, question):
            continue
        example = "" if seen.example is None else f", such as '{_short(seen.example)}'"
        if name in stated and seen.unfit:
            yield f"'{name}': {seen.unfit:,} of its values are not {spoken[kind]} and count as unknown{example}"
        elif name not in stated and kind != "VARCHAR" and seen.unfit:
            as_kind = spoken.get(kind, kind)
            yield f"'{name}' is read as {as_kind}: {seen.unfit:,} of its values count as unknown{example}"
        elif name not in stated and needs_comma(seen):
            yield f"'{name}' has numbers with a decimal comma, so it is text; columns: {{{name}: DOUBLE}} reads them"
        elif name not in stated and kind == "VARCHAR" and any(name in file.mixed for file in files):
            file = next(file for file in files if name in file.mixed)
            yield f"'{name}' is text: {file.path.name} has {file.mixed[name]}"
        elif name not in stated and kind == "VARCHAR" and seen.kinds - {TEXT}:
            sorts = " and ".join(sorted(seen.kinds))
            why = "" if TEXT in seen.kinds else ", and no type of number can hold them all exactly"
            yield f"'{name}' is text: it holds {sorts}{why}"
    for file in files:
        if file.guessed:
            yield f"{file.path} is not UTF-8 and is read as Windows-1252: {_listed(sorted(file.guessed))}"


def _absent(files: Sequence[_File], types: Collection[str], question: Question) -> Iterator[str]:
    """Notes on files that lack a column that others have."""
    for name in types:
        lacking = [file.path.name for file in files if name not in file.names and name not in file.faults]
        if _asked(name, question) and 0 < len(lacking) < len(files):
            yield f"'{name}' is unknown for all of {_listed(lacking)}: it has no such column"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_short(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5:,} more"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
