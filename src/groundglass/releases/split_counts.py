"""Splits of exact counts, made of the groups of `split`, so that related images stay together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

import pyarrow as pa

from groundglass.releases.split import Group, check_columns, find_groups, places_of
from groundglass.releases.split_names import TRAIN


def assign_counts(
    rows: pa.Table,
    counts: Mapping[str, int],
    seed: int,
    step: str,
    *,
    stratify: str | None = None,
    group: str | None = None,
    distance: int | None = None,
) -> pa.Table:
    """The split of every row, as a table ``id, split`` in the order of ``rows``; rows that no count takes are train.

    ``counts`` are rows by split name, and the other arguments are those of `split.assign_splits`. A split gets its
    exact count if its groups can add up to it, and else the largest number below it: groups are never divided. With
    ``stratify`` each stratum gives its share of the count, to within one group. If the set grows, groups next to a cut
    may move; the splits are taken from both ends in turn, so two counts have no cut in common, and no group
    moves from one to the other.

    Raises RecipeError if a column is missing.

    >>> one = pa.table({"id": ["a", "b", "c"], "root": ["r", "r", "s"], "sha256": ["00", "00", "01"],
    ...                 "phash": [None] * 3, "phash_mirror": [None] * 3})
    >>> assign_counts(one, {"test": 2}, 7, "split-1")["split"].to_pylist()
    ['test', 'test', 'train']
    """
    check_columns(rows, (stratify, group))
    groups = find_groups(rows, seed, step, stratify, group, distance)
    places = places_of(groups, bool(stratify))
    left = sorted(groups, key=lambda part: (places[part.key], part.key))
    split_of: dict[str, str] = {}
    for split, count in counts.items():
        taken = groups_for(left, count)
        split_of |= {root: split for part in taken for root in part.roots}
        keys = {part.key for part in taken}
        left = [part for part in reversed(left) if part.key not in keys]
    splits = [split_of.get(root, TRAIN) for root in rows["root"].to_pylist()]
    return pa.table({"id": rows["id"], "split": pa.array(splits, pa.string())})


def groups_for(groups: Sequence[Group], wanted: int) -> list[Group]:
    """Groups of ``wanted`` rows in total, or of the largest total below it: the first ones, as far as the count allows.

    >>> sizes = [4, 4, 3, 3, 1]
    >>> groups = [Group(str(place), frozenset(), rows, "") for place, rows in enumerate(sizes)]
    >>> [part.rows for part in groups_for(groups, 10)]
    [4, 3, 3]
    """
    first = _first_that_fit(groups, wanted)
    sums = [0, *accumulate(part.rows for part in first)]
    if sums[-1] == wanted or len(first) == len(groups):
        return first
    best = _most(_totals(groups, wanted))
    # Fewer first groups leave more to choose from, so bisection finds the most that fit.
    low, high = (
        0,
        len(first),
    )
    while low < high:
        middle = (low + high + 1) // 2
        rest = _without(groups, first[:middle])
        if _most(_totals(rest, best - sums[middle])) == best - sums[middle]:
            low = middle
        else:
            high = middle - 1
    return first[:low] + _that_add_up(_without(groups, first[:low]), best - sums[low])


def _first_that_fit(groups: Iterable[Group], wanted: int) -> list[Group]:
    taken: list[Group] = []
    for part in groups:
        if part.rows <= wanted:
            taken.append(part)
            wanted -= part.rows
    return taken


def _without(groups: Iterable[Group], taken: Iterable[Group]) -> list[Group]:
    keys = {part.key for part in taken}
    return [part for part in groups if part.key not in keys]


def _that_add_up(groups: Iterable[Group], total: int) -> list[Group]:
    """Groups with exactly this total, which is known to be possible: of each size the first ones."""
    by_size: defaultdict[int, list[Group]] = defaultdict(list)
    for part in groups:
        by_size[part.rows].append(part)
    sizes = sorted(by_size)
    # The possible totals after 0, 1, 2 … sizes.
    reached = [1]
    for size in sizes:
        reached.append(_with_size(reached[-1], size, len(by_size[size]), total))
    taken: list[Group] = []
    for before, size in zip(reached[-2::-1], reversed(sizes), strict=True):
        fewest = next(
            many for many in range(len(by_size[size]) + 1)
            if total >= many * size and before >> (total - many * size) & 1
        )  # fmt: skip
        taken += by_size[size][:fewest]
        total -= fewest * size
    return taken


def _totals(groups: Iterable[Group], most: int) -> int:
    """The possible totals of rows of some of the groups, up to ``most``: bit n is set if n is possible."""
    reached = 1
    for size, many in Counter(part.rows for part in groups).items():
        reached = _with_size(reached, size, many, most)
    return reached


def _with_size(reached: int, size: int, many: int, most: int) -> int:
    """The possible totals with up to ``many`` further groups of one size, by doubling."""
    within, step = (1 << (most + 1)) - 1, 1
    while many > 0 and step * size <= most:
        taken = min(step, many)
        reached |= reached << (taken * size) & within
        many -= taken
        step *= 2
    return reached


def _most(totals: int) -> int:
    return totals.bit_length() - 1
