"""From votes to scores: screen the raters, score the items, and say what the method could not do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from groundglass.random_streams import stream
from groundglass.ratings import agreement, pair_methods, scale_methods, screens
from groundglass.ratings.scale_methods import CannotScore, Fit
from groundglass.ratings.votes import Comparisons, Flags, Floats, Votes
from groundglass.text.format import some

SCALE_METHODS: dict[str, Callable[[Votes], Fit]] = {
    "map": scale_methods.map_scores,
    "mos": scale_methods.mos,
    "zscore": scale_methods.zscore,
    "p913": scale_methods.p913,
    "bt500": scale_methods.mos,
    "ap2": scale_methods.ap2,
}
"""Methods for votes on a scale. `bt500` is `mos` after the screen of the same name."""
PAIR_METHODS: dict[str, Callable[[Comparisons], pair_methods.PairFit]] = {
    "bradley_terry": pair_methods.bradley_terry,
    "thurstone": pair_methods.thurstone,
}
SCREENS: dict[str, Callable[[Votes], Flags]] = {
    "correlation": screens.correlation,
    "bt500": screens.bt500,
    "bt500_n": lambda votes: screens.bt500(votes, ddof=0),
}
FEW_VOTES = 30
"""Median votes of a rater below which `ap2` gets a note."""


@dataclass(frozen=True)
class ItemScore:
    """An item's score, higher is better; None if it has none. ``part`` is its part of a comparison graph in pieces."""

    item: str
    score: float | None
    ci95: tuple[float, float] | None
    votes: int
    jod: float | None = None
    part: int | None = None


@dataclass(frozen=True)
class RaterFound:
    """A rater, as the method found them.

    bias           how much higher than the scores they vote; in comparisons, the share of left choices - .5
    inconsistency  standard deviation around score + bias; in comparisons, the share of choices against the scores
    rejected       their votes do not count
    """

    rater: str
    bias: float | None
    inconsistency: float | None
    rejected: bool
    votes: int


@dataclass(frozen=True)
class Scores:
    """The result: items and raters in the order of the votes, and notes on whatever the method could not do."""

    method: str
    screen: str
    items: tuple[ItemScore, ...]
    raters: tuple[RaterFound, ...]
    agreement: dict[str, Any]
    iterations: int
    notes: tuple[str, ...]
    in_one_piece: bool = True
    """False if the scores of some items must not be compared with those of others."""

    def plain(self) -> dict[str, Any]:
        """The same for JSON; null for what is unknown."""
        pairs = self.method in PAIR_METHODS
        return {
            "method": self.method,
            "screen": self.screen,
            "items": [
                {
                    "item": row.item,
                    "score": row.score,
                    "ci95": row.ci95 and list(row.ci95),
                    "votes": row.votes,
                }
                | ({"jod": row.jod, "part": row.part} if pairs else {})
                for row in self.items
            ],
            "raters": [
                {
                    "rater": row.rater,
                    "bias": row.bias,
                    "inconsistency": row.inconsistency,
                    "rejected": row.rejected,
                    "votes": row.votes,
                }
                for row in self.raters
            ],
            "agreement": self.agreement,
            "iterations": self.iterations,
            "notes": list(self.notes),
        }


def default_screen(method: str) -> str:
    """The screen that a method uses if none is chosen.

    `bt500` has its own, and `ap2` is published without one. Comparisons have none.

    >>> default_screen("map"), default_screen("ap2"), default_screen("thurstone")
    ('correlation', 'none', 'none')
    """
    return {"bt500": "bt500", "ap2": "none"}.get(method, "none" if method in PAIR_METHODS else "correlation")


def score_votes(
    votes: Votes, method: str = "map", screen: str | None = None, bootstrap: int = 0, seed: int = 0
) -> Scores:
    """The scores of items from votes on a scale.

    method     map, mos, zscore, p913, bt500 or ap2: see `groundglass.ratings.scale_methods`
    screen     correlation, bt500, bt500_n (with N in the standard deviation) or none; None is the method's default
    bootstrap  so many times the raters are drawn again with replacement, and the intervals are the middle 95 % of the
               scores; 0 uses the method's own intervals

    Scores are on the scale of the votes, those of zscore on 0 to 100. Raises CannotScore if there is no vote or no
    meaningful result, and ValueError for unknown names.

    >>> from groundglass.ratings.votes import votes_from_matrix
    >>> found = score_votes(votes_from_matrix([[5, 4, 5], [2, 1, 1], [3, 3, 2]]), "mos")
    >>> [round(row.score, 2) for row in found.items]
    [4.67, 1.33, 2.67]
    """
    if method not in SCALE_METHODS:
        raise ValueError(f"there is no method '{method}' for votes on a scale: {', '.join(SCALE_METHODS)}")
    screen = default_screen(method) if screen is None else screen
    if screen not in (*SCREENS, "none"):
        raise ValueError(f"there is no screen '{screen}': {', '.join(SCREENS)}, none")
    if method == "bt500" and not screen.startswith("bt500"):
        raise CannotScore(f"the method bt500 is the screen bt500 before mos; for the screen {screen} use mos")
    if not len(votes.score):
        raise CannotScore("there is no vote")
    merged = votes.one_each()
    rejected = SCREENS[screen](merged) if screen != "none" else np.zeros(len(votes.raters), np.bool_)
    if rejected[merged.rater].all():
        raise CannotScore(f"the screen {screen} rejects all raters; without it: none")
    kept = votes.of_raters(~rejected)
    counted = kept if method == "zscore" else kept.one_each()
    fit = SCALE_METHODS[method](counted)
    rejected = rejected | fit.left_out
    kept = votes.of_raters(~rejected).one_each()
    low, high = fit.score - fit.half, fit.score + fit.half
    if bootstrap:
        low, high = _resampled(fit, bootstrap, seed)
    notes = [
        *_notes_on_votes(votes, merged, kept),
        *_notes_on_raters(votes, merged, rejected, fit.left_out, screen),
        *_notes_on_method(method, kept, fit),
    ]
    return Scores(
        method,
        screen,
        _items(votes.items, fit.score, low, high, kept.per_item(np.ones(len(kept.score)))),
        _raters_on_scale(merged, fit, rejected),
        _agreement(votes.of_raters(~rejected), kept, seed),
        fit.iterations,
        tuple(notes),
        _pieces(kept) == 1,
    )


def score_comparisons(
    comparisons: Comparisons, method: str = "bradley_terry", bootstrap: int = 0, seed: int = 0
) -> Scores:
    """The scores of items from comparisons of two: bradley_terry or thurstone, see `groundglass.ratings.pair_methods`.

    The mean score of each connected part is 0; intervals are of the score within its part. ``bootstrap`` as in
    `score_votes`. Raises ValueError for an unknown method, CannotScore if there is no comparison, or if no item won and
    lost.

    >>> from groundglass.ratings.votes import comparisons_from_wins
    >>> [row.votes for row in score_comparisons(comparisons_from_wins([[0, 3], [1, 0]])).items]
    [4, 4]
    """
    if method not in PAIR_METHODS:
        raise ValueError(f"there is no method '{method}' for comparisons: {', '.join(PAIR_METHODS)}")
    if not len(comparisons.choice):
        raise CannotScore("there is no comparison")
    fit = PAIR_METHODS[method](comparisons)
    if np.isnan(fit.score).all():
        raise CannotScore(
            f"{method} has no score for any item: no two of them won against each other, directly or through others"
        )
    half = scale_methods.Z95 * np.sqrt(np.maximum(fit.covariance.diagonal(), 0))
    low, high = fit.score - half, fit.score + half
    if bootstrap:
        low, high = _resampled_comparisons(comparisons, fit, PAIR_METHODS[method], bootstrap, seed)
    wins = comparisons.wins()
    votes = (wins + wins.T).sum(axis=1)
    parts = fit.part + 1 if fit.part.any() else None
    rows = _items(comparisons.items, fit.score, low, high, votes)
    jod = pair_methods.JOD[method]
    rows = tuple(
        replace(
            row,
            jod=None if row.score is None else row.score / jod,
            part=None if parts is None else int(parts[place]),
        )
        for place, row in enumerate(rows)
    )
    return Scores(
        method,
        "none",
        rows,
        _raters_of_pairs(comparisons, fit.score, fit.part),
        {"fleiss_kappa": agreement.choice_kappa(comparisons)},
        fit.iterations,
        tuple(_notes_on_pairs(comparisons, fit)),
        len(set(fit.part[~np.isnan(fit.score)].tolist())) == 1,
    )


def _items(
    names: Sequence[str], score: Floats, low: Floats, high: Floats, votes: Floats
) -> tuple[ItemScore, ...]:
    return tuple(
        ItemScore(
            name,
            _known(score[at]),
            None if np.isnan(low[at]) or np.isnan(high[at]) else (float(low[at]), float(high[at])),
            round(float(votes[at])),
        )
        for at, name in enumerate(names)
    )


def _raters_on_scale(merged: Votes, fit: Fit, rejected: Flags) -> tuple[RaterFound, ...]:
    """Raters that count have the method's numbers; the others those of their residuals."""
    # zscore has scores on another scale than the votes: its raters are compared with the mean opinion scores.
    bias, spread = scale_methods.residuals_of_raters(
        merged, scale_methods.mos(merged.of_raters(~rejected)).score
    )
    each = merged.per_rater(np.ones(len(merged.score)))
    bias = np.where(rejected | (each == 0), bias, fit.bias)
    spread = np.where(rejected | (each == 0), spread, fit.inconsistency)
    return tuple(
        RaterFound(name, _known(bias[at]), _known(spread[at]), bool(rejected[at]), round(float(each[at])))
        for at, name in enumerate(merged.raters)
    )


def _raters_of_pairs(comparisons: Comparisons, score: Floats, part: Any) -> tuple[RaterFound, ...]:
    size = len(comparisons.raters)
    ahead = np.where(
        part[comparisons.left] == part[comparisons.right],
        score[comparisons.left] - score[comparisons.right],
        0,
    )
    judged = (np.nan_to_num(ahead) != 0) & (comparisons.choice != 0.5)
    against = judged & ((ahead > 0) != (comparisons.choice == 1))
    each, left, judged_each, against_each = (
        np.bincount(comparisons.rater, values * comparisons.count, size)
        for values in (np.ones(len(judged)), comparisons.choice, judged, against)
    )
    return tuple(
        RaterFound(
            name,
            None if not each[at] else float(left[at] / each[at] - 0.5),
            None if not judged_each[at] else float(against_each[at] / judged_each[at]),
            False,
            round(float(each[at])),
        )
        for at, name in enumerate(comparisons.raters)
    )  # fmt: skip


def _agreement(votes: Votes, merged: Votes, seed: int) -> dict[str, Any]:
    both = agreement.icc(merged)
    found: dict[str, Any] = {
        "krippendorff_alpha": agreement.krippendorff_alpha(merged),
        "icc_2_1": None if both is None else both[0],
        "icc_2_k": None if both is None else both[1],
        "split_half_srcc": agreement.split_half(merged, seed),
    }
    repeats = agreement.repeat_correlation(votes)
    return found | ({"repeat_correlation": repeats} if repeats else {})


def _resampled(fit: Fit, times: int, seed: int) -> tuple[Floats, Floats]:
    """The middle 95 % of each item's score over resamples of the raters; NaN if fewer than half gave a score.

    Biases and weights stay those of all raters. Estimated again, they would follow raters who are drawn twice, because
    their copies agree.
    """
    votes, size = fit.adjusted, len(fit.adjusted.raters)
    random = stream(seed, "rater bootstrap")
    voted = np.flatnonzero(votes.per_rater(np.ones(len(votes.score))))
    if len(voted) < 2:
        raise CannotScore("the bootstrap draws raters again, so it needs two at least")
    found = np.full((times, len(votes.items)), np.nan)
    for row in range(times):
        drawn = np.bincount(random.choice(voted, len(voted)), minlength=size)
        weight = (drawn * fit.weight)[votes.rater]
        below = votes.per_item(weight)
        np.divide(votes.per_item(weight * votes.score), below, out=found[row], where=below > 0)
    return _middle(found)


def _resampled_comparisons(
    comparisons: Comparisons,
    fit: pair_methods.PairFit,
    method: Callable[[Comparisons], pair_methods.PairFit],
    times: int,
    seed: int,
) -> tuple[Floats, Floats]:
    """As `_resampled`; a resample counts for the items of a part only if that part is still in one piece."""
    if len(comparisons.raters) < 2:
        raise CannotScore("the bootstrap draws raters again, so it needs two at least")
    random, size = stream(seed, "rater bootstrap"), len(comparisons.raters)
    found = np.full((times, len(comparisons.items)), np.nan)
    for row in range(times):
        share = np.bincount(random.integers(0, size, size), minlength=size)[comparisons.rater]
        at = share > 0
        sample = replace(comparisons.of_raters(np.bincount(comparisons.rater[at], minlength=size) > 0))
        sample = replace(sample, count=sample.count * share[at])
        again = method(sample)
        for number in range(fit.part.max() + 1):
            inside = fit.part == number
            if len(set(again.part[inside].tolist())) == 1:
                found[row, inside] = again.score[inside] - again.score[inside].mean()
    return _middle(found)


def _middle(found: Floats) -> tuple[Floats, Floats]:
    low, high = np.full(found.shape[1], np.nan), np.full(found.shape[1], np.nan)
    enough = 2 * (~np.isnan(found)).sum(axis=0) >= max(2, len(found))
    if enough.any():
        low[enough], high[enough] = np.nanpercentile(found[:, enough], (2.5, 97.5), axis=0)
    return low, high


def _notes_on_votes(votes: Votes, merged: Votes, kept: Votes) -> list[str]:
    notes: list[str] = []
    unseen = [votes.items[at] for at in np.flatnonzero(merged.per_item(np.ones(len(merged.score))) == 0)]
    if unseen:
        notes.append(f"nobody voted on {_named(unseen, 'item')}: no score")
    only_rejected = (kept.per_item(np.ones(len(kept.score))) == 0) & (
        merged.per_item(np.ones(len(merged.score))) > 0
    )
    lost = [votes.items[at] for at in np.flatnonzero(only_rejected)]
    if lost:
        notes.append(f"only rejected raters voted on {_named(lost, 'item')}: no score")
    repeated = len(votes.score) - len(merged.score)
    if repeated:
        notes.append(
            f"{repeated} votes repeat a rater's vote on an item; the mean of a rater's votes counts as one vote"
        )
    if len(set(merged.item.tolist())) == 1:
        notes.append(
            "there is one item: its score compares with nothing, and there is no agreement to compute"
        )
    if len(set(kept.rater.tolist())) == 1:
        notes.append("one rater counts: bias cannot be separated from the scores, and there is no agreement")
    if len(merged.score) > 1 and np.ptp(merged.score) == 0:
        notes.append("all votes are equal: the scores do not separate the items")
    pieces = _pieces(kept)
    if pieces > 1:
        notes.append(
            f"the votes are in {pieces} pieces that share no rater and no item: do not compare scores across them"
        )
    return notes


def _notes_on_raters(votes: Votes, merged: Votes, rejected: Flags, left_out: Flags, screen: str) -> list[str]:
    notes: list[str] = []
    constant = _constant(merged)
    screened = [votes.raters[at] for at in np.flatnonzero(rejected & ~left_out)]
    if screened:
        notes.append(f"the screen {screen} rejects {_named(screened, 'rater')}")
    out = [votes.raters[at] for at in np.flatnonzero(left_out)]
    if out:
        notes.append(f"left out, because their votes are all the same: {_named(out, 'rater')}")
    rest = [votes.raters[at] for at in np.flatnonzero(constant & ~rejected)]
    if rest and np.ptp(merged.score) > 0:
        notes.append(f"the votes of {_named(rest, 'rater')} are all the same, and count")
    if screen == "correlation":
        each = merged.per_rater(np.ones(len(merged.score)))
        few = int(((each > 0) & (each < screens.FEWEST)).sum())
        if few:
            notes.append(
                f"the screen does not judge {some(few, 'raters')} with fewer than {screens.FEWEST} votes"
            )
    return notes


def _notes_on_method(method: str, kept: Votes, fit: Fit) -> list[str]:
    notes: list[str] = []
    each = kept.per_rater(np.ones(len(kept.score)))
    median = float(np.median(each[each > 0]))
    if method == "ap2" and median < FEW_VOTES:
        notes.append(
            f"ap2 is unreliable here: the median rater has {median:g} votes, and it needs {FEW_VOTES}; use map"
        )
    lowest = int(np.argmin(np.where(each > 0, fit.inconsistency, np.inf)))
    if method == "ap2" and fit.inconsistency[lowest] < scale_methods.LEANING * np.ptp(kept.score):
        notes.append(
            f"ap2 follows rater '{kept.raters[lowest]}', whose inconsistency is {fit.inconsistency[lowest]:.2g}, "
            "more than the others; compare with map"
        )
    if fit.iterations >= scale_methods.STEPS:
        notes.append(
            f"{method} did not converge in {fit.iterations} rounds: the votes connect the items too weakly"
        )
    return notes


def _notes_on_pairs(comparisons: Comparisons, fit: pair_methods.PairFit) -> list[str]:
    notes: list[str] = []
    alone = np.isnan(fit.score)
    parts = len({int(number) for number in fit.part[~alone]})
    if parts > 1:
        notes.append(
            f"the comparisons are in {parts} parts, each with mean 0: do not compare scores across parts"
        )
    if alone.any():
        names = [comparisons.items[at] for at in np.flatnonzero(alone)]
        notes.append(
            f"no score for {_named(names, 'item')}: in every comparison won, in every one lost, or in none at all"
        )
    if (comparisons.choice == 0.5).all():
        notes.append("every comparison is a tie: the scores do not separate the items")
    return notes


def _constant(votes: Votes) -> Flags:
    """(R) raters with at least two votes that are all the same."""
    low, high = np.full(len(votes.raters), np.inf), np.full(len(votes.raters), -np.inf)
    np.minimum.at(low, votes.rater, votes.score)
    np.maximum.at(high, votes.rater, votes.score)
    return (votes.per_rater(np.ones(len(votes.score))) > 1) & (low == high)


def _pieces(votes: Votes) -> int:
    """The number of pieces of the graph that joins each rater with the items of their votes."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    items = len(votes.items)
    size = items + len(votes.raters)
    graph = coo_array((np.ones(len(votes.item)), (votes.item, items + votes.rater)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1]
    return len(set(labels[votes.item].tolist()))


def _named(names: Sequence[str], unit: str) -> str:
    """The first names, and the number of the others."""
    shown = ", ".join(f"'{name}'" for name in names[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{len(names)} {unit}{'s' if len(names) > 1 else ''} ({shown}{more})"


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
