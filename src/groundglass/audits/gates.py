"""The gates of a run as they stood: each with the limits that it came to on its own pool, for rows that were not there.

A gate relative to its pool (quantile, top_k, quota) is frozen: its limit is the worst value that it kept. Rows are
then judged by the same selections as in the run.

What can be audited, by what a gate looks for: faults of single pictures (`where`, `quantile`, `top_k`, `quota`, and
these in an `intersect`), copies (`deduplicate`), pictures of test sets (`decontaminate`), faults of whole sources
(`source_divergence`). A list (`keep`, `drop`) names files whatever they show, so there is nothing for it to catch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.annotators.catalog import QUESTIONS
from groundglass.audits.defects import Kind
from groundglass.audits.replay import Passage
from groundglass.kernel.expression import column_path, parse
from groundglass.kernel.leaks.shipped import ALL, words_of
from groundglass.measures.look import Ask
from groundglass.recipes.columns import ColumnPath, Scope, Tables, pool
from groundglass.recipes.judging import judge, needed, references_for, with_copies
from groundglass.recipes.leaking import with_leaks
from groundglass.recipes.model import SelectStep
from groundglass.recipes.planner import PlannedStep
from groundglass.recipes.state import State
from groundglass.selections.decontaminate import COLUMNS as LEAK_COLUMNS
from groundglass.selections.decontaminate import decontaminate
from groundglass.selections.pool import numbers, values
from groundglass.selections.ranking import Order
from groundglass.selections.where import where

Kept = NDArray[np.bool_]


@dataclass(frozen=True)
class Limit:
    """One column compared with one number: ``blockiness < 30``."""

    column: str
    op: str
    value: float

    def __str__(self) -> str:
        return f"{self.column} {self.op} {self.value:.6g}"


@dataclass(frozen=True)
class Ranked:
    """A frozen ranking: the worst value kept, of each group; a group that lost no row has none.

    whole  every group keeps at least this; None where groups (``per``) have limits of their own
    """

    by: str
    order: Order
    per: str | None
    limits: Mapping[str, float]


Rule = str | Ranked
"""An expression, or a frozen ranking. A gate keeps what all its rules keep."""


@dataclass(frozen=True)
class Gate:
    """A select step of a finished run.

    rules    it keeps what passes them all; none but where it looks for faults of single pictures
    limit    where it is a single comparison
    closed   why it cannot be audited; "" where it can
    partly   which of its rules cannot be, where the others can
    """

    planned: PlannedStep
    rules: tuple[Rule, ...] = ()
    limit: Limit | None = None
    closed: str = ""
    partly: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.planned.step.name

    @property
    def body(self) -> SelectStep:
        body = self.planned.step.body
        assert isinstance(body, SelectStep)
        return body

    @property
    def kind(self) -> Kind:
        """What it looks for."""
        if self.body.deduplicate is not None:
            return "copy"
        if self.body.decontaminate:
            return "leak"
        return "fault" if self.body.source_divergence is None else "source"

    @property
    def scope(self) -> Scope:
        """The columns it can name."""
        if self.kind == "leak":
            return with_leaks(self.planned.scope, longer(self.planned.asks[0]))
        return with_copies(self.planned.scope, self.body)

    @property
    def paths(self) -> tuple[ColumnPath, ...]:
        """The columns it reads."""
        leaks = [("root", name) for name in LEAK_COLUMNS] if self.kind == "leak" else []
        return tuple(dict.fromkeys((*needed(self.planned, self.body), *leaks, *self.planned.condition)))

    def asks(self, known: Mapping[str, Ask]) -> set[tuple[str, Ask]]:
        """Whose measures it reads: "own", "parent" or "root", and what."""
        found = [(path[0] if len(path) == 2 else "own", self.scope.find(path)) for path in self.paths]
        return {(whose, known[column.key]) for whose, column in found if column and column.key in known}


def longer(ask: Ask, *more: str) -> Ask:
    """A gate's search for test images, against ``more`` files of fingerprints beside its own sets and files.

    Whatever is added, its values have a place of their own: they are none of the run's.
    """
    own = words_of(str(dict(ask.settings).get("against", ALL)))
    return replace(ask, key=f"{ask.key}-audit", settings=(("against", "\n".join([*own, *more])),))


def freeze(passage: Passage, planned: PlannedStep) -> Gate:
    """A gate with its limits as they came out on its own pool."""
    gate = Gate(planned)
    closed = _closed(gate)
    if closed or gate.kind != "fault":
        return Gate(planned, closed=closed)
    table = table_of(gate, passage.before[gate.name], passage.state.tables)
    rules = tuple(_rules(table.filter(_applies(gate, table)), gate.body, planned.orders))
    return Gate(planned, rules, single(rules), partly=tuple(_not_audited(gate.body)))


def _closed(gate: Gate) -> str:
    """Why a gate says nothing of defects."""
    body = gate.body
    if body.keep or body.drop:
        return "a list names files by id, uri or hash, whatever they show: there is nothing that it could overlook"
    if body.intersect and all(_whole_pool(part) for part in body.intersect):
        return (
            f"inside intersect, {' and '.join(_not_audited(body))} cannot be audited: give each its own step"
        )
    for path in gate.paths:
        column = gate.scope.find(path)
        if column is not None and column.join != "content":
            return f"{'.'.join(path)} was measured elsewhere: it cannot be had of a defective version"
        if column is not None and column.key.partition("-")[0] in QUESTIONS:
            return f"{'.'.join(path)} is a model's answer: to ask about defective versions would cost calls"
    return ""


def _not_audited(body: SelectStep) -> list[str]:
    """The rules of an intersection that do not judge pictures one by one."""
    return [name for part in body.intersect or () for name in (*_whole_pool(part), *_not_audited(part))]


def _whole_pool(part: SelectStep) -> list[str]:
    names = ("deduplicate", "source_divergence", "keep", "drop")
    return [name for name in names if getattr(part, name) is not None]


def table_of(gate: Gate, rows: pa.Table, tables: Tables) -> pa.Table:
    """The rows with the columns that the gate reads."""
    return pool(rows, gate.paths, gate.scope, tables)


def passes(gate: Gate, table: pa.Table) -> Kept:
    """Which rows a gate without memory of other rows keeps; those that its `if` leaves out pass."""
    kept = np.ones(table.num_rows, bool)
    if gate.kind == "leak":
        kept = decontaminate(table, ("root",))["kept"].to_numpy()
    for rule in gate.rules:
        kept &= _where(table, rule) if isinstance(rule, str) else _ranked(table, rule)
    return kept | ~_applies(gate, table)


def passes_beside(gate: Gate, table: pa.Table) -> Kept:
    """Which rows of a whole pool a gate against duplicates keeps."""
    applies = _applies(gate, table)
    kept = np.ones(table.num_rows, bool)
    kept[applies] = judge(table.filter(applies), gate.body, gate.planned.orders).verdicts["kept"].to_numpy()
    return kept


def passes_as_source(gate: Gate, table: pa.Table, state: State) -> dict[str, bool]:
    """Which sources a gate on whole sources keeps, if these rows are all that there is of them."""
    table = table.filter(_applies(gate, table))
    references = references_for(state, gate.planned, gate.body)
    kept = judge(table, gate.body, gate.planned.orders, references).verdicts["kept"].to_pylist()
    return dict(zip(sources_of(gate, table), kept, strict=True))


def sources_of(gate: Gate, table: pa.Table) -> list[str]:
    """What a gate on whole sources takes each row's source to be."""
    return groups_of(table, gate.body.per or "source")


def _applies(gate: Gate, table: pa.Table) -> Kept:
    """The rows that its `if` holds for."""
    condition = gate.planned.step.only_if
    return np.ones(table.num_rows, bool) if condition is None else _where(table, condition)


def _rules(table: pa.Table, body: SelectStep, orders: Mapping[str, Order]) -> Iterator[Rule]:
    if body.intersect is not None:
        for part in body.intersect:
            yield from _rules(table, part, orders)
    elif body.where is not None:
        yield body.where
    elif body.by is not None and body.deduplicate is None:
        yield _frozen(table, body, body.by, orders[body.by], judge(table, body, orders).verdicts["kept"])


def _frozen(table: pa.Table, body: SelectStep, by: str, order: Order, kept: pa.ChunkedArray) -> Rule:
    groups = groups_of(table, body.per)
    known: dict[str, list[float]] = {}
    full: set[str] = set()
    for group, value, inside in zip(groups, numbers(table, by).to_pylist(), kept.to_pylist(), strict=True):
        if inside:
            known.setdefault(group, []).append(value)
        else:
            full.add(group)
    worst = min if order == "higher" else max
    limits = {group: worst(known[group]) if group in known else float("nan") for group in full}
    if body.per is None and "" in limits:
        return f"{by} {'>=' if order == 'higher' else '<='} {limits['']!r}"
    return Ranked(by, order, body.per, limits)


def groups_of(table: pa.Table, per: str | None) -> list[Any]:
    """The value of a grouping column, as text, for each row; "" everywhere without one."""
    if per is None:
        return [""] * table.num_rows
    return values(table, column_path(per)).cast(pa.string()).to_pylist()


def _where(table: pa.Table, expression: str) -> Kept:
    return where(table, expression)["kept"].to_numpy()


def _ranked(table: pa.Table, rule: Ranked) -> Kept:
    sign = 1 if rule.order == "higher" else -1
    return np.array(
        [
            value is not None and (group not in rule.limits or sign * value >= sign * rule.limits[group])
            for group, value in zip(
                groups_of(table, rule.per), numbers(table, rule.by).to_pylist(), strict=True
            )
        ],
        bool,
    )


def single(rules: tuple[Rule, ...]) -> Limit | None:
    """The comparison, where a gate's rules are just one: of one column with one number."""
    if len(rules) != 1 or not isinstance(rules[0], str):
        return None
    atoms = parse(rules[0]).comparisons
    atom = atoms[0]
    plain = len(atoms) == 1 and atom.has_threshold and len(atom.columns) == 1
    if not plain or atom.operator == "between" or atom.subject_text != ".".join(atom.columns[0]):
        return None
    return Limit(atom.subject_text, atom.operator, float(atom.limits[0]))  # pyright: ignore[reportArgumentType]
