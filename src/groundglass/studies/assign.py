"""The next trial of a rater: a pure function of the study's design, of what all raters did, and of what this one did.

Training comes first. Checks (repeats, traps, gold, identical pairs) come at their shares, at places that nobody can
predict and never two in a row. All other trials go to the image or pair with the fewest votes. Trials that were handed
out lately count as votes, so that two raters at once do not get the same last image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import ceil, floor

import numpy as np

from groundglass.random_streams import stream
from groundglass.studies.design import Design, Pair
from groundglass.studies.handed_out import Draft, Flags, History, Ints, Tally, pair_of
from groundglass.studies.records import COUNTED, Kind

REPEAT_AFTER = 10
"""The least number of trials until a trial is shown again."""
NEAR = 3
"""The partner of an image is the least compared of so many whose scores are nearest to its own."""


def next_trial(design: Design, tally: Tally, history: History) -> Draft | None:
    """The next trial of a rater; None if there is none for them now."""
    if at_cap(design, history):
        return None
    main = _main(design, tally, history)
    if main is None:
        return None  # nobody trains for nothing
    number = len(history.trials)
    if number < design.training:
        return _training(design, history, number)
    return _check(design, tally, history) or main


def at_cap(design: Design, history: History) -> bool:
    """Whether the rater has had as many trials as one rater may have; training does not count."""
    return design.cap is not None and len(history.trials) - design.training >= design.cap


def left_for(design: Design, tally: Tally, history: History) -> int | None:
    """About how many more trials the rater will get; None if it depends on the votes (freely chosen pairs)."""
    training = max(0, design.training - len(history.trials))
    rest = None
    if not design.free:
        units = np.flatnonzero(tally.wanting(design))
        # A check at share s in every trial: n images need n / (1 - s) trials, and no two checks follow each other.
        rest = ceil(sum(unit not in history.seen for unit in units.tolist()) / (1 - min(design.checked, 0.5)))
    if design.cap is not None:
        room = max(0, design.cap - max(0, len(history.trials) - design.training))
        rest = room if rest is None else min(room, rest)
    return None if rest is None else training + rest


def _training(design: Design, history: History, number: int) -> Draft:
    """A trial with feedback. One without a right answer shows a damaged copy every second time: that has one."""
    train = design.train
    left, right = train[number % len(train)] if train else _any(design, history, number)
    damaged = "" if design.answered(left, right) or number % 2 else design.damaged_side
    return _draft(design, history, "train", left, right, damaged=damaged)


def _any(design: Design, history: History, number: int) -> Pair:
    order = stream(design.seed, "training", history.rater).permutation(len(design.rated))
    return design.rated[int(order[number % len(order)])]


def _main(design: Design, tally: Tally, history: History) -> Draft | None:
    if design.free:
        pair = _free_pair(design, tally, history)
        return None if pair is None else _draft(design, history, design.kind, *pair)
    unit = _least_voted(design, tally, history)
    return None if unit is None else _draft(design, history, design.kind, *design.pair(unit), unit=unit)


def _least_voted(design: Design, tally: Tally, history: History) -> int | None:
    """The unit with the fewest votes that this rater has not had, by chance among equals."""
    free = tally.wanting(design)
    if history.seen:
        free[list(history.seen)] = False
    if not free.any():
        return None
    apart = free & ~np.isin(design.unit_contents, _recent(design, history))
    pool = apart if apart.any() else free  # the gap is kept as long as there is anything else
    key = np.where(pool, tally.counts * len(free) + design.ranks(history.rater), np.iinfo(np.int64).max)
    return int(np.argmin(key))


def _free_pair(design: Design, tally: Tally, history: History) -> Pair | None:
    """A pair of one group: first the ring that joins all its images, then the least compared with a near one."""
    ranks = design.ranks(history.rater)
    recent = _recent(design, history)
    apart = ~np.isin(design.contents, recent)
    open_ = [
        pair for pair in design.ring
        if not tally.edges[pair] and pair not in history.pairs and tally.readable(*pair)
    ]  # fmt: skip
    if open_:
        far = [pair for pair in open_ if apart[pair[0]] and apart[pair[1]]]
        return min(far or open_, key=lambda pair: tuple(sorted((int(ranks[pair[0]]), int(ranks[pair[1]])))))
    for allowed in (apart, np.ones(len(apart), np.bool_)):
        pair = _near_pair(design, tally, history, allowed, ranks)
        if pair is not None:
            return pair
    return None


def _near_pair(design: Design, tally: Tally, history: History, allowed: Flags, ranks: Ints) -> Pair | None:
    wanting = (design.group_numbers >= 0) & tally.wanting(design)
    first = np.flatnonzero(wanting & allowed)
    for one in first[np.lexsort((ranks[first], tally.counts[first]))].tolist():
        group = design.group_of(one)
        partners = [
            other for other in group.tolist()
            if other != one and allowed[other] and pair_of(one, other) not in history.pairs
            and tally.readable(other)
        ]  # fmt: skip
        partners = [other for other in partners if wanting[other]] or partners
        if partners:
            off = {other: abs(tally.scores[other] - tally.scores[one]) for other in partners}
            near = sorted(partners, key=lambda other: (off[other], ranks[other]))[:NEAR]
            return one, min(near, key=lambda other: (tally.counts[other], off[other], ranks[other]))
    return None


def _check(design: Design, tally: Tally, history: History) -> Draft | None:
    """The check that is due, if one is and if it is possible now; else it comes later."""
    if not history.trials or history.trials[-1].kind in design.shares:
        return None
    done = Counter(draft.kind for draft in history.trials)
    number = len(history.trials) - design.training + 1
    for kind, share in design.shares.items():
        if share and due(design.seed, kind, history.rater, share, number) > done[kind]:
            made = _CHECKS[kind](design, history)
            if made is not None and tally.readable(made.left, made.right):
                return made
    return None


def due(seed: int, kind: str, rater: str, share: float, number: int) -> int:
    """How many checks of a kind are due by a rater's trial ``number``: one in each 1/share trials, at a random place.

    >>> [due(1, "trap", "r01", 0.1, number) for number in (10, 20, 200)]
    [1, 2, 20]
    """
    window = 1 / share
    whole = floor(number / window + 1e-9)
    place = stream(seed, "check", kind, rater, whole).random()
    return whole + (ceil((whole + place) * window) <= number)


def _repeat(design: Design, history: History) -> Draft | None:
    last = len(history.trials) - max(REPEAT_AFTER, design.gap + 1)
    able = [
        at for at, draft in enumerate(history.trials[: last + 1])
        if draft.kind in COUNTED and at + 1 not in history.repeated
        and _is_apart(design, history, draft.left, draft.right)
    ]  # fmt: skip
    if not able:
        return None
    at = able[int(_chance(design, history, "repeat").integers(len(able)))]
    draft = history.trials[at]
    return _draft(design, history, "repeat", draft.left, draft.right, of=at + 1)


def _trap(design: Design, history: History) -> Draft | None:
    pair = _unchecked(design, history, "trap")
    return pair and _draft(design, history, "trap", *pair, damaged=design.damaged_side)


def _bias(design: Design, history: History) -> Draft | None:
    pair = _unchecked(design, history, "bias")
    return pair and _draft(design, history, "bias", pair[0], pair[0])


def _gold(design: Design, history: History) -> Draft | None:
    had = {draft.left for draft in history.trials if draft.kind == "gold"}
    pool = [pair for pair in design.gold if pair[0] not in had and _is_apart(design, history, *pair)]
    if not pool:
        return None
    return _draft(design, history, "gold", *pool[int(_chance(design, history, "gold").integers(len(pool)))])


_CHECKS = {"trap": _trap, "gold": _gold, "repeat": _repeat, "bias": _bias}


def _unchecked(design: Design, history: History, kind: str) -> Pair | None:
    """A pair (or image) to check with: outside the gap, if possible one that the rater has rated already."""
    had = {draft.left for draft in history.trials if draft.kind == kind}
    rated = {draft.left for draft in history.trials if draft.kind in COUNTED}
    pool = [pair for pair in design.rated if pair[0] not in had and _is_apart(design, history, *pair)]
    pool = [pair for pair in pool if pair[0] in rated] or pool
    return pool[int(_chance(design, history, kind).integers(len(pool)))] if pool else None


def _draft(
    design: Design,
    history: History,
    kind: Kind,
    left: int,
    right: int,
    unit: int = -1,
    damaged: str = "",
    of: int | None = None,
) -> Draft:
    """The trial with its images at the sides where the rater had them less often."""
    if not design.sides_vary:
        return Draft(kind, left, right, unit, damaged, of)
    chance = _chance(design, history, "sides").random() < 0.5
    if damaged:  # a comparison of an image with its damaged copy
        side = _turned(history.lean["damaged"], chance)
        return Draft(kind, left, left, unit, "right" if side else "left", of)
    lean = history.lean[design.lean_key(left)] - history.lean[design.lean_key(right)]
    if _turned(lean, chance):
        left, right = right, left
    return Draft(kind, left, right, unit, "", of)


def _turned(lean: int, chance: bool) -> bool:
    """Whether the image that would be at the left goes to the right: if it was at the left more often, or by chance."""
    return lean > 0 or (lean == 0 and chance)


def _recent(design: Design, history: History) -> list[int]:
    """The contents of the last ``gap`` trials."""
    return list(_contents(design, history.trials[max(0, len(history.trials) - design.gap) :]))


def _contents(design: Design, drafts: Iterable[Draft]) -> Iterator[int]:
    for draft in drafts:
        yield int(design.contents[draft.left])
        if draft.right >= 0:
            yield int(design.contents[draft.right])


def _is_apart(design: Design, history: History, *items: int) -> bool:
    """Whether none of these items has a content of the last ``gap`` trials."""
    return {int(design.contents[item]) for item in items if item >= 0}.isdisjoint(_recent(design, history))


def _chance(design: Design, history: History, what: str) -> np.random.Generator:
    return stream(design.seed, what, history.rater, len(history.trials))
