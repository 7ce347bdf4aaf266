"""From votes to scores: screen the raters, score the items, and say what the method could not do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from groundglass.ratings import agreement, pair_methods, scale_methods, screens
from groundglass.ratings.rater_bootstrap import resampled, resampled_comparisons
from groundglass.ratings.scale_methods import CannotScore, Fit
from groundglass.ratings.score_notes import (
    notes_on_method,
    notes_on_pairs,
    notes_on_raters,
    notes_on_votes,
    pieces,
)
from groundglass.ratings.votes import Comparisons, Flags, Floats, Votes

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
    inconsistency  standard deviation around score + bias; in comparisons, the share of choices against the scores;
                   both are None if nobody else counts
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
        low, high = resampled(fit, bootstrap, seed)
    notes = [
        *notes_on_votes(votes, merged, kept),
        *notes_on_raters(votes, merged, rejected, fit.left_out, screen),
        *notes_on_method(method, kept, fit),
    ]
    return Scores(
        method,
        screen,
        _items(votes.items, fit.score, low, high, kept.per_item(np.ones(len(kept.score)))),
        _raters_on_scale(merged, fit, rejected),
        _agreement(votes.of_raters(~rejected), kept, seed),
        fit.iterations,
        tuple(notes),
        pieces(kept) == 1,
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
            f"{method} has no score for any item: no two of them won against each other, directly or through others",
            "collect more comparisons, of items that are close to each other",
        )
    half = scale_methods.Z95 * np.sqrt(np.maximum(fit.covariance.diagonal(), 0))
    low, high = fit.score - half, fit.score + half
    if bootstrap:
        low, high = resampled_comparisons(comparisons, fit, PAIR_METHODS[method], bootstrap, seed)
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
        tuple(notes_on_pairs(comparisons, fit)),
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
    counted = ~rejected & (each > 0)
    if counted.sum() == 1:
        # The scores are this rater's own votes: nobody else shows how far they are off.
        bias, spread = (np.where(counted, np.nan, values) for values in (bias, spread))
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


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
