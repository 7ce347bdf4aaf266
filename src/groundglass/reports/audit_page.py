"""The page of an audit: the scorecard as a matrix, other thresholds, and the images that slipped through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from groundglass.audits.result_folder import SLIPPED, latest_audit, read_card, read_people
from groundglass.text.format import percent

Plain = Mapping[str, Any]


@dataclass(frozen=True)
class CellView:
    """One gate on one severity. The shape repeats the colour's meaning; ``details`` is the tooltip."""

    percent: str
    glyph: str
    tone: str
    details: str
    expected: bool


@dataclass(frozen=True)
class RowView:
    """One severity of a defect.

    span   the number of rows of the defect, on its first row; 0 on the others
    cells  one for each gate; None if the gate judged none of these versions
    """

    defect: str
    severity: str
    what: str
    span: int
    n: int
    every: CellView
    cells: tuple[CellView | None, ...]


@dataclass(frozen=True)
class SlippedImage:
    """An image that slipped through, as a file next to the page."""

    file: str
    uri: str
    severity: str


@dataclass(frozen=True)
class AuditView:
    """The content of the page, and the image files next to it.

    card    the scorecard of an audit with known defects; None if there is none
    people  the gates against the verdicts of people, one for each study
    """

    card: Plain | None
    gates: tuple[str, ...]
    rows: tuple[RowView, ...]
    slipped: tuple[tuple[str, str, tuple[SlippedImage, ...]], ...]
    images: Mapping[str, bytes]
    people: tuple[Plain, ...] = ()


def read_audit(run: Path) -> AuditView | None:
    """The page's content for a run's audit; None if there is no audit, or if it cannot be read."""
    place, people = latest_audit(run), tuple(read_people(run))
    card = read_card(place) if place is not None else None
    slipped: list[dict[str, Any]] = []
    try:
        if place is not None and card is not None:
            slipped = pq.read_table(place / SLIPPED).to_pylist()
    except (OSError, ValueError):
        card = None
    if place is None or card is None:
        return AuditView(None, (), (), (), {}, people) if people else None
    gates = tuple(dict.fromkeys(cell["gate"] for cell in card["gates"]))
    images = {f"audit-{place:03d}.jpg": row["picture"] for place, row in enumerate(slipped)}
    what = {reach["defect"]: reach["what"] for reach in card["defects"]}
    shown = [(row["defect"], _slipped(row, file)) for row, file in zip(slipped, images, strict=True)]
    groups = tuple(
        (defect, what[defect], tuple(view for _, view in group))
        for defect, group in groupby(shown, key=lambda pair: pair[0])
    )
    return AuditView(card, gates, tuple(_rows(card, gates)), groups, images, people)


def _slipped(row: Plain, file: str) -> SlippedImage:
    return SlippedImage(file, row["uri"], row["severity"])


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


def _cell(cell: Plain, gate: str, expected: bool) -> CellView:
    recall, (low, high) = cell["recall"], cell["recall_ci95"]
    # 95 % is also the recall of the threshold that the audit suggests.
    glyph, tone = ("●", "all") if recall >= 0.95 else ("◐", "some") if recall > 0 else ("✕", "none")
    details = (
        f"{gate} caught {percent(recall)} of {cell['n']} (95 % interval {percent(low)} to {percent(high)})"
    )
    better = cell.get("suggested")
    if better:
        details += f"; {better['where']} would catch {percent(better['recall'])}"
        details += f" and cost {percent(better['clean_lost'])} of the clean images"
    return CellView(percent(recall), glyph, tone, details, expected)
