"""The design of a study as the assignment of trials needs it: images as numbers, and what is rated against what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from groundglass.random_streams import stream
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.records import ItemRow, Kind

Pair = tuple[int, int]
"""Two positions of items; the second is -1 in trials of one image."""
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Design:
    """The design of a study. Items are positions 0 … N-1 in ``items``.

    units     (U, 2) what gets votes: an image (image, -1), or a pair that is given by `folders`; empty if ``free``
    free      pairs are chosen while people vote, among the images of one content (or among all)
    rated     images or pairs from which checks are made
    train, gold   those that train raters, and those with a right answer
    contents  (N) the number of each item's content
    shares    kind of check → its share of the trials
    checked   the sum of these shares
    """

    items: tuple[ItemRow, ...]
    protocol: str
    kind: Kind
    votes: int
    cap: int | None
    sitting: int | None
    gap: int
    stop: float | None
    seed: int
    training: int
    shares: dict[str, float]
    units: Ints
    free: bool
    groups: tuple[Ints, ...]
    ring: tuple[Pair, ...]
    rated: tuple[Pair, ...]
    train: tuple[Pair, ...]
    gold: tuple[Pair, ...]
    contents: Ints
    _ranks: dict[str, Ints] = field(default_factory=dict[str, Ints])

    @property
    def checked(self) -> float:
        return sum(self.shares.values())

    @property
    def sides_vary(self) -> bool:
        """Whether left and right are interchangeable; a pair of low and high quality has fixed places."""
        return self.protocol == "pairwise"

    @property
    def damaged_side(self) -> str:
        return "single" if self.protocol not in ("pairwise", "pair_accept") else "right"

    @cached_property
    def unit_contents(self) -> Ints:
        return self.contents[self.units[:, 0]]

    @cached_property
    def group_numbers(self) -> Ints:
        """(N) the position of each item's group; -1 for an item that takes part in no freely chosen pair."""
        numbers = np.full(len(self.items), -1, np.int64)
        for at, group in enumerate(self.groups):
            numbers[group] = at
        return numbers

    def pair(self, unit: int) -> Pair:
        left, right = self.units[unit].tolist()
        return left, right

    def group_of(self, item: int) -> Ints:
        """The items that an item may be compared with, itself among them."""
        return self.groups[int(self.group_numbers[item])]

    def answered(self, left: int, right: int) -> bool:
        """Whether a trial of these images has a right answer."""
        return self.items[right if right >= 0 else left].low is not None

    def lean_key(self, item: int) -> str | int:
        """The name under which the sides of an item are balanced: its arm, or the item itself."""
        return self.items[item].arm or item

    def ranks(self, rater: str) -> Ints:
        """A random order of the units (or items) for one rater: it decides among equals."""
        if rater not in self._ranks:
            size = len(self.items) if self.free else len(self.units)
            self._ranks[rater] = stream(self.seed, "order", rater).permutation(size)
        return self._ranks[rater]


def check_shares(body: StudyStep, golden: bool) -> dict[str, float]:
    """Kind of check → its share of the trials; ``golden``: whether there are items with a known answer.

    >>> check_shares(StudyStep(protocol="pair_accept", folders={"lq": "a", "hq": "b"}), False)
    {'trap': 0.03, 'gold': 0.0, 'repeat': 0.05, 'bias': 0.0}
    """
    pairwise = body.protocol == "pairwise"
    return {
        "trap": body.checks.trap,
        "gold": body.checks.gold if golden and not pairwise else 0.0,
        "repeat": body.checks.repeat,
        "bias": body.checks.identical if pairwise else 0.0,
    }


def design_of(body: StudyStep, items: Sequence[ItemRow], seed: int) -> Design:
    """The design of a study with these items, in their order."""
    contents = _contents(body, items)
    rate, train, gold = (
        [at for at, item in enumerate(items) if item.role == role] for role in ("rate", "train", "gold")
    )
    free = body.free_pairs
    groups = _groups(body, items, rate) if free else ()
    units = [] if free else _units(body, items, rate)
    ring = tuple(edge for number, group in enumerate(groups) for edge in _ring(group, seed, number))
    kind: Kind = "rate"
    if body.protocol == "pairwise":
        kind = "pair"
    elif body.protocol in ("accept", "pair_accept"):
        kind = "review"
    golden = () if free else tuple(_units(body, items, gold))
    shares = check_shares(body, bool(golden))
    trained = _ring_pairs(items, train, body) if free else _units(body, items, train)
    return Design(
        items=tuple(items),
        protocol=body.protocol,
        kind=kind,
        votes=body.votes,
        cap=body.cap,
        sitting=body.sitting,
        gap=body.gap,
        stop=body.stop,
        seed=seed,
        training=body.checks.training if ring or units else 0,
        shares=shares,
        units=np.array(units, np.int64).reshape(-1, 2),
        free=free,
        groups=groups,
        ring=ring,
        rated=ring if free else tuple(units),
        train=tuple(trained),
        gold=golden,
        contents=contents,
    )


def _contents(body: StudyStep, items: Sequence[ItemRow]) -> Ints:
    """A number for each content. An image without one is its own, wherever it appears; so are the images of one row."""
    names: dict[tuple[str, str], int] = {}
    free = body.free_pairs and not body.content
    keys = [("", item.row) if free or not item.content else ("content", item.content) for item in items]
    return np.array([names.setdefault(key, len(names)) for key in keys], np.int64)


def _units(body: StudyStep, items: Sequence[ItemRow], chosen: Sequence[int]) -> list[Pair]:
    """Each image; or, with `folders`, every two arms of each content."""
    if not body.folders:
        return [(at, -1) for at in chosen]
    arms = list(body.folders)
    by_content: defaultdict[str, list[int]] = defaultdict(list)
    for at in chosen:
        by_content[items[at].content].append(at)
    found: list[Pair] = []
    for group in by_content.values():
        found += combinations(sorted(group, key=lambda at: arms.index(items[at].arm)), 2)
    return found


def _groups(body: StudyStep, items: Sequence[ItemRow], chosen: Sequence[int]) -> tuple[Ints, ...]:
    """The images that compete with each other: those of one content, or all."""
    by_content: defaultdict[str, list[int]] = defaultdict(list)
    for at in chosen:
        by_content[items[at].content if body.content else ""].append(at)
    return tuple(np.array(group, np.int64) for group in by_content.values() if len(group) > 1)


def _ring(group: Ints, seed: int, number: int) -> list[Pair]:
    """The pairs that join a group in a random circle: with them every score depends on every other."""
    order = group[stream(seed, "ring", number).permutation(len(group))].tolist()
    edges = [(min(pair), max(pair)) for pair in pairwise([*order, order[0]])]
    return list(dict.fromkeys(edges))


def _ring_pairs(items: Sequence[ItemRow], train: Sequence[int], body: StudyStep) -> list[Pair]:
    """Pairs for training: the next two of one content, or any next two."""
    if not body.content:
        return list(zip(train[::2], train[1::2], strict=False))
    groups = _groups(body, items, train)
    return [(int(group[0]), int(group[1])) for group in groups]
