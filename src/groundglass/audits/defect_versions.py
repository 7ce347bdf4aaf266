"""The versions of an audit as rows of tables: each photograph with each defect, and the rows made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from groundglass.audits.defect_job import VIEW, Listed, Specimens, specimen_key
from groundglass.audits.defects import CLEAN, Defect, Severity
from groundglass.audits.gates import Gate, longer
from groundglass.audits.replay_run import Chain, Passage
from groundglass.audits.stand_in_test_sets import NO_HALVES, Halves
from groundglass.measures.measure_job import Ask
from groundglass.plans.duplicates import fingerprint_ask
from groundglass.tables.columns import ROWS, Tables
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import ID_LENGTH, compute, derived_id, only


@dataclass(frozen=True, eq=False)
class Version:
    """A photograph with one severity of one defect."""

    chain: Chain
    defect: Defect
    severity: Severity

    @property
    def key(self) -> str:
        """The key under which its measures are stored."""
        return specimen_key(self.chain[-1]["sha256"], self.defect.name, self.severity.name)

    def id_of(self, row: Mapping[str, Any]) -> str:
        """The id that a row of its chain has as this version."""
        return derived_id(self.key[:ID_LENGTH], row["region"])

    def rows(self) -> Iterator[dict[str, Any]]:
        """Its chain as rows of the current set."""
        root = self.chain[-1]
        for row, above in zip(self.chain, (*self.chain[1:], None), strict=True):
            ids = {"id": self.id_of(row), "parent": above and self.id_of(above), "root": self.id_of(root)}
            yield {**{name: row[name] for name in ROWS.names}, **ids, "sha256": self.key}


@dataclass(frozen=True)
class Exhibits:
    """The input of the gates: photographs, defects, and the rows that they would become.

    halves   the halves of the sample as test sets, if a gate looks for test images
    """

    passage: Passage
    gates: tuple[Gate, ...]
    chains: tuple[Chain, ...]
    defects: tuple[Defect, ...]
    halves: Halves = NO_HALVES

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """The clean ones first."""
        return tuple(
            Version(chain, defect, severity)
            for defect in (CLEAN, *self.defects)
            for severity in defect.severities
            for chain in self.chains
        )

    @cached_property
    def at(self) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Gate → photograph's id → the row of its chain that came before the gate."""
        return {gate.name: dict(self._rows_before(gate.name)) for gate in self.gates}

    def _rows_before(self, gate: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        ids = pa.array([row["id"] for chain in self.chains for row in chain], pa.string())
        here = set(only(self.passage.before[gate], ids)["id"].to_pylist())
        for chain in self.chains:
            yield chain[-1]["id"], next(row for row in chain if row["id"] in here)

    def row_at(self, gate: Gate, version: Version) -> Mapping[str, Any]:
        """The row of the original that the version would have replaced before a gate."""
        return self.at[gate.name][version.chain[-1]["id"]]

    def judged_by(self, defect: Defect) -> list[Gate]:
        """The gates that look for such a defect.

        The clean version goes before all gates except those against duplicates: their false alarms are counted on the
        run's own pool.
        """
        return [
            gate
            for gate in self.gates
            if not gate.closed and (gate.kind == defect.kind if defect is not CLEAN else gate.kind != "copy")
        ]

    @cached_property
    def asks(self) -> tuple[Ask, ...]:
        """Everything that the gates read of a version."""
        defects = (CLEAN, *self.defects)
        gates = {gate.name: gate for defect in defects for gate in self.judged_by(defect)}.values()
        found = {ask for gate in gates for _, ask in self.read_by(gate)}
        return tuple(sorted(found, key=lambda ask: (ask.key, ask.settings)))

    @cached_property
    def _known(self) -> dict[str, Ask]:
        asks = [ask for planned in self.passage.state.run.plan.steps for ask in planned.asks]
        return {ask.key: ask for ask in (*asks, fingerprint_ask())}

    def read_by(self, gate: Gate) -> set[tuple[str, Ask]]:
        """The measures that a gate reads, each with the row that it reads them of: "own", "parent" or "root"."""
        searches = self.halves.searches(gate) if gate.kind == "leak" else ()
        return gate.asks(self._known) | {("root", search) for search in searches}

    def _read_of(self, gate: Gate, defect: Defect, photograph: str) -> set[tuple[str, Ask]]:
        """The measures that a gate reads of a version.

        Leaks are searched in their half too, clean versions only in the gate's own lists.
        """
        found = gate.asks(self._known)
        if gate.kind != "leak":
            return found
        if defect.kind == "leak":
            return found | {("root", self.halves.search(gate, self.halves.of[photograph]))}
        return found | {("root", longer(gate.planned.asks[0]))}

    def items(self) -> list[Specimens]:
        """One item per photograph and defect."""
        files = {key: listed for key, _, listed in self.photographs()}
        return [
            Specimens(
                files[chain[-1]["id"]],
                defect,
                tuple(self._wanted(chain, defect)),
                files.get(self.halves.other.get(chain[-1]["id"]) or ""),
            )
            for chain in self.chains
            for defect in (CLEAN, *self.defects)
        ]

    def photographs(self) -> list[tuple[str, str, Listed]]:
        """Id, uri and file of each photograph, in their order."""
        images = {row["id"]: row for row in self._images(["id", "path", "bytes", "mtime_ns"]).to_pylist()}
        ends = [(chain[-1], images[chain[-1]["id"]]) for chain in self.chains]
        return [
            (row["id"], row["uri"], Listed(file["path"], row["sha256"], file["bytes"], file["mtime_ns"]))
            for row, file in ends
        ]

    def _wanted(self, chain: Chain, defect: Defect) -> Iterator[tuple[str, tuple[int, ...]]]:
        number = {ask: place for place, ask in enumerate(self.asks)}
        regions: dict[str, set[int]] = {}
        for gate in self.judged_by(defect):
            row = self.at[gate.name][chain[-1]["id"]]
            place = [one["id"] for one in chain].index(row["id"])
            rows = {"own": row, "parent": chain[min(place + 1, len(chain) - 1)], "root": chain[-1]}
            for whose, ask in self._read_of(gate, defect, chain[-1]["id"]):
                regions.setdefault(rows[whose]["region"], set()).add(number[ask])
        for region, asks in sorted(regions.items()):
            yield region, tuple(sorted(asks))

    def _images(self, columns: Sequence[str] | None = None) -> pa.Table:
        images = self.passage.state.tables.images
        ids = pa.array([chain[-1]["id"] for chain in self.chains], pa.string())
        return only(images if columns is None else images.select(list(columns)), ids)

    def tables(self, store: MeasureStore) -> Tables:
        """The tables in which values of versions are looked up."""
        for ask in (*self.asks, VIEW):
            store.prepare(ask.key, ask.definition.columns)
        rows = [row for version in self.versions for row in version.rows()]
        images = self._images()
        roots = [version.chain[-1]["id"] for version in self.versions]
        images = images.take(compute.index_in(pa.array(roots, pa.string()), images["id"]))
        ids = pa.array([version.id_of(version.chain[-1]) for version in self.versions], pa.string())
        images = images.set_column(images.column_names.index("id"), "id", ids)
        return Tables(pa.Table.from_pylist(rows, ROWS), images, store, self.passage.state.scores)


def rows_of(exhibits: Exhibits, gate: Gate, versions: Sequence[Version]) -> pa.Table:
    """The rows of these versions that a gate judges, in their order."""
    found: list[dict[str, Any]] = []
    for version in versions:
        wanted = version.id_of(exhibits.row_at(gate, version))
        found.append(next(row for row in version.rows() if row["id"] == wanted))
    return pa.Table.from_pylist(found, ROWS)
