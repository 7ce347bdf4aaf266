"""Decides the split of each image: a cluster is never divided, and hashes decide, so the result does not change
over time.

A *group* must stay together: all tiles and scales of a photo, photos with the same bytes,
near-duplicates, and photos with equal values in a column that the user names. Groups are connected
components, so two photos that are only related through a third one are together as well.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.similarity.near_columns import NEAR
from groundglass.similarity.near_duplicates import DEFAULT_DISTANCE, near_duplicate_clusters
from groundglass.similarity.orientations import of_images


@dataclass(frozen=True)
class Group:
    """Photos that stay together.

    key       hexadecimal digest that decides the split
    roots     ids of its photos
    rows      number of its images in the set
    stratum   the most frequent value of the stratify column among its images
    """

    key: str
    roots: frozenset[str]
    rows: int
    stratum: str


def assign_splits(
    rows: pa.Table,
    shares: Mapping[str, float],
    seed: int,
    step: str,
    *,
    stratify: str | None = None,
    group: str | None = None,
    distance: int | None = None,
) -> pa.Table:
    """The split of every row, as a table ``id, split`` in the order of ``rows``.

    ``rows`` has ``id``, ``root`` (the photo's id), ``sha256``, the columns `NEAR` (of the photo; null
    if unknown; the last two may be missing) and those named by ``stratify`` and ``group``. ``shares`` are
    shares of 1 by split name. ``distance`` is the number of the 64 bits that may differ between near-duplicates;
    None is `near_duplicates.DEFAULT_DISTANCE`.

    Without ``stratify`` a group's split depends on that group alone: shares are met on average (n groups are
    off by about sqrt(share (1 - share) / n)), and photos added later move no group, unless they join it
    as a near-duplicate or link it with another. With ``stratify`` the shares of each stratum are met to
    within one group; then a stratum that grows may move the few groups next to a cut, and the others stay.

    Raises RecipeError if the shares do not sum to 1 or a column is missing.

    >>> one = pa.table({"id": ["a", "b"], "root": ["r", "r"], "sha256": ["00", "00"], "phash": [None, None],
    ...                 "phash_mirror": [None, None]})
    >>> assign_splits(one, {"train": 0.8, "test": 0.2}, 7, "split-1")["split"].to_pylist()
    ['train', 'train']
    """
    _check_shares(shares)
    check_columns(rows, (stratify, group))
    groups = find_groups(rows, seed, step, stratify, group, distance)
    places = places_of(groups, bool(stratify))
    cuts = _cuts(shares)
    split_of = {root: _split_at(places[part.key], cuts) for part in groups for root in part.roots}
    splits = [split_of[root] for root in rows["root"].to_pylist()]
    return pa.table({"id": rows["id"], "split": pa.array(splits, pa.string())})


def _check_shares(shares: Mapping[str, float]) -> None:
    total = sum(shares.values())
    if abs(total - 1) > 1e-6 or any(share < 0 for share in shares.values()):
        raise RecipeError(
            f"the shares of the splits sum to {total:g}", "make them sum to 1, for example .8, .1 and .1"
        )


def check_columns(rows: pa.Table, columns: Iterable[str | None]) -> None:
    """Raises RecipeError if a column is missing."""
    for column in columns:
        if column is not None and column not in rows.column_names:
            raise RecipeError(
                f"there is no column {column!r} to split by", f"one of {', '.join(rows.column_names)}"
            )


def find_groups(
    rows: pa.Table, seed: int, step: str, stratify: str | None, group: str | None, distance: int | None
) -> list[Group]:
    """The groups of a set, in no particular order; see `assign_splits` for the arguments."""
    photographs = _photographs(rows)
    links = _Links(photographs["root"].to_pylist())
    links.join_equal(photographs["root"].to_pylist(), photographs["sha256"].to_pylist())
    for one, other in _near_duplicates(photographs, distance):
        links.join(one, other)
    users = rows[group].to_pylist() if group else [None] * rows.num_rows
    links.join_equal(rows["root"].to_pylist(), users)
    names = _key_names(rows, users)
    strata = rows[stratify].to_pylist() if stratify else [None] * rows.num_rows
    members: defaultdict[str, list[int]] = defaultdict(list)
    for position, root in enumerate(rows["root"].to_pylist()):
        members[links.find(root)].append(position)
    roots = rows["root"].to_pylist()
    return [
        Group(
            key=_key(seed, step, (names[position] for position in positions)),
            roots=frozenset(roots[position] for position in positions),
            rows=len(positions),
            stratum=_most_frequent(strata[position] for position in positions),
        )
        for positions in members.values()
    ]


def _photographs(rows: pa.Table) -> pa.Table:
    """One row for each photo: the first of its rows that has a hash."""
    chosen: dict[str, int] = {}
    known = rows["phash"].is_valid().to_pylist()
    for position, root in enumerate(rows["root"].to_pylist()):
        if root not in chosen or (known[position] and not known[chosen[root]]):
            chosen[root] = position
    return rows.select(["root", "sha256", *_hashes_in(rows)]).take(
        pa.array(list(chosen.values()), pa.int64())
    )


def _hashes_in(rows: pa.Table) -> list[str]:
    return [name for name in NEAR if name in rows.column_names]


def _near_duplicates(photographs: pa.Table, distance: int | None) -> Iterable[tuple[str, str]]:
    """Pairs (first of a cluster, another of it)."""
    known = photographs.filter(photographs["phash"].is_valid())
    if known.num_rows < 2:
        return

    near = DEFAULT_DISTANCE if distance is None else distance
    hashes, details = of_images({name: known[name] for name in _hashes_in(known)})
    clusters = near_duplicate_clusters(hashes[0], hashes[1:], near, details)
    first: dict[int, str] = {}
    for root, cluster in zip(known["root"].to_pylist(), clusters.tolist(), strict=True):
        yield first.setdefault(cluster, root), root


def _key_names(rows: pa.Table, users: Sequence[Any]) -> list[str]:
    """A row's part of its group's key: the user's value, else the photo's content, else its id."""
    return [
        f"1:{user}" if user is not None else f"2:{sha256}" if sha256 else f"3:{root}"
        for user, sha256, root in zip(
            users, rows["sha256"].to_pylist(), rows["root"].to_pylist(), strict=True
        )
    ]


def _key(seed: int, step: str, names: Iterable[str]) -> str:
    """The smallest digest of the strongest kind of name, so that images that join a user's group do not change it."""
    named = set(names)
    kind = min(name[0] for name in named)
    return min(
        hashlib.sha256(f"{seed}\0{step}\0{name}".encode()).hexdigest() for name in named if name[0] == kind
    )


def places_of(groups: Sequence[Group], stratify: bool) -> dict[str, float]:
    """The position of each group in [0, 1), by its key: among all groups, or among those of its stratum."""
    return _places_by_stratum(groups) if stratify else {part.key: _place(part.key) for part in groups}


def _place(key: str) -> float:
    """A digest as a number in [0, 1)."""
    # 13 hex digits are 52 bits, which a double holds exactly.
    return int(key[:13], 16) / 16**13


def _places_by_stratum(groups: Iterable[Group]) -> dict[str, float]:
    """The middle of each group's section when its stratum's images are lined up, ordered by key."""
    strata: defaultdict[str, list[Group]] = defaultdict(list)
    for group in sorted(groups, key=lambda part: part.key):
        strata[group.stratum].append(group)
    places: dict[str, float] = {}
    for members in strata.values():
        total, before = sum(group.rows for group in members), 0
        for group in members:
            places[group.key] = (before + group.rows / 2) / total
            before += group.rows
    return places


def _cuts(shares: Mapping[str, float]) -> list[tuple[float, str]]:
    """The end of each split in [0, 1); a split of share 0 gets no group."""
    cuts: list[tuple[float, str]] = []
    end = 0.0
    for split, share in shares.items():
        if share > 0:
            end += share
            cuts.append((end, split))
    return cuts


def _split_at(place: float, cuts: Sequence[tuple[float, str]]) -> str:
    # In floating point the last cut may end just below 1.
    return next((split for end, split in cuts if place < end), cuts[-1][1])


def _most_frequent(values: Iterable[Any]) -> str:
    counts: defaultdict[str, int] = defaultdict(int)
    for value in values:
        counts[str(value)] += 1
    return min(counts, key=lambda value: (-counts[value], value))


class _Links:
    """Connected components by union-find (Tarjan 1975) with path halving."""

    def __init__(self, names: Iterable[str]) -> None:
        self._above = {name: name for name in names}

    def find(self, name: str) -> str:
        above = self._above
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    def join(self, one: str, other: str) -> None:
        self._above[self.find(one)] = self.find(other)

    def join_equal(self, names: Sequence[str], values: Sequence[Hashable]) -> None:
        """Join all names with the same value; null joins nothing."""
        first: dict[Hashable, str] = {}
        for name, value in zip(names, values, strict=True):
            if value is not None:
                self.join(name, first.setdefault(value, name))
