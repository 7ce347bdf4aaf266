"""The page of an audit: the scorecard as a matrix, other thresholds, and pictures of what slipped through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from groundglass.audits.result_folder import SLIPPED, latest_audit, read_card
from groundglass.text.format import percent

Plain = Mapping[str, Any]


@dataclass(frozen=True)
class CellView:
    """One gate on one severity: shape and word say what the colour says; ``told`` is the sentence under the pointer."""

    percent: str
    glyph: str
    tone: str
    told: str
    expected: bool


@dataclass(frozen=True)
class RowView:
    """One severity of a defect. ``span`` is how many rows the defect has, 0 but on its first; ``cells`` has a None
    where a gate was not asked.
    """

    defect: str
    severity: str
    what: str
    span: int
    n: int
    every: CellView
    cells: tuple[CellView | None, ...]


@dataclass(frozen=True)
class PictureView:
    """A picture that slipped through: its file beside the page."""

    file: str
    uri: str
    severity: str


@dataclass(frozen=True)
class AuditView:
    """All that the page shows, and the pictures that lie beside it."""

    card: Plain
    gates: tuple[str, ...]
    rows: tuple[RowView, ...]
    slipped: tuple[tuple[str, str, tuple[PictureView, ...]], ...]
    pictures: Mapping[str, bytes]


def read_audit(run: Path) -> AuditView | None:
    """What the page of a run's audit shows; None where there is no audit, or none that can be read."""
    place = latest_audit(run)
    card = read_card(place) if place is not None else None
    if place is None or card is None:
        return None
    try:
        slipped = pq.read_table(place / SLIPPED).to_pylist()
    except (OSError, ValueError):
        return None
    gates = tuple(dict.fromkeys(cell["gate"] for cell in card["gates"]))
    pictures = {f"audit-{place:03d}.jpg": row["picture"] for place, row in enumerate(slipped)}
    what = {reach["defect"]: reach["what"] for reach in card["defects"]}
    shown = [(row["defect"], _picture(row, file)) for row, file in zip(slipped, pictures, strict=True)]
    groups = tuple(
        (defect, what[defect], tuple(view for _, view in group))
        for defect, group in groupby(shown, key=lambda pair: pair[0])
    )
    return AuditView(card, gates, tuple(_rows(card, gates)), groups, pictures)


def _picture(row: Plain, file: str) -> PictureView:
    return PictureView(file, row["uri"], row["severity"])


def _rows(card: Plain, gates: Sequence[str]) -> list[RowView]:
    cells = {(cell["gate"], cell["defect"], cell["severity"]): cell for cell in card["gates"]}
    spans = Counter(reach["defect"] for reach in card["defects"])
    rows: list[RowView] = []
    for reach in card["defects"]:
        found = [cells.get((gate, reach["defect"], reach["severity"])) for gate in gates]
        rows.append(
            RowView(
                defect=reach["defect"],
                severity=reach["severity"],
                what=reach["what"],
                span=0 if rows and rows[-1].defect == reach["defect"] else spans[reach["defect"]],
                n=reach["n"],
                every=_cell(reach, "any gate", expected=True),
                cells=tuple(cell and _cell(cell, cell["gate"], cell["expected"]) for cell in found),
            )
        )
    return rows


def _cell(cell: Plain, who: str, expected: bool) -> CellView:
    recall, (low, high) = cell["recall"], cell["recall_ci95"]
    glyph, tone = ("●", "all") if recall >= 0.95 else ("◐", "some") if recall > 0 else ("✕", "none")
    told = f"{who} caught {percent(recall)} of {cell['n']} (95 % interval {percent(low)} to {percent(high)})"
    better = cell.get("suggested")
    if better:
        told += f"; {better['where']} would catch {percent(better['recall'])}"
        told += f" and cost {percent(better['clean_lost'])} of the clean images"
    return CellView(percent(recall), glyph, tone, told, expected)
