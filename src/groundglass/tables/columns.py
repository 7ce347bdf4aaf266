"""The columns that a step can name, and the table that puts their values next to its rows.

A column is found by its name and its owner: the row itself (``blockiness``), its parent
(``parent.blockiness``), its photo (``root.blockiness``) or the source (``meta.caption``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

from groundglass import catalog
from groundglass.catalog import Better
from groundglass.image.region import WHOLE
from groundglass.tables.measure_store import IDENTITY, MeasureStore
from groundglass.tables.parquet import find_keys, find_rows
from groundglass.tables.quoting import ERROR
from groundglass.tables.rows import META, ROWS
from groundglass.tables.text_fit import READ, VECTOR, fits, look_up

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
"""Columns of the photo that come with its source."""

SQL_TYPES: dict[type, str] = {float: "DOUBLE", int: "BIGINT", str: "VARCHAR", bool: "BOOLEAN", bytes: "BLOB"}
ColumnPath = tuple[str, ...]


@dataclass(frozen=True)
class KnownColumn:
    """A measured column as a recipe names it.

    key, column   the place of its values in the store; for scores made elsewhere, key is the table's file
    join          "content" for measures (sha256 and region), "text" for values computed from an image's vector and that
                  of a text that came with it, else the row's column that the score table names
    text, texts   for "text": the column that came with the source, and the key of the texts' vectors among the scores
    generation    0 for photos, one more after each transform
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
    text: str = ""
    texts: str = ""

    def plain(self) -> dict[str, Any]:
        return asdict(self)


class BringsColumns(Protocol):
    """A measure, or a question to a multimodal model."""

    @property
    def columns(self) -> Mapping[str, catalog.Column]: ...


def measured_columns(
    measure: BringsColumns, key: str, prefix: str, step: str, generation: int
) -> list[KnownColumn]:
    """The columns of a measure or a question, named as in a recipe."""
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
    """The columns that are available at a step."""

    columns: tuple[KnownColumn, ...] = ()
    generation: int = 0
    mixed: bool = False
    """True after a transform with `if`: rows of the previous generation are still among the rows."""
    meta: Mapping[str, str] | None = None
    unusable: Mapping[str, str] | None = None
    """Columns of sources that cannot be used, each with the reason."""

    def with_columns(self, columns: Iterable[KnownColumn]) -> Scope:
        return replace(self, columns=(*self.columns, *columns))

    def own(self) -> dict[str, KnownColumn]:
        """The measured columns of the rows themselves."""
        oldest = self.generation - 1 if self.mixed else self.generation
        return {column.name: column for column in self.columns if column.generation >= oldest}

    def of_generation(self, generation: int) -> dict[str, KnownColumn]:
        return {column.name: column for column in self.columns if column.generation == generation}

    def types(self) -> dict[str, str]:
        """Every name that an expression may use, also ``root.x`` and so on, with its SQL type."""
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
        """The names in `types` that no message shows to people."""
        names = {column.name for column in self.columns if column.hidden}
        return {f"{whose}{name}" for whose in ("", "parent.", "root.") for name in names}

    def whose(self, path: ColumnPath) -> tuple[str, str]:
        """The owner of the column that a path means, and its name there: "own", "root", "parent" or "meta".

        A name may itself contain dots: ``meta.a.b`` is the column ``a.b``.
        """
        name = ".".join(path)
        whose, dot, rest = name.partition(".")
        if name not in self.own() and dot and whose in ("root", "parent", "meta"):
            return whose, rest
        return "own", name

    def find(self, path: ColumnPath) -> KnownColumn | None:
        """The measured column that a name means; None for plain facts such as ``width``."""
        whose, name = self.whose(path)
        if whose == "own":
            return self.own().get(name)
        generation = {"root": 0, "parent": max(0, self.generation - 1)}.get(whose)
        return None if generation is None else self.of_generation(generation).get(name)


@dataclass(frozen=True)
class Tables:
    """The tables that values are looked up in: all rows so far, all photos, the store, and tables of scores."""

    rows: pa.Table
    images: pa.Table
    store: MeasureStore
    scores: Mapping[str, pa.Table]


def pool(
    rows: pa.Table, paths: Iterable[ColumnPath], scope: Scope, tables: Tables, errors: bool = True
) -> pa.Table:
    """The rows, in their order, with the columns that ``paths`` name.

    Own columns are flat, the others are fields of the structs ``root``, ``parent`` and ``meta``. With ``errors``, each
    measured column has a second column ``error:<name>`` with the reason why a value is missing.
    """
    wanted = {scope.whose(path): path for path in paths if path not in {(name,) for name in FACTS}}
    known = _Values(scope, tables, rows, wanted.values())
    structs: dict[str, dict[str, pa.Array]] = {}
    table = rows.select([name for name in ROWS.names if name not in ("parent", "root")])
    for (whose, name), path in wanted.items():
        value, error = known.column(path)
        if whose == "own":
            table = table.append_column(name, value)
        else:
            structs.setdefault(whose, {})[name] = value.combine_chunks()
        if errors and error is not None:
            table = table.append_column(ERROR + ".".join(path), error)
    for whose, fields in structs.items():
        table = table.append_column(whose, pa.StructArray.from_arrays(list(fields.values()), list(fields)))
    return table


class _Values:
    """Looks up values for the rows of a pool. It finds row numbers by ids and hashes and takes values by them, so
    no column name ever becomes part of SQL: names come from users' files and may hold anything.
    """

    def __init__(self, scope: Scope, tables: Tables, rows: pa.Table, wanted: Iterable[ColumnPath]) -> None:
        self.scope, self.tables, self.rows = scope, tables, rows
        self.places: dict[tuple[str, str], pa.ChunkedArray] = {}
        self.needed: dict[str, dict[str, None]] = {}
        # Collect all columns of a measure first, so that its parts are read only once.
        for column in map(scope.find, wanted):
            if column is not None and column.join in ("content", "text"):
                name = VECTOR if column.join == "text" else column.column
                self.needed.setdefault(column.key, {})[name] = None
        self.measured: dict[str, pa.Table] = {}

    def column(self, path: ColumnPath) -> tuple[pa.ChunkedArray, pa.ChunkedArray | None]:
        """A column's values, and the reasons for missing values if the column can have reasons."""
        measured = self.scope.find(path)
        whose, name = self.scope.whose(path)
        if measured is not None:
            return self._measured(whose, measured)
        if whose in ("root", "parent"):
            return self.tables.rows[name].take(self._relatives(whose)), None
        images = self.tables.images
        places = self._once("images", "", lambda: find_keys(self.rows["root"], images["id"]))
        return images[META + name if whose == "meta" else name].take(places), None

    def _measured(self, whose: str, column: KnownColumn) -> tuple[pa.ChunkedArray, pa.ChunkedArray | None]:
        key, join = column.key, column.join
        if join == "text":
            return self._of_text(whose, column)
        if join != "content":
            scores = self.tables.scores[key]
            # An id is of one row only: the score of a tile's photo is found by the photo's id.
            own = whose if join == "id" and whose != "own" else join
            places = self._once(f"scores of {whose}", key, lambda: find_keys(self.rows[own], scores[join]))
            return scores[column.column].take(places), None
        return self._stored(whose, key, column.column)

    def _stored(self, whose: str, key: str, name: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        if key not in self.measured:
            self.measured[key] = self.tables.store.read(key, list(self.needed[key]))
        table = self.measured[key]
        places = self._once(whose, key, lambda: find_rows(self._contents(whose), table.select(IDENTITY)))
        return table[name].take(places), table["error"].take(places)

    def _of_text(self, whose: str, column: KnownColumn) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        """How well each row's text fits its image, or how much of the text was read."""
        vectors, wrong = self._stored(whose, column.key, VECTOR)
        texts, _ = self.column(("meta", column.text))
        said = look_up(texts.to_pylist(), self.tables.scores[column.texts])
        errors = [one or other for one, other in zip(wrong.to_pylist(), said.errors, strict=True)]
        value = said.read if column.column == READ else fits(vectors, said)
        return value, pa.chunked_array([pa.array(errors, pa.string())])

    def _contents(self, whose: str) -> pa.Table:
        """Content and region of the rows themselves, of their parents or of their photos."""
        regions: Mapping[str, Callable[[], Any]] = {
            "own": lambda: self.rows["region"],
            "root": lambda: pa.repeat(WHOLE, self.rows.num_rows),
            "parent": lambda: self.tables.rows["region"].take(self._relatives("parent")),
        }
        return pa.table([self.rows["sha256"], regions[whose]()], list(IDENTITY))

    def _relatives(self, whose: str) -> pa.ChunkedArray:
        """The row numbers of the rows' parents or photos among all rows."""
        known = self.tables.rows["id"]
        return self._once("rows", whose, lambda: find_keys(self.rows[whose], known))

    def _once(self, what: str, of: str, find: Callable[[], pa.ChunkedArray]) -> pa.ChunkedArray:
        if (what, of) not in self.places:
            self.places[what, of] = find()
        return self.places[what, of]
