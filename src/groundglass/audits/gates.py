"""The gates of a run, each with the limits that it had on its own pool, to judge rows that were not in that pool.

A gate relative to its pool (quantile, top_k, quota) is frozen: its limit is the worst value that it kept. Rows are
then judged by the same selections as in the run.

These gates can be audited, by the defects that they look for: faults of single images (`where`, `quantile`, `top_k`,
`quota`, and these in an `intersect`), copies (`deduplicate`), images of test sets (`decontaminate`), faults of whole
sources (`source_divergence`). A list (`keep`, `drop`) names files regardless of their content, so it catches no defect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.annotators.catalog import QUESTIONS
from groundglass.audits.replay_run import Passage
from groundglass.measures.measure_job import Ask
from groundglass.plans.judge import given_to, rule_of, with_profiles
from groundglass.plans.leak_reference import with_leaks
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.selections.decontaminate import decontaminate
from groundglass.selections.frozen import Frozen, groups_of
from groundglass.selections.intersect import Intersect
from groundglass.selections.rule import Catches, Given, Rule
from groundglass.selections.source_divergence import SourceDivergence
from groundglass.selections.where import where
from groundglass.similarity.test_images.known_sets import ALL, words_of
from groundglass.tables.columns import ColumnPath, Scope, Tables, pool
from groundglass.tables.step_record import Threshold
from groundglass.tables.thresholds import single_limit

Kept = NDArray[np.bool_]


@dataclass(frozen=True)
class Gate:
    """A select step of a finished run.

    rules    it keeps rows that pass all of them; empty unless it looks for faults of single images
    limit    its threshold, if it is a single comparison
    closed   why it cannot be audited; "" if it can
    partly   the rules of it that cannot be audited, if the others can
    """

    planned: PlannedStep
    rules: tuple[Frozen, ...] = ()
    limit: Threshold | None = None
    closed: str = ""
    partly: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.planned.step.name

    @property
    def rule(self) -> Rule:
        return rule_of(self.planned)

    @property
    def kind(self) -> Catches:
        """The kind of defect that it looks for."""
        return self.rule.catches

    @property
    def given(self) -> Given:
        """The orders that its rule judges by; sources need profiles as well."""
        return Given(self.planned.orders)

    @property
    def scope(self) -> Scope:
        """The columns it can name."""
        if self.kind == "leak":
            return with_leaks(self.planned.scope, longer(self.planned.asks[0]))
        return self.planned.scope

    @property
    def paths(self) -> tuple[ColumnPath, ...]:
        """The columns it reads."""
        return tuple(dict.fromkeys((*self.planned.paths, *self.planned.condition)))

    def asks(self, known: Mapping[str, Ask]) -> set[tuple[str, Ask]]:
        """The measures that it reads, each with the row that it reads them of: "own", "parent" or "root"."""
        found = [(self.scope.whose(path)[0], self.scope.find(path)) for path in self.paths]
        return {(whose, known[column.key]) for whose, column in found if column and column.key in known}


def longer(ask: Ask, *more: str) -> Ask:
    """A gate's search for test images, against ``more`` files of fingerprints besides its own sets and files.

    Its values have a separate key, so that they never mix with the run's.
    """
    own = words_of(str(dict(ask.settings).get("against", ALL)))
    return replace(ask, key=f"{ask.key}-audit", settings=(("against", "\n".join([*own, *more])),))


def freeze(passage: Passage, planned: PlannedStep) -> Gate:
    """A gate with the limits that it had on its own pool."""
    gate = Gate(planned)
    closed = _closed(gate)
    if closed or gate.kind != "fault":
        return Gate(planned, closed=closed)
    table = table_of(gate, passage.before[gate.name], passage.state.tables)
    rules = gate.rule.freeze(table.filter(_applies(gate, table)), gate.given)
    return Gate(planned, rules, single(rules), partly=tuple(_not_audited(gate.rule)))


def _closed(gate: Gate) -> str:
    """Why a gate cannot be audited; "" if it can."""
    if gate.kind == "list":
        return (
            "a list names files by id, uri or hash, regardless of their content, so it cannot miss a defect"
        )
    if parts_of(gate.rule) and not _judges_single(gate.rule):
        closed = " and ".join(_not_audited(gate.rule))
        return f"inside intersect, {closed} cannot be audited: give each its own step"
    for path in gate.paths:
        column = gate.scope.find(path)
        if column is not None and column.join not in ("content", "text"):
            return f"{'.'.join(path)} was measured elsewhere, so defective versions have no value"
        if column is not None and column.key.partition("-")[0] in QUESTIONS:
            return f"{'.'.join(path)} is a model's answer: asking about defective versions would cost calls"
    return ""


def parts_of(rule: Rule) -> tuple[Rule, ...]:
    """The rules of an intersection; empty for any other rule."""
    return rule.intersect if isinstance(rule, Intersect) else ()


def _judges_single(rule: Rule) -> bool:
    """Whether a rule, or one inside it, judges images one by one."""
    parts = parts_of(rule)
    return any(map(_judges_single, parts)) if parts else rule.catches == "fault"


def _not_audited(rule: Rule) -> list[str]:
    """The rules of an intersection that do not judge images one by one."""
    return [name for part in parts_of(rule) for name in (*_whole_pool(part), *_not_audited(part))]


def _whole_pool(part: Rule) -> list[str]:
    return [] if part.catches == "fault" else [key for key in part.keys if getattr(part, key) is not None]


def table_of(gate: Gate, rows: pa.Table, tables: Tables) -> pa.Table:
    """The rows with the columns that the gate reads."""
    return pool(rows, gate.paths, gate.scope, tables)


def passes(gate: Gate, table: pa.Table) -> Kept:
    """The rows that a gate keeps, each judged alone; rows for which its `if` is false pass."""
    kept = np.ones(table.num_rows, bool)
    if gate.kind == "leak":
        kept = decontaminate(table, ("root",))["kept"].to_numpy()
    for rule in gate.rules:
        kept &= _where(table, rule) if isinstance(rule, str) else rule.passes(table)
    return kept | ~_applies(gate, table)


def passes_beside(gate: Gate, table: pa.Table) -> Kept:
    """The rows of a whole pool that a gate against duplicates keeps."""
    applies = _applies(gate, table)
    kept = np.ones(table.num_rows, bool)
    kept[applies] = gate.rule.judge(table.filter(applies), gate.given).verdicts["kept"].to_numpy()
    return kept


def passes_as_source(gate: Gate, table: pa.Table, state: State) -> dict[str, bool]:
    """For each source, whether a gate on whole sources keeps it, if it has only these rows."""
    table = table.filter(_applies(gate, table))
    kept = (
        gate.rule.judge(table, given_to(with_profiles(state, gate.planned), gate.planned))
        .verdicts["kept"]
        .to_pylist()
    )
    return dict(zip(sources_of(gate, table), kept, strict=True))


def sources_of(gate: Gate, table: pa.Table) -> list[str]:
    """The source of each row, as a gate on whole sources groups them."""
    assert isinstance(gate.rule, SourceDivergence)
    return groups_of(table, gate.rule.per or "source")


def _applies(gate: Gate, table: pa.Table) -> Kept:
    """The rows for which its `if` is true."""
    condition = gate.planned.step.only_if
    return np.ones(table.num_rows, bool) if condition is None else _where(table, condition)


def _where(table: pa.Table, expression: str) -> Kept:
    return where(table, expression)["kept"].to_numpy()


def single(rules: tuple[Frozen, ...]) -> Threshold | None:
    """The comparison of one column with one number, if a gate's rules are just that; else None."""
    return single_limit(rules[0]) if len(rules) == 1 and isinstance(rules[0], str) else None
