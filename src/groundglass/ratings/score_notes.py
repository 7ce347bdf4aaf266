"""Notes on scores: what a method could not do, and what a reader of the scores must not overlook."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundglass.ratings import pair_methods, scale_methods, screens
from groundglass.ratings.scale_methods import Fit
from groundglass.ratings.votes import Comparisons, Flags, Votes
from groundglass.text.format import some

FEW_VOTES = 30
"""Median votes of a rater below which `ap2` gets a note."""


def notes_on_votes(votes: Votes, merged: Votes, kept: Votes) -> list[str]:
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
            f"{some(repeated, 'votes')} {'repeats' if repeated == 1 else 'repeat'} a rater's vote on an item; the mean "
            "of a rater's votes counts as one vote"
        )
    if len(set(merged.item.tolist())) == 1:
        notes.append(
            "there is one item: its score compares with nothing, and there is no agreement to compute"
        )
    if len(set(kept.rater.tolist())) == 1:
        notes.append("one rater counts: bias cannot be separated from the scores, and there is no agreement")
    if len(merged.score) > 1 and np.ptp(merged.score) == 0:
        notes.append("all votes are equal: the scores do not separate the items")
    count = pieces(kept)
    if count > 1:
        notes.append(
            f"the votes are in {count} pieces that share no rater and no item: do not compare scores across them"
        )
    return notes


def notes_on_raters(votes: Votes, merged: Votes, rejected: Flags, left_out: Flags, screen: str) -> list[str]:
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


def notes_on_method(method: str, kept: Votes, fit: Fit) -> list[str]:
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


def notes_on_pairs(comparisons: Comparisons, fit: pair_methods.PairFit) -> list[str]:
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


def pieces(votes: Votes) -> int:
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
