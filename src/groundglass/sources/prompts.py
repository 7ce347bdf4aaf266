"""The prompts of generated images: lines of a text file, or a column of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.generators.design import Prompt
from groundglass.sources.listing import ARROW, existing_files
from groundglass.sources.source import SourceFault
from groundglass.sources.table_files import check_format, column_names
from groundglass.sources.table_listing import read_table, table_notes
from groundglass.text.decode_text import WINDOWS, decode_text
from groundglass.text.format import some

LONG = 300
"""Characters above which CLIP, which reads 77 tokens, may not read a prompt whole."""
_SQL: Mapping[pa.DataType, str] = {kind: name for name, kind in ARROW.items()}


@dataclass(frozen=True)
class Prompts:
    """The prompts in the order of the file, the SQL types of the columns beside them, and remarks for the user."""

    rows: tuple[Prompt, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_prompts(name: str, column: str) -> Prompts:
    """The prompts of a file: one for each line of a .txt file, or each row of a table. Equal texts stay apart.

    Raises SourceFault: there is no such file or column, it cannot be read, or it has no prompt.
    """
    try:
        path = existing_files([name], "file of prompts")[0]
        found = path.stat()
        return _read(path.absolute(), column, found.st_size, found.st_mtime_ns)
    except SourceFault:
        raise
    except RecipeError as error:
        raise SourceFault(error.message, error.hint, ("generate",)) from error


@lru_cache(maxsize=8)
def _read(path: Path, column: str, _size: int, _mtime_ns: int) -> Prompts:
    notes: list[str] = []
    if path.suffix.lower() == ".txt":
        texts: list[str | None] = [*_lines(path, notes)]
        beside, columns = None, {}
    else:
        check_format(path)
        table = _table(path, column, notes)
        texts = table[column].to_pylist()
        beside = table.drop_columns([column])
        columns = {one.name: _SQL[one.type] for one in beside.schema}
    kept = [(place, text.strip()) for place, text in enumerate(texts) if text is not None and text.strip()]
    if len(kept) < len(texts):
        notes.append(f"left out: {some(len(texts) - len(kept), 'rows')} without a prompt")
    if not kept:
        raise SourceFault(f"{path} has no prompt", "write one prompt per line", ("generate",))
    rows = tuple(
        Prompt(text, row) for (_, text), row in zip(kept, _beside(beside, kept, columns), strict=True)
    )
    return Prompts(rows, columns, (*notes, *_remarks(rows)))


def _beside(
    table: pa.Table | None, kept: Sequence[tuple[int, str]], columns: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The other columns of each kept row."""
    # A table without columns has no rows as a list.
    if table is None or not columns:
        return [{} for _ in kept]
    return table.take([place for place, _ in kept]).to_pylist()


def _lines(path: Path, notes: list[str]) -> list[str]:
    try:
        text, encoding = decode_text(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RecipeError(f"cannot read {path}: {error}", "save it as UTF-8") from error
    if encoding == WINDOWS:
        notes.append(f"{path.name} is not UTF-8: it is read as Windows-1252")
    # Not `splitlines`, which also splits at separators that a prompt may contain.
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def _table(path: Path, column: str, notes: list[str]) -> pa.Table:
    names = column_names(path, [column])
    if names is not None and column not in names:
        _refuse(path, column, list(names))
    table = read_table(path, [column])
    if column not in table.column_names and not table.num_rows:
        raise SourceFault(f"{path} has no prompt", "write one prompt per row", ("generate",))
    if column not in table.column_names:
        _refuse(path, column, table.column_names)
    notes += table_notes(path, [column])
    return table


def _refuse(path: Path, column: str, names: list[str]) -> None:
    hint = f"its columns: {', '.join(names)}; `prompt: NAME` names the one with the prompts"
    raise SourceFault(f"{path} has no column '{column}'", hint, ("prompt",), column, names)


def _remarks(rows: tuple[Prompt, ...]) -> list[str]:
    found: list[str] = []
    repeated = sum(count - 1 for count in Counter(row.text for row in rows).values())
    if repeated:
        found.append(
            f"{some(repeated, 'rows')} with the prompt of an earlier row: each row is used, with the same "
            "`meta.prompt_id`"
        )
    long = [len(row.text) for row in rows if len(row.text) > LONG]
    if long:
        found.append(
            f"{some(len(long), 'prompts')} of more than {LONG} characters, the longest {max(long):,}: CLIP reads "
            "77 tokens; `meta.prompt_cut` counts the tokens that were not read"
        )
    return found
