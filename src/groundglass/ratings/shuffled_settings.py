"""Permutations of scores among images that are alike but for a setting, and the p-values that follow from them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from groundglass.libraries import special
from groundglass.random_streams import stream
from groundglass.ratings.votes import Flags, Floats, Ints

PERMUTATIONS = 1_000
FEW_BEYOND = 10
"""With fewer permutations beyond the true value, the tail follows from their mean and deviation."""
FEW_ALIKE = 5
"""With fewer contents of the same groups, a content also changes places with those of other groups."""


class Shuffled:
    """Orders of N images that are as likely as the true one if a setting means nothing.

    If most contents with several images in a group have them at different levels, scores change places within each of
    these: what a content shows is then held equal. Otherwise whole contents change places, each with all its scores,
    among contents that have images of the same groups. For images of one content resemble each other, and so may their
    settings, as with the length of a prompt: they never count as independent.

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
        self.blocks = (
            [rows for rows in _by_size(cell) if rows.shape[1] > 1] if inside else _alike(content, group)
        )
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
    several = (np.bincount(block) > 1)[block].sum()
    differ = varied(codes, block).sum()
    return bool(differ and 2 * differ >= max(several, len(codes) / 2))


def varied(codes: Ints, block: Ints) -> Flags:
    """(N) whether an image's block has images at different levels; ``block`` (N) are numbers from 0.

    >>> varied(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1])).tolist()
    [True, True, False, False]
    """
    low, high = np.full(block.max() + 1, codes.max() + 1), np.full(block.max() + 1, -1)
    np.minimum.at(low, block, codes)
    np.maximum.at(high, block, codes)
    return (low < high)[block]


def _alike(content: Ints, group: Ints) -> list[Ints]:
    """Blocks of contents with images of the same groups; contents with few such others are joined by their size."""
    order = np.lexsort((group, content))
    each = np.split(order, np.flatnonzero(np.diff(content[order])) + 1)
    alike: defaultdict[bytes, list[Ints]] = defaultdict(list)
    for rows in each:
        alike[group[rows].tobytes()].append(rows)
    sized: defaultdict[int, list[Ints]] = defaultdict(list)
    for contents in alike.values():
        if len(contents) < FEW_ALIKE:
            sized[len(contents[0])] += contents
    blocks = [one for one in alike.values() if len(one) >= FEW_ALIKE] + list(sized.values())
    return [np.stack(one) for one in blocks if len(one) > 1]


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
    y, place = centred(y, held), centred(place, held)
    across = None if x is None else centred(x, held)
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


def centred(values: Floats, block: Ints) -> Floats:
    """(N) how far each value is above the mean of its block; ``block`` (N) are numbers from 0.

    >>> centred(np.array([1.0, 3.0, 7.0]), np.array([0, 0, 2])).tolist()
    [-1.0, 1.0, 0.0]
    """
    return values - (np.bincount(block, values) / np.maximum(np.bincount(block), 1))[block]
