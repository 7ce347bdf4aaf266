"""Votes as flat arrays: one entry for each vote, with the numbers of its item and its rater."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Votes:
    """V scores that raters gave to items. Missing votes are absent, not NaN.

    items, raters  their names; an item may have no vote
    item, rater    (V) positions in these names
    score          (V) finite
    session        (V) numbers of the sessions; all 0 if there are none
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    item: Ints
    rater: Ints
    score: Floats
    session: Ints

    def __post_init__(self) -> None:
        if not np.isfinite(self.score).all():
            raise ValueError("a vote is NaN or infinite; leave missing votes out")

    def per_item(self, values: Floats) -> Floats:
        """The sums of V values over the votes of each item."""
        return np.bincount(self.item, values, len(self.items)).astype(np.float64)

    def per_rater(self, values: Floats) -> Floats:
        """The sums of V values over the votes of each rater."""
        return np.bincount(self.rater, values, len(self.raters)).astype(np.float64)

    def only(self, kept: Flags) -> Votes:
        """The votes that ``kept`` (V) marks; all names stay."""
        return Votes(
            self.items, self.raters, self.item[kept], self.rater[kept], self.score[kept], self.session[kept]
        )

    def of_raters(self, kept: Flags) -> Votes:
        """The votes of the raters that ``kept`` (R) marks; all names stay."""
        return self.only(kept[self.rater])

    def one_each(self) -> Votes:
        """One vote of each rater on each item: the mean of repeated votes, over sessions too."""
        pair, place = np.unique(self.item * len(self.raters) + self.rater, return_inverse=True)
        score = np.bincount(place, self.score, len(pair)) / np.bincount(place, minlength=len(pair))
        item, rater = np.divmod(pair, max(1, len(self.raters)))
        return Votes(self.items, self.raters, item, rater, score, np.zeros(len(pair), np.int64))


def votes_from_matrix(matrix: npt.ArrayLike, items: Sequence[str] = (), raters: Sequence[str] = ()) -> Votes:
    """Votes from an items × raters array; NaN is a missing vote.

    Names are 0, 1, 2, … if none are given. Raises ValueError for another shape and for infinite votes.

    >>> votes_from_matrix([[5, 4], [float("nan"), 1]]).score.tolist()
    [5.0, 4.0, 1.0]
    """
    scores = np.asarray(matrix, np.float64)
    if scores.ndim != 2:
        raise ValueError(f"votes are items × raters, not an array of {scores.ndim} dimensions")
    item, rater = np.nonzero(~np.isnan(scores))
    names = [
        list(given) or list(map(str, range(size)))
        for given, size in zip((items, raters), scores.shape, strict=True)
    ]
    if [len(names[0]), len(names[1])] != list(scores.shape):
        raise ValueError(f"the names do not fit an array of {scores.shape[0]} × {scores.shape[1]}")
    return Votes(
        tuple(names[0]), tuple(names[1]), item, rater, scores[item, rater], np.zeros(len(item), np.int64)
    )


@dataclass(frozen=True)
class Comparisons:
    """C comparisons of two items.

    items, raters  their names
    left, right    (C) positions in the items; never equal
    rater          (C) positions in the raters; all 0 if ``raters`` is empty, because they are unknown
    choice         (C) 1 if the left item won, 0 if the right one, .5 for a tie
    count          (C) how often this was chosen; 1 unless the votes come from a matrix of wins
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    left: Ints
    right: Ints
    rater: Ints
    choice: Floats
    count: Floats

    def __post_init__(self) -> None:
        if (self.left == self.right).any():
            raise ValueError("an item is compared with itself")
        if not np.isin(self.choice, (0.0, 0.5, 1.0)).all():
            raise ValueError("a choice is 1 (left), 0 (right) or .5 (tie)")

    def wins(self) -> Floats:
        """(N, N): how often item i won against item j; a tie is half a win for each."""
        size = len(self.items)
        flat = np.bincount(self.left * size + self.right, self.choice * self.count, size * size)
        flat += np.bincount(self.right * size + self.left, (1 - self.choice) * self.count, size * size)
        return flat.reshape(size, size).astype(np.float64)

    def of_raters(self, kept: Flags) -> Comparisons:
        """The comparisons of the raters that ``kept`` (R) marks; all names stay."""
        at = kept[self.rater]
        return Comparisons(
            self.items, self.raters, self.left[at], self.right[at], self.rater[at], self.choice[at], self.count[at]
        )  # fmt: skip


def comparisons_from_wins(wins: npt.ArrayLike, items: Sequence[str] = ()) -> Comparisons:
    """Comparisons from an N × N array: how often item i won against item j. The raters are unknown.

    Raises ValueError for another shape, negative counts, or wins of an item against itself.

    >>> comparisons_from_wins([[0, 3], [1, 0]]).wins().tolist()
    [[0.0, 3.0], [1.0, 0.0]]
    """
    counts = np.asarray(wins, np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError("a matrix of wins has as many columns as rows")
    if not np.isfinite(counts).all() or (counts < 0).any() or counts.diagonal().any():
        raise ValueError("a matrix of wins holds counts, and zeros where an item meets itself")
    left, right = np.nonzero(counts)
    names = tuple(items) or tuple(map(str, range(len(counts))))
    if len(names) != len(counts):
        raise ValueError(f"{len(names)} names for {len(counts)} items")
    return Comparisons(
        names, (), left, right, np.zeros(len(left), np.int64), np.ones(len(left)), counts[left, right]
    )
