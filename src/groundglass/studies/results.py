"""From the votes of a study to scores: each item's score with its interval, and how many votes are still missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pyarrow as pa

from groundglass.ratings.agreement import choice_kappa, fleiss_kappa
from groundglass.ratings.scale_methods import CannotScore
from groundglass.ratings.scores import Scores, score_comparisons, score_votes
from groundglass.ratings.shares import wilson
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.rater_results import RaterResult, judge_raters
from groundglass.studies.vote_values import comparisons_of, counted, scale_votes, share_of, verdict_of
from groundglass.studies.win_rates import WinRate, win_rates


@dataclass(frozen=True)
class ItemResult:
    """The result of one image, or of one pair with its ``content``.

    item   the item's id; of a pair, that of the second image
    score  on the scale of the protocol: the share of keep, a comparison's score, or the share of wins of the first
           folder; None without votes
    more   several sliders: the score and interval of each dimension
    """

    item: str
    row: str
    name: str
    arm: str
    content: str
    votes: int
    score: float | None = None
    ci95: tuple[float, float] | None = None
    more: Mapping[str, tuple[float | None, tuple[float, float] | None]] = field(default_factory=dict)

    @property
    def width(self) -> float | None:
        return None if self.ci95 is None else self.ci95[1] - self.ci95[0]


@dataclass(frozen=True)
class StudyResults:
    """The state of a study: items, raters, arms, and whether there are enough votes.

    lacking  votes that are still wanted; 0 if there are enough
    votes    votes that count
    """

    items: tuple[ItemResult, ...]
    raters: tuple[RaterResult, ...]
    arms: tuple[WinRate, ...]
    agreement: Mapping[str, float | None]
    votes: int
    wanted: int
    lacking: int
    notes: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        return self.lacking == 0


@dataclass(frozen=True)
class Unit:
    """The subject of one vote: an image, or two images of one content. ``items`` are one or two positions of items."""

    items: tuple[int, ...]
    row: str
    name: str


def units_of(body: StudyStep, items: Sequence[Mapping[str, Any]]) -> list[Unit]:
    """The images or pairs that need votes, of the items with the role ``rate``."""
    rated = [at for at, item in enumerate(items) if item["role"] == "rate"]
    if not body.folders:
        return [Unit((at,), items[at]["row"], items[at]["name"]) for at in rated]
    order = {arm: place for place, arm in enumerate(body.folders)}
    by_content: defaultdict[str, list[int]] = defaultdict(list)
    for at in rated:
        by_content[items[at]["content"]].append(at)
    units: list[Unit] = []
    for content, group in by_content.items():
        ordered = sorted(group, key=lambda at: order[items[at]["arm"]])
        for one, other in combinations(ordered, 2):
            arms = f"{items[one]['arm']} and {items[other]['arm']}"
            units.append(Unit((one, other), content, f"{content}: {arms}"))
    return units


def score_study(body: StudyStep, items: pa.Table, votes: pa.Table, seed: int = 0) -> StudyResults:
    """The results of a study from its tables of items and votes (`Store.items`, `Store.votes`)."""
    rows = items.to_pylist()
    counts = counted(votes)
    units = units_of(body, rows)
    place = {row["id"]: at for at, row in enumerate(rows)}
    of_unit = _by_unit(units, counts, place)
    if body.protocol in ("accept", "pair_accept"):
        found = _verdicts(units, rows, of_unit)
        agreement, notes, rejected = {"fleiss_kappa": _kappa(of_unit)}, [], set[str]()
    elif body.protocol == "pairwise":
        found, agreement, notes = _compared(body, units, rows, counts, of_unit, place)
        rejected = set[str]()
    else:
        found, agreement, notes, rejected = _on_scale(body, units, rows, counts, place, seed)
    lacking = _lacking(body, found)
    return StudyResults(
        tuple(found),
        tuple(judge_raters(body, votes, rejected)),
        tuple(win_rates(body, rows, counts, place)),
        agreement,
        len(counts),
        _wanted(body, len(found)),
        lacking,
        tuple(notes),
    )


def _wanted(body: StudyStep, units: int) -> int:
    """All votes that a study needs: a comparison of two images is a vote for both."""
    total = body.votes * units
    return -(-total // 2) if body.free_pairs else total


def _lacking(body: StudyStep, found: Sequence[ItemResult]) -> int:
    missing = sum(max(0, body.votes - item.votes) for item in found if not is_narrow(body, item))
    return -(-missing // 2) if body.free_pairs else missing


def is_narrow(body: StudyStep, item: ItemResult) -> bool:
    """Whether an item needs no further votes, because its interval is as narrow as `stop` asks."""
    return body.stop is not None and item.width is not None and item.width <= body.stop


def _by_unit(
    units: Sequence[Unit], counts: Sequence[Mapping[str, Any]], place: Mapping[str, int]
) -> list[list[Mapping[str, Any]]]:
    """The votes of each unit; a comparison of images without folders belongs to both of them."""
    at = {frozenset(unit.items): number for number, unit in enumerate(units)}
    found: list[list[Mapping[str, Any]]] = [[] for _ in units]
    for vote in counts:
        shown = frozenset(place[vote[key]] for key in ("item", "left", "right") if vote[key] in place)
        parts = [shown] if shown in at else [frozenset({one}) for one in shown]
        for part in parts:
            if part in at:
                found[at[part]].append(vote)
    return found


def _result(unit: Unit, rows: Sequence[Mapping[str, Any]], votes: int, **scored: Any) -> ItemResult:
    item = rows[unit.items[-1]]
    arm = item["arm"] if len(unit.items) == 1 else ""
    return ItemResult(item["id"], unit.row, unit.name, arm, item["content"], votes, **scored)


def _verdicts(
    units: Sequence[Unit], rows: Sequence[Mapping[str, Any]], of_unit: Sequence[Sequence[Mapping[str, Any]]]
) -> list[ItemResult]:
    """The share of keep, with Wilson's interval."""
    found: list[ItemResult] = []
    for unit, votes in zip(units, of_unit, strict=True):
        kept = sum(verdict_of(vote) for vote in votes)
        scored = {"score": kept / len(votes), "ci95": wilson(kept, len(votes))} if votes else {}
        found.append(_result(unit, rows, len(votes), **scored))
    return found


def _kappa(of_unit: Sequence[Sequence[Mapping[str, Any]]]) -> float | None:
    kept = [sum(verdict_of(vote) for vote in votes) for votes in of_unit]
    table = [[yes, len(votes) - yes] for yes, votes in zip(kept, of_unit, strict=True)]
    return fleiss_kappa(table) if table else None


def _on_scale(
    body: StudyStep,
    units: Sequence[Unit],
    rows: Sequence[Mapping[str, Any]],
    counts: Sequence[Mapping[str, Any]],
    place: Mapping[str, int],
    seed: int,
) -> tuple[list[ItemResult], dict[str, float | None], list[str], set[str]]:
    """Scores of votes on a scale, one for each dimension."""
    notes: list[str] = []
    agreement: dict[str, float | None] = {}
    rejected: set[str] = set()
    number = {unit.items[0]: at for at, unit in enumerate(units)}
    scored: dict[str, Scores | None] = {}
    for name in body.dimensions:
        several = len(body.dimensions) > 1
        votes = scale_votes([unit.row for unit in units], counts, place, number, name)
        try:
            scored[name] = score_votes(votes, seed=seed) if len(votes.score) else None
        except CannotScore as error:
            scored[name] = None
            notes.append(f"{name}: {error.message}" if several else error.message)
        result = scored[name]
        if result is not None:
            notes += [f"{name}: {note}" if several else note for note in result.notes]
            agreement |= {
                f"{name} {key}" if several else key: value for key, value in _numbers(result.agreement)
            }
            rejected |= {rater.rater for rater in result.raters if rater.rejected}
    each = [0] * len(units)
    for vote in counts:
        if place.get(vote["item"], -1) in number:
            each[number[place[vote["item"]]]] += 1
    found: list[ItemResult] = []
    for at, unit in enumerate(units):
        by_name = {
            name: (None, None) if result is None else (result.items[at].score, result.items[at].ci95)
            for name, result in scored.items()
        }
        score, ci95 = by_name[body.dimensions[0]]
        more = by_name if len(by_name) > 1 else {}
        found.append(_result(unit, rows, each[at], score=score, ci95=ci95, more=more))
    return found, agreement, notes, rejected


def _numbers(agreement: Mapping[str, Any]) -> list[tuple[str, float | None]]:
    return [(key, value) for key, value in agreement.items() if value is None or isinstance(value, float)]


def _compared(
    body: StudyStep,
    units: Sequence[Unit],
    rows: Sequence[Mapping[str, Any]],
    counts: Sequence[Mapping[str, Any]],
    of_unit: Sequence[Sequence[Mapping[str, Any]]],
    place: Mapping[str, int],
) -> tuple[list[ItemResult], dict[str, float | None], list[str]]:
    """Images by Bradley and Terry's model; pairs of folders by the share of wins of the first folder."""
    if body.folders:
        return [_first_wins(unit, rows, votes) for unit, votes in zip(units, of_unit, strict=True)], {}, []
    number = {unit.items[0]: at for at, unit in enumerate(units)}
    given = comparisons_of([unit.row for unit in units], counts, place, number)
    try:
        scored = score_comparisons(given) if len(given.choice) else None
    except CannotScore as error:
        return [_result(u, rows, len(v)) for u, v in zip(units, of_unit, strict=True)], {}, [error.message]
    if scored is None:
        return [_result(unit, rows, 0) for unit in units], {}, []
    found = [
        _result(unit, rows, len(votes), score=item.score, ci95=item.ci95)
        for unit, votes, item in zip(units, of_unit, scored.items, strict=True)
    ]
    return found, {"fleiss_kappa": choice_kappa(given)}, list(scored.notes)


def _first_wins(
    unit: Unit, rows: Sequence[Mapping[str, Any]], votes: Sequence[Mapping[str, Any]]
) -> ItemResult:
    first = rows[unit.items[0]]["id"]
    won = sum(share_of(vote, first) for vote in votes)
    scored = {"score": won / len(votes), "ci95": wilson(won, len(votes))} if votes else {}
    return _result(unit, rows, len(votes), **scored)
