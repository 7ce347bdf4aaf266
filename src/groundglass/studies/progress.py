"""How far a study is, in memory: raters, trials and votes as the database has them, and the counts that follow.

One thread at a time uses it. Every row that was added or changed carries the turn of its transaction, so `catch_up`
reads only what other servers and commands did meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, and_, select

from groundglass.ratings.shares import wilson
from groundglass.studies.design import Design
from groundglass.studies.handed_out import Draft, History, Tally, pair_of
from groundglass.studies.records import CHOICES, COUNTED
from groundglass.studies.schema import RATERS, TRIALS, VOTES

OUTSTANDING = 30 * 60.0
"""Seconds for which a trial that was handed out counts like a vote."""
FEWEST = 3
"""Votes below which no image is settled, however well they agree."""
PRIOR = 5.0
"""Votes' worth of belief that an image's votes scatter as those of all images do."""
STEP = 0.7
"""How far one comparison moves a rough score; an image's scores differ by about 1 a comparison at first."""


@dataclass
class TrialState:
    """A trial that was handed out. ``vote`` is the vote that counts now, if there is one."""

    id: str
    rater: str
    place: int
    draft: Draft
    assigned: float
    vote: str | None = None
    held: bool = False
    """It is counted in the tally: as a vote, or as handed out lately."""


@dataclass
class RaterState:
    """A rater with their trials."""

    id: str
    name: str
    expires: float | None
    revoked: float | None
    history: History
    trials: list[TrialState] = field(default_factory=list[TrialState])
    voted: dict[str, float] = field(default_factory=dict[str, float])
    """Votes that count → when they came, in that order."""
    waiting: dict[str, TrialState] = field(default_factory=dict[str, TrialState])
    """Trials without a vote."""


class Change(NamedTuple):
    """A change of a study within its transaction: the connection, and the progress up to date."""

    connection: Connection
    progress: Progress


class Progress:
    """The state of one study; `catch_up` brings it to the database's."""

    def __init__(self, study: str, design: Design) -> None:
        self.study = study
        self.design = design
        self.turn = -1
        self.raters: dict[str, RaterState] = {}
        self.trials: dict[str, TrialState] = {}
        self.votes: dict[str, tuple[str, bool]] = {}  # vote → its trial, and whether it was undone
        self.undoings: dict[str, str] = {}  # the undoing's UUID → the vote
        self.tally = Tally.empty(design)
        self._sums: Sums | None = None if design.protocol == "pairwise" else Sums(len(design.units))
        self._information = np.zeros(len(design.items))
        self._wins = np.zeros((len(design.units), 2))  # of the first image of each given pair, and all votes
        self._fresh: deque[TrialState] = deque()
        self._aside: dict[int, float] = {}
        self._places = {item.id: at for at, item in enumerate(design.items)}
        self._units = {pair_of(*pair): at for at, pair in enumerate(design.units.tolist())}

    def catch_up(self, connection: Connection, turn: int) -> None:
        """Read what changed since this was last up to date; ``turn`` is the database's now."""
        if turn == self.turn:
            return
        for row in self._changed(connection, RATERS):
            self.apply_rater(row)
        for row in self._changed(connection, TRIALS):
            self.apply_trial(row)
        for row in self._changed(connection, VOTES):
            self.apply_vote(row)
        self.turn = turn

    def _changed(self, connection: Connection, table: Any) -> Sequence[Mapping[Any, Any]]:
        newer = and_(table.c.study == self.study, table.c.turn > self.turn)
        order = table.c[{"raters": "name", "trials": "place", "votes": "received"}[table.name]]
        return connection.execute(select(table).where(newer).order_by(table.c.turn, order)).mappings().all()

    def apply_rater(self, row: Mapping[Any, Any]) -> None:
        """A rater was invited, or their link changed."""
        there = self.raters.get(row["id"])
        if there is None:
            there = RaterState(row["id"], row["name"], None, None, History(row["name"]))
            self.raters[row["id"]] = there
        there.expires, there.revoked = row["expires"], row["revoked"]

    def apply_trial(self, row: Mapping[Any, Any]) -> TrialState:
        """A trial was handed out."""
        if row["id"] in self.trials:
            return self.trials[row["id"]]
        rater = self.raters[row["rater"]]
        draft = self._draft(row)
        trial = TrialState(row["id"], rater.id, row["place"], draft, row["assigned"])
        self.trials[trial.id] = rater.waiting[trial.id] = trial
        rater.trials.append(trial)
        rater.history.add(draft, self.design)
        if draft.kind in COUNTED:
            self._hold(trial, 1)
            self._fresh.append(trial)
        return trial

    def _draft(self, row: Mapping[Any, Any]) -> Draft:
        left = self._places[row["item"] or row["left"]]
        right = self._places[row["right"]] if row["right"] else -1
        unit = -1 if self.design.free else self._units.get(pair_of(left, right), -1)
        of = self.trials[row["of"]].place if row["of"] else None
        return Draft(row["kind"], left, right, unit, row["damaged"], of)

    def apply_vote(self, row: Mapping[Any, Any]) -> None:
        """A vote came, or was taken back."""
        trial, undone = self.trials[row["trial"]], row["undone_by"] is not None
        known = self.votes.get(row["id"])
        self.votes[row["id"]] = (trial.id, undone)
        if undone:
            self.undoings[row["undone_by"]] = row["id"]
        if known is None and not undone:
            self._count(trial, row)
        elif known is not None and undone and not known[1]:
            self._uncount(trial, row)

    def _count(self, trial: TrialState, row: Mapping[Any, Any]) -> None:
        rater = self.raters[trial.rater]
        trial.vote = row["id"]
        rater.waiting.pop(trial.id, None)
        rater.voted[row["id"]] = row["received"]
        if trial.draft.kind in COUNTED:
            self._hold(trial, 1)
            self._learn(trial.draft, row["score"], 1)

    def _uncount(self, trial: TrialState, row: Mapping[Any, Any]) -> None:
        rater = self.raters[trial.rater]
        trial.vote = None
        rater.waiting[trial.id] = trial
        del rater.voted[row["id"]]
        if trial.draft.kind in COUNTED:
            self._fresh.appendleft(trial)  # it is open again, and perhaps for long
            self._learn(trial.draft, row["score"], -1)

    def open_trials(self, rater: RaterState) -> list[TrialState]:
        """The rater's trials without a vote, in their order; not those whose images cannot be read now."""
        able = (t for t in rater.waiting.values() if self.tally.readable(t.draft.left, t.draft.right))
        return sorted(able, key=lambda trial: trial.place)

    def set_aside(self, item: str, until: float) -> None:
        """The file of an item cannot be read: no trial shows it until then, when it is tried again."""
        self._aside[self._places[item]] = until
        self.tally.aside.add(self._places[item])

    def forget_old(self, now: float) -> None:
        """Trials that were handed out long ago and have no vote no longer count; items set aside are tried again."""
        for item in [item for item, until in self._aside.items() if until < now]:
            del self._aside[item]
            self.tally.aside.discard(item)
        while self._fresh and self._fresh[0].assigned < now - OUTSTANDING:
            trial = self._fresh.popleft()
            if trial.vote is None:
                self._hold(trial, -1)

    def _hold(self, trial: TrialState, sign: int) -> None:
        """Count a trial that is not counted, or the opposite."""
        if trial.held == (sign > 0):
            return
        trial.held = sign > 0
        draft, counts = trial.draft, self.tally.counts
        if self.design.free:
            counts[draft.left] += sign
            counts[draft.right] += sign
            self.tally.edges[pair_of(draft.left, draft.right)] += sign
        elif draft.unit >= 0:
            counts[draft.unit] += sign

    def _learn(self, draft: Draft, score: Any, sign: int) -> None:
        """Bring the rough scores, and what is settled, up to date with one vote more or less."""
        if self.design.protocol == "pairwise":
            learn = self._learn_pair if self.design.free else self._learn_given_pair
            learn(draft, CHOICES[score], sign)
        elif self._sums is not None and self.design.stop is not None:
            numbers = list(score.values()) if isinstance(score, Mapping) else [score]
            self._sums.add(draft.unit, np.array(numbers, np.float64), sign)
            self.tally.settled[draft.unit] = self._sums.width(draft.unit) <= self.design.stop

    def _learn_given_pair(self, draft: Draft, won: float, sign: int) -> None:
        """A pair that is given by folders is settled by the interval of the first one's share of wins."""
        first = won if draft.left == self.design.units[draft.unit][0] else 1 - won
        self._wins[draft.unit] += sign * np.array([first, 1])
        share, count = self._wins[draft.unit]
        if self.design.stop is not None and count:
            low, high = wilson(share, int(count))
            self.tally.settled[draft.unit] = high - low <= self.design.stop

    def _learn_pair(self, draft: Draft, won: float, sign: int) -> None:
        scores, left, right = self.tally.scores, draft.left, draft.right
        expected = 1 / (1 + np.exp(scores[right] - scores[left]))
        scores[left] += sign * STEP * (won - expected)
        scores[right] -= sign * STEP * (won - expected)
        self._information[[left, right]] += sign * expected * (1 - expected)
        if self.design.stop is None:
            return
        # The interval of a Bradley-Terry score, by the Fisher information of its comparisons.
        narrow = 2 * 1.96 / np.sqrt(np.maximum(self._information, 1e-9)) <= self.design.stop
        self.tally.settled[:] = narrow


class Sums:
    """Running sums of each unit's votes: the width of the interval of its mean, without a second look at the votes."""

    def __init__(self, units: int) -> None:
        self.count = np.zeros(units, np.int64)
        self.total: npt.NDArray[np.float64] | None = None
        self.square: npt.NDArray[np.float64] | None = None

    def add(self, unit: int, scores: npt.NDArray[np.float64], sign: int) -> None:
        """One vote more or less; ``scores`` has a number for each dimension."""
        if self.total is None or self.square is None:
            self.total = np.zeros((len(self.count), len(scores)))
            self.square = np.zeros_like(self.total)
        self.count[unit] += sign
        self.total[unit] += sign * scores
        self.square[unit] += sign * scores**2

    def width(self, unit: int) -> float:
        """The width of the 95 % interval of a unit's mean, the widest of the dimensions; infinite with few votes.

        The variance is that of the unit's votes, drawn towards that of all units, as the method `map` does: three
        equal votes do not make an interval of width 0.
        """
        if self.total is None or self.square is None or self.count[unit] < FEWEST:
            return float("inf")
        some = self.count > 0
        n = np.maximum(self.count, 1)[:, None]
        inside = np.maximum(self.square - self.total**2 / n, 0)
        freedom = (self.count[some] - 1).sum()
        pooled = inside[some].sum(axis=0) / max(freedom, 1)
        votes = float(self.count[unit])
        variance = (inside[unit] + PRIOR * pooled) / (votes - 1 + PRIOR)
        return float((2 * 1.96 * np.sqrt(variance / votes)).max())
