"""Keep or drop the rows that a text file names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from groundglass.errors import RecipeError
from groundglass.selections.intersect import intersect
from groundglass.selections.rule import Catches, Given, Judged, Lookup, Needs, Rule
from groundglass.tables.quoting import quoted_text
from groundglass.tables.verdicts import ask, compute, judged, places, values
from groundglass.text.decode_text import decode_text

KEYS = ("id", "uri", "sha256")
"""The columns that an entry of a list may name; a hash may be in upper case."""
MOST_TOLD = 20
"""The most unmatched entries of a list that are reported one by one."""


class KeepDrop(Rule):
    """Keep only the rows with an id, uri or sha256 that a file lists, drop those that another lists, or both."""

    keys: ClassVar = ("keep", "drop")
    reference: ClassVar = "a text file of ids, uris or sha256"
    example: ClassVar = "{keep: best.txt}"
    catches: ClassVar[Catches] = "list"

    keep: Annotated[str | None, Field(description="file that lists ids, uris or hashes to keep")] = None
    drop: Annotated[str | None, Field(description="file that lists ids, uris or hashes to drop")] = None

    def needs(self, lookup: Lookup) -> Needs:
        for key, path in (("keep", self.keep), ("drop", self.drop)):
            if path is not None:
                lookup.file(key, path)
        return Needs()

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        """List entries that match nothing become notes."""
        keep, drop = (None if path is None else Path(path).expanduser() for path in (self.keep, self.drop))
        listed = select_by_list(pool, keep, drop)
        return Judged(listed.verdicts, (), listed.warnings)

    def label(self) -> str:
        named = (("keep", self.keep), ("drop", self.drop))
        return " ".join(f"{what} those in {path}" for what, path in named if path)


def read_list(path: Path) -> tuple[str, ...]:
    """The entries of a list file: one id, uri or sha256 per line, without blank lines and lines that start with #.

    UTF-8, UTF-16 or Windows-1252, with or without byte order mark; any line ends. Raises RecipeError if the file
    cannot be read.
    """
    try:
        text = decode_text(path.read_bytes()).text
    except OSError as error:
        raise RecipeError(
            f"cannot read the list {path}: {error.strerror}", "give a text file with one id per line"
        ) from error
    except ValueError as error:
        raise RecipeError(f"the list {path} is not a text file: {error}", "save it as UTF-8") from error
    lines = (line.strip() for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def keep(pool: pa.Table, entries: Iterable[str], name: str = "the list") -> pa.Table:
    """Keep only the rows with a listed id, uri or sha256. Returns `groundglass.tables.verdicts.VERDICTS`.

    >>> pool = pa.table({"id": ["1", "2"], "uri": ["a.jpg", "b.jpg"]})
    >>> keep(pool, ["b.jpg"], "best.txt")["reason"].to_pylist()
    ['not in best.txt', None]
    """
    return _judge(pool, entries, "listed", f"not in {name}")


def drop(pool: pa.Table, entries: Iterable[str], name: str = "the list") -> pa.Table:
    """Drop the rows with a listed id, uri or sha256. Returns `groundglass.tables.verdicts.VERDICTS`.

    >>> pool = pa.table({"id": ["1", "2"], "uri": ["a.jpg", "b.jpg"]})
    >>> drop(pool, ["b.jpg"], "bad.txt")["reason"].to_pylist()
    [None, 'listed in bad.txt']
    """
    return _judge(pool, entries, "NOT listed", f"listed in {name}")


@dataclass(frozen=True)
class Listed:
    """Verdicts of list files, and the entries that name no row, as warnings."""

    verdicts: pa.Table
    warnings: tuple[str, ...]


def select_by_list(pool: pa.Table, keep: Path | None = None, drop: Path | None = None) -> Listed:
    """Keep the rows that one list file names, drop those that another names; `drop` wins. Raises RecipeError."""
    parts: list[pa.Table] = []
    warnings: list[str] = []
    for path, judge in ((keep, _keep), (drop, _drop)):
        if path is not None:
            entries = read_list(path)
            parts.append(judge(pool, entries, path.name))
            strange = unmatched(pool, entries)[:MOST_TOLD]
            warnings += [f"'{entry}' in {path.name} names no image here" for entry in strange]
    return Listed(parts[0] if len(parts) == 1 else intersect(pool, parts), tuple(warnings))


def unmatched(pool: pa.Table, entries: Iterable[str]) -> tuple[str, ...]:
    """The entries that match no row of the pool, in their order, for a warning.

    >>> unmatched(pa.table({"id": ["1"], "uri": ["a.jpg"]}), ["a.jpg", "gone.jpg"])
    ('gone.jpg',)
    """
    tables = {"pool": _keys(pool), "listed": _listed(entries)}
    known = " UNION ALL ".join(
        f"SELECT {key} FROM pool" for key in tables["pool"].column_names if key != "place"
    )
    sql = f"SELECT entry FROM listed WHERE entry NOT IN (SELECT x FROM ({known}) AS all_keys(x) WHERE x IS NOT NULL)"
    sql += " AND lower(entry) NOT IN (SELECT sha256 FROM pool WHERE sha256 IS NOT NULL) ORDER BY place"
    return tuple(ask(sql, tables)["entry"].to_pylist())


# `select_by_list` has parameters of the same names.
_keep, _drop = keep, drop


def _judge(pool: pa.Table, entries: Iterable[str], kept: str, reason: str) -> pa.Table:
    sql = f"""
        WITH found AS (SELECT id, place, (id IN (SELECT entry FROM listed) OR uri IN (SELECT entry FROM listed)
            OR sha256 IN (SELECT lower(entry) FROM listed)) IS TRUE AS listed FROM pool)
        SELECT id, {kept} AS kept, FALSE AS failed,
            CASE WHEN NOT ({kept}) THEN {quoted_text(reason)} END AS reason, NULL AS margin
        FROM found ORDER BY place"""
    return judged(sql, {"pool": _keys(pool), "listed": _listed(entries)})


def _keys(pool: pa.Table) -> pa.Table:
    """The columns of `KEYS` as text, null if the pool does not have one."""
    columns = {"place": places(pool)}
    for key in KEYS:
        has = key in pool.column_names
        columns[key] = values(pool, (key,)).cast(pa.string()) if has else pa.nulls(pool.num_rows, pa.string())
    columns["sha256"] = compute.utf8_lower(columns["sha256"])
    return pa.table(columns)


def _listed(entries: Iterable[str]) -> pa.Table:
    listed = pa.table({"entry": pa.array(list(entries), pa.string())})
    return listed.append_column("place", places(listed))
