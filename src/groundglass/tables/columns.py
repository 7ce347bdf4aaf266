"""Which columns a step can name, and the table that puts their values beside its rows.

A column is found by its name and by whose it is: the row's own (``blockiness``), its parent's
(``parent.blockiness``), its photograph's (``root.blockiness``) or what came with the source (``meta.caption``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

from groundglass import catalog
from groundglass.catalog import Better
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import connect, numbered
from groundglass.tables.rows import META, ROWS

FACTS = {
    "id": "VARCHAR",
    "source": "VARCHAR",
    "uri": "VARCHAR",
    "sha256": "VARCHAR",
    "width": "BIGINT",
    "height": "BIGINT",
}
"""Columns that every row has, with their SQL types."""

IMAGE_FACTS = {"licence": "VARCHAR", "author": "VARCHAR", "warning": "VARCHAR"}
"""Columns of the photograph that come with its source."""

SQL_TYPES: dict[type, str] = {float: "DOUBLE", int: "BIGINT", str: "VARCHAR", bool: "BOOLEAN", bytes: "BLOB"}
ColumnPath = tuple[str, ...]


@dataclass(frozen=True)
class KnownColumn:
    """A measured column as a recipe names it.

    key, column   where its values lie in the store; for scores made elsewhere, key is the table's file
    join          "content" for measures (sha256 and region), else the row's column that the score table names
    generation    0 for photographs, one more after each transform
    """

    name: str
    key: str
    column: str
    sql_type: str
    better: Better
    unit: str
    step: str
    generation: int
    join: str = "content"
    low: float | None = None
    high: float | None = None
    meaning: str = ""
    hidden: bool = False

    def plain(self) -> dict[str, Any]:
        return asdict(self)


class BringsColumns(Protocol):
    """A measure, or a question to a multimodal model."""

    @property
    def columns(self) -> Mapping[str, catalog.Column]: ...


def measured_columns(
    measure: BringsColumns, key: str, prefix: str, step: str, generation: int
) -> list[KnownColumn]:
    """The columns that a measure or a question brings, as a recipe names them."""
    return [
        KnownColumn(
            name=f"{prefix}{name}",
            key=key,
            column=name,
            sql_type=SQL_TYPES[column.kind],
            better=column.better,
            unit=column.unit,
            step=step,
            generation=generation,
            low=column.low,
            high=column.high,
            meaning=column.meaning,
            hidden=column.hidden,
        )
        for name, column in measure.columns.items()
    ]


@dataclass(frozen=True)
class Scope:
    """The columns that are known at a step."""

    columns: tuple[KnownColumn, ...] = ()
    generation: int = 0
    mixed: bool = False
    """True after a transform with `if`: rows of the generation before are still among the rows."""
    meta: Mapping[str, str] | None = None
    left_out: Mapping[str, str] | None = None
    """Columns of sources that cannot be used, and why."""

    def with_columns(self, columns: Iterable[KnownColumn]) -> Scope:
        return replace(self, columns=(*self.columns, *columns))

    def own(self) -> dict[str, KnownColumn]:
        """The measured columns of the rows themselves."""
        oldest = self.generation - 1 if self.mixed else self.generation
        return {column.name: column for column in self.columns if column.generation >= oldest}

    def of_generation(self, generation: int) -> dict[str, KnownColumn]:
        return {column.name: column for column in self.columns if column.generation == generation}

    def types(self) -> dict[str, str]:
        """Every name that an expression may use, ``root.x`` and so on included, with its SQL type."""
        own = {name: column.sql_type for name, column in self.own().items()}
        roots = {f"root.{name}": c.sql_type for name, c in self.of_generation(0).items()}
        parents = {
            f"parent.{name}": c.sql_type
            for name, c in self.of_generation(max(0, self.generation - 1)).items()
        }
        sizes = {f"{whose}.{name}": "BIGINT" for whose in ("root", "parent") for name in ("width", "height")}
        meta = {f"meta.{name}": kind for name, kind in (self.meta or {}).items()}
        return FACTS | IMAGE_FACTS | sizes | meta | roots | parents | own

    def hidden(self) -> set[str]:
        """The names in `types` that no message names to people."""
        names = {column.name for column in self.columns if column.hidden}
        return {f"{whose}{name}" for whose in ("", "parent.", "root.") for name in names}

    def find(self, path: ColumnPath) -> KnownColumn | None:
        """The measured column that a name means; None for plain facts such as ``width``."""
        *whose, name = path
        if not whose:
            return self.own().get(name)
        generation = {"root": 0, "parent": max(0, self.generation - 1)}.get(whose[0])
        return None if generation is None else self.of_generation(generation).get(name)


@dataclass(frozen=True)
class Tables:
    """What values are looked up in: every row so far, every photograph, the store, and tables of scores."""

    rows: pa.Table
    images: pa.Table
    store: MeasureStore
    scores: Mapping[str, pa.Table]


def pool(rows: pa.Table, paths: Iterable[ColumnPath], scope: Scope, tables: Tables) -> pa.Table:
    """The rows, in their order, with the columns that ``paths`` name.

    Own columns are flat, the others fields of the structs ``root``, ``parent`` and ``meta``; beside a measured
    column stands ``error:<name>`` with the reason why it has no value.
    """
    query = _PoolQuery(scope, tables, rows)
    chosen: list[str] = []
    structs: dict[str, list[str]] = {}
    for path in dict.fromkeys(paths):
        if path in {(name,) for name in FACTS}:
            continue
        value, error = query.column(path)
        *whose, field = path
        name = ".".join(path)
        if not whose:
            chosen.append(f'{value} AS "{name}"')
        else:
            structs.setdefault(whose[0], []).append(f'"{field}" := {value}')
        if error:
            chosen.append(f'{error} AS "error:{name}"')
    chosen += [f"struct_pack({', '.join(fields)}) AS {whose}" for whose, fields in structs.items()]
    found = query.fetch(chosen) if chosen else rows.select([])
    table = rows.select([name for name in ROWS.names if name not in ("parent", "root")])
    for name in found.column_names:
        table = table.append_column(name, found[name])
    return table


class _PoolQuery:
    """The joins that the columns of a pool need, each made once."""

    def __init__(self, scope: Scope, tables: Tables, rows: pa.Table) -> None:
        self.scope, self.tables = scope, tables
        self.connection = connect()
        self.connection.register("rows", rows.append_column("place", numbered(rows)))
        self.joins: dict[str, str] = {}
        self.measured: dict[str, tuple[str, list[str]]] = {}

    def column(self, path: ColumnPath) -> tuple[str, str]:
        """The SQL of a column's value, and of its error where it can have one."""
        measured = self.scope.find(path)
        whose, name = path if len(path) == 2 else ("own", path[-1])
        if measured is not None:
            alias = self._measure(whose, measured)
            return f'{alias}."{measured.column}"', f"{alias}.error" if measured.join == "content" else ""
        if whose in ("root", "parent"):
            return f'{self._relative(whose)}."{name}"', ""
        image = self._join("image", self.tables.images, "image.id = r.root")
        return f'{image}."{META if whose == "meta" else ""}{name}"', ""

    def fetch(self, chosen: list[str]) -> pa.Table:
        """The chosen columns, in the order of the rows."""
        for alias, (key, names) in self.measured.items():
            table = self.tables.store.read(key, list(dict.fromkeys(names)))
            self.connection.register(f"table_{alias}", table)
        return self.connection.sql(
            f"SELECT {', '.join(chosen)} FROM rows r {' '.join(self.joins.values())} ORDER BY r.place"
        ).to_arrow_table()

    def _relative(self, whose: str) -> str:
        return self._join(whose, self.tables.rows, f"{whose}.id = r.{whose}")

    def _measure(self, whose: str, column: KnownColumn) -> str:
        alias = f"{whose}_{column.key}"
        if column.join != "content":
            on = f'"{alias}"."{column.join}" = r.{column.join}'
            return self._join(alias, self.tables.scores[column.key], on)
        region = {"own": "r.region", "root": "''"}.get(whose) or f"{self._relative(whose)}.region"
        on = f'"{alias}".sha256 = r.sha256 AND "{alias}".region = {region}'
        self.measured.setdefault(alias, (column.key, []))[1].append(column.column)
        return self._left_join(alias, on)

    def _join(self, alias: str, table: pa.Table, on: str) -> str:
        if alias not in self.joins:
            self.connection.register(f"table_{alias}", table)
        return self._left_join(alias, on)

    def _left_join(self, alias: str, on: str) -> str:
        self.joins.setdefault(alias, f'LEFT JOIN "table_{alias}" "{alias}" ON {on}')
        return f'"{alias}"'
