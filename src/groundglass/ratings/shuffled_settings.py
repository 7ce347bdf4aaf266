"""Permutations of scores among images that are alike but for a setting, and the p-values that follow from them."""

from __future__ import annotations

import numpy as np

from groundglass.libraries import special
from groundglass.random_streams import stream
from groundglass.ratings.votes import Floats, Ints

PERMUTATIONS = 1_000
FEW_BEYOND = 10
"""With fewer permutations beyond the true value, the tail follows from their mean and deviation."""


class Shuffled:
    """Orders of N images that are as likely as the true one if a setting means nothing.

    If most contents with several images in a group have them at different levels, scores change places within each of
    these: what a content shows is then held equal. Otherwise, images change places within their group. But if contents
    have all their images at one level, as with the length of a prompt, whole contents of equal size change places:
    images of one content resemble each other, and never count as independent.

    held    (N) the block of images that change places with each other, if a content is held equal; else None
    still   whether no image can change its place
    """

    def __init__(self, content: Ints, group: Ints, codes: Ints) -> None:
        _, cell = np.unique(np.stack([group, content]), axis=1, return_inverse=True)
        _, content = np.unique(content, return_inverse=True)
        cell, self.count = cell.ravel(), len(codes)
        inside = _mostly_varied(cell, codes)
        self.held: Ints | None = cell if inside else None
        # Rows of a block are contents, or cells of a group; its columns are their images.
        self.blocks: list[Ints] = []
        if inside:
            self.blocks = [rows for rows in _by_size(cell) if rows.shape[1] > 1]
        elif len(np.unique(content)) < len(content) and not _mostly_varied(content, codes):
            self.blocks = [rows for rows in _by_size(content) if len(rows) > 1]
        else:
            for one in np.unique(group).tolist():
                here = np.flatnonzero(group == one)
                self.blocks += [here[rows] for rows in _by_size(cell[here]) if len(rows) > 1]
        self.still = not self.blocks

    def order(self, random: np.random.Generator) -> Ints:
        """One of these orders."""
        found = np.arange(self.count)
        for rows in self.blocks:
            moved = (
                rows[random.permutation(len(rows))] if self.held is None else random.permuted(rows, axis=1)
            )
            found[rows.ravel()] = moved.ravel()
        return found


def _mostly_varied(block: Ints, codes: Ints) -> bool:
    """Whether most images of blocks with several have another level beside them, and are not few among all."""
    several = (np.bincount(block) > 1)[block]
    low = np.full(block.max() + 1, codes.max() + 1)
    high = np.full(block.max() + 1, -1)
    np.minimum.at(low, block, codes)
    np.maximum.at(high, block, codes)
    varied = (low < high)[block].sum()
    return bool(varied and 2 * varied >= max(several.sum(), len(codes) / 2))


def _by_size(block: Ints) -> list[Ints]:
    """For each size of a block, the images of all such blocks: a row for each block."""
    _, block, size = np.unique(block, return_inverse=True, return_counts=True)
    order = np.argsort(block, kind="stable")
    first = np.cumsum(size) - size
    return [
        order[first[np.flatnonzero(size == many)][:, None] + np.arange(many)]
        for many in np.unique(size).tolist()
    ]


def chances_of(
    y: Floats,
    place: Floats,
    x: Floats | None,
    codes: Ints,
    shuffled: Shuffled,
    seed: int,
    count: int = PERMUTATIONS,
) -> tuple[float | None, float | None]:
    """The p-values of a trend (None without ``x``) and of any difference of the levels.

    y, place  (N) the scores, and their ranks; x (N) the ranks of the setting; codes (N) its levels

    Counting permutations cannot give less than 1 / ``count``, which Holm's correction needs for many settings. So a
    small p follows from a curve through the permutations: a normal one for the trend, a gamma one for the levels.
    """
    held = np.zeros(len(y), np.int64) if shuffled.held is None else shuffled.held
    y, place = _centred(y, held), _centred(place, held)
    across = None if x is None else _centred(x, held)
    each = np.maximum(np.bincount(codes), 1)

    def sizes(order: Ints) -> tuple[float, float]:
        sums = np.bincount(codes, y[order], len(each))
        return 0.0 if across is None else float((across * place[order]).sum()), float((sums**2 / each).sum())

    random = stream(seed, "shuffled settings")
    seen = sizes(np.arange(len(y)))
    trends, spreads = np.array([sizes(shuffled.order(random)) for _ in range(count)]).T
    return None if across is None else _p_of_trend(seen[0], trends), _p_of_levels(seen[1], spreads)


def _p_of_trend(seen: float, drawn: Floats) -> float:
    counted, sd = _counted(abs(seen), np.abs(drawn)), float(drawn.std())
    if counted * (len(drawn) + 1) > FEW_BEYOND or sd < 1e-12:
        return counted
    return min(counted, 2 * float(special.ndtr(-abs(seen) / sd)))


def _p_of_levels(seen: float, drawn: Floats) -> float:
    counted, mean, variance = _counted(seen, drawn), float(drawn.mean()), float(drawn.var())
    if counted * (len(drawn) + 1) > FEW_BEYOND or variance < 1e-12 * mean**2:
        return counted
    return min(counted, float(special.gammaincc(mean**2 / variance, seen * mean / variance)))


def _counted(seen: float, drawn: Floats) -> float:
    # Equal orders give sums that differ in their last digits.
    return float((drawn >= seen * (1 - 1e-9)).sum() + 1) / (len(drawn) + 1)


def _centred(values: Floats, block: Ints) -> Floats:
    return values - (np.bincount(block, values) / np.maximum(np.bincount(block), 1))[block]
