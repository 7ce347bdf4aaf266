"""The numbers of an audit of pairs: what each gate catches of each defect, and its false alarms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from groundglass.audits.pairs.defects import PAIR_DEFECTS
from groundglass.ratings.shares import wilson
from groundglass.text.format import some

FEW = 20
"""With fewer accepted pairs, a note warns that the intervals are wide."""
SCARCE = 0.5
"""A strength of which all gates together catch less than this share is named first, as missed."""


@dataclass(frozen=True)
class Share:
    """A count of n, as a share with Wilson's 95 % interval."""

    count: int
    n: int
    share: float
    ci95: tuple[float, float]


@dataclass(frozen=True)
class GateShare:
    """How many a gate rejected, and how many of these no other gate rejected."""

    gate: str
    rejected: Share
    alone: int


@dataclass(frozen=True)
class PairCell:
    """One strength of one defect: what all gates together caught, and each gate that caught any, the best first."""

    defect: str
    strength: str
    what: str
    caught: Share
    gates: tuple[GateShare, ...]

    @property
    def name(self) -> str:
        """Defect and strength."""
        return f"{self.defect}, {self.strength}"


@dataclass(frozen=True)
class PairScorecard:
    """The result of an audit of pairs.

    drawn         pairs that were drawn, of ``pairs``
    unknown       of these, pairs that the gates could not judge
    false_alarms  untouched pairs that a gate rejected, of those judged: false only if these pairs are sound
    alarms        the same of each gate
    missed        defects of which the gates caught less than half, the worst first
    cells         all defects, in the order of their list
    """

    pairs: int
    drawn: int
    unknown: int
    seed: int
    false_alarms: Share
    alarms: tuple[GateShare, ...]
    missed: tuple[str, ...]
    cells: tuple[PairCell, ...]
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """The scorecard in a form that JSON can hold."""
        return asdict(self)


def share_of(count: int, n: int) -> Share:
    """A count of n; a share of 0 without any.

    >>> share_of(1, 2).share, [round(end, 2) for end in share_of(1, 2).ci95]
    (0.5, [0.09, 0.91])
    """
    return Share(count, n, count / n if n else 0.0, wilson(count, n))


def scorecard(rows: Sequence[Mapping[str, Any]], pairs: int, seed: int) -> PairScorecard:
    """The scorecard of the rows of `plant_job.PlantAndJudge`, one for each drawn pair."""
    judged = [row for row in rows if row["verdict"] in ("accepted", "rejected")]
    untouched = [json.loads(row["gates"]) for row in judged]
    versions: dict[tuple[str, str], list[list[str]]] = {}
    for row in judged:
        for defect, strength, _, gates in json.loads(row["versions"] or "[]"):
            versions.setdefault((defect, strength), []).append(gates)
    cells = [
        _cell(defect.name, strength, defect.what, versions.get((defect.name, strength), []))
        for defect in PAIR_DEFECTS
        for strength, _ in defect.strengths
    ]
    missed = sorted(
        (cell for cell in cells if cell.caught.n and cell.caught.share < SCARCE),
        key=lambda cell: cell.caught.share,
    )
    return PairScorecard(
        pairs,
        len(rows),
        len(rows) - len(judged),
        seed,
        share_of(sum(map(bool, untouched)), len(judged)),
        _by_gate(untouched),
        tuple(cell.name for cell in missed),
        tuple(cells),
        tuple(_notes(judged, cells)),
    )


def _cell(defect: str, strength: str, what: str, caught: Sequence[list[str]]) -> PairCell:
    return PairCell(defect, strength, what, share_of(sum(map(bool, caught)), len(caught)), _by_gate(caught))


def _by_gate(rejections: Sequence[list[str]]) -> tuple[GateShare, ...]:
    """Each gate that rejected any, the best first; the gates of each version are given."""
    names = dict.fromkeys(gate for gates in rejections for gate in gates)
    found = [
        GateShare(
            name,
            share_of(sum(name in gates for gates in rejections), len(rejections)),
            sum(gates == [name] for gates in rejections),
        )
        for name in names
    ]
    return tuple(sorted(found, key=lambda gate: -gate.rejected.count))


def _notes(judged: Sequence[Mapping[str, Any]], cells: Sequence[PairCell]) -> Iterable[str]:
    accepted = [row for row in judged if row["verdict"] == "accepted"]
    yield "invented texture that averages out at the size of LQ is not planted: no gate can see it"
    yield "px are px of HQ at ×4, in proportion at other scales; a planted shift or turn adds to the pair's own"
    if len(accepted) < FEW:
        yield f"only {some(len(accepted), 'accepted pairs')}: note how wide the intervals are"
    cut = sum((row["pieces"] or 0) > 1 for row in accepted)
    if cut:
        yield (
            f"{some(cut, 'pairs')} with an LQ larger than 256 px got defects in one of their pieces; untouched, all "
            "pieces were judged"
        )
    if bare := sum(row["pieces"] == 0 for row in accepted):
        yield f"{some(bare, 'accepted pairs')} without a piece that is accepted alone got no defects"
    if short := [cell.name for cell in cells if cell.caught.n == 0]:
        yield f"not planted, for lack of room or of another pair: {', '.join(short)}"
