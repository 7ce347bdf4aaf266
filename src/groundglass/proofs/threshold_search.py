"""A threshold chosen by a proof: which candidate's images train better than those of the loosest candidate.

The best of several candidates looks better than it is: it was picked for its luck, too. So one half of the scored
images picks a candidate, and the other half, which had no part in that, compares it with the loosest candidate. Both
halves score the same trainings, so luck in the *photos that were trained on* is the same in both; against that, the
check asks for more standard deviations the more candidates there were (`groundglass.proofs.comparison.limits`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.proofs.arms import (
    FEWEST,
    FEWEST_SCORED,
    MOST_SCORED,
    SCORED_SHARE,
    Arm,
    Comparison,
    Trial,
    held_out_to_score,
    sampled,
    without_photos,
)
from groundglass.proofs.comparison import (
    LIMIT,
    Effect,
    Floats,
    Indices,
    Score,
    limits,
    null_of,
    selection_effect,
)
from groundglass.proofs.preset import PRESETS, Preset
from groundglass.proofs.threshold_found import BETTER, NOT_COMPARED, SAME, WORSE, Found, Half, Point
from groundglass.proofs.units import Ready
from groundglass.random_streams import stream
from groundglass.tables.parquet import compute
from groundglass.text.format import exact, some

HALVES = 2
"""One half of the scored images picks, the other checks."""


@dataclass(frozen=True)
class Candidate:
    """A threshold and the rows that it keeps, of `groundglass.tables.rows.ROWS`."""

    theta: float
    rows: pa.Table

    @property
    def photos(self) -> int:
        """How many photos its rows come from."""
        return len(compute.unique(self.rows["root"]))


@dataclass(frozen=True)
class Search:
    """All that a search compares.

    candidates  those that are compared, from the loosest to the strictest; each keeps a part of what the one before
                it keeps
    points      of every candidate of the recipe: how many rows it keeps, and why it is not compared
    trial       an arm for each compared candidate; the images that are scored are in none of them
    """

    candidates: tuple[Candidate, ...]
    points: tuple[Point, ...]
    trial: Trial


def prepare_search(candidates: Sequence[Candidate], images: int, score_on: bool) -> Search:
    """The candidates that can be compared, and what they are scored on.

    ``candidates`` go from the loosest to the strictest. Without ``score_on``, a fifth of the photos that pass the
    strictest compared candidate, at least ten and at most sixty, are taken out of all arms to score on. A candidate
    with too few images is left out, and so is one that keeps the same images as a looser one.
    """
    points: list[Point] = []
    left: list[Candidate] = []
    for each in candidates:
        reason = _left_out(each, left, score_on)
        points.append(Point(each.theta, each.rows.num_rows, left_out=reason))
        if not reason:
            left.append(each)
    # Candidates are only compared with the loosest of the recipe: without it there is nothing to compare.
    if len(left) < 2 or left[0] is not candidates[0]:
        return Search((), tuple(points), Trial({}, ()))
    scored = None if score_on else _held_out(left[-1])
    kept = {
        _name(each.theta): Arm(
            sampled(each.rows if scored is None else without_photos(each.rows, scored), images)
        )
        for each in left
    }
    loosest = _name(left[0].theta)
    compared = tuple(Comparison(_name(each.theta), loosest) for each in left[1:])
    notes: tuple[str, ...] = ()
    if scored is not None:
        notes = (
            f"scored on {scored.num_rows} photos that pass {_name(left[-1].theta)}: they were not trained on, and the "
            "selection keeps them; they are like the strictest candidate's images, which favours it: score_on names "
            "neutral ones",
        )
    return Search(tuple(left), tuple(points), Trial(kept, compared, scored, notes))


def _left_out(each: Candidate, looser: Sequence[Candidate], score_on: bool) -> str:
    """Why a candidate is not compared; "" if it is."""
    if looser and each.rows.num_rows == looser[-1].rows.num_rows:
        return f"keeps the same images as {_name(looser[-1].theta)}"
    if each.rows.num_rows < FEWEST:
        return f"keeps {some(each.rows.num_rows, 'images')}; at least {FEWEST} are needed"
    fewest = FEWEST + HALVES * FEWEST_SCORED
    if not score_on and each.photos < fewest:
        return f"keeps images of {some(each.photos, 'photos')}; at least {fewest} are needed, to train and to score on"
    return ""


def _held_out(strictest: Candidate) -> pa.Table:
    """Photos to score on, one row of each."""
    fewest = HALVES * FEWEST_SCORED
    if int(strictest.photos * SCORED_SHARE) >= fewest:
        return held_out_to_score(strictest.rows, MOST_SCORED)
    roots = strictest.rows.sort_by("id").group_by("root", use_threads=False).aggregate([("id", "first")])
    chosen = roots.sort_by("root")["id_first"].slice(0, fewest)
    return strictest.rows.filter(compute.is_in(strictest.rows["id"], chosen.combine_chunks()))


def in_halves(scored: Sequence[bytes]) -> tuple[list[bytes], NDArray[np.bool_]]:
    """Scored images in the order of their hashes, and which of them pick a candidate; the others check it.

    >>> images, picks = in_halves([b"a", b"b", b"c"])
    >>> sorted(images), picks.tolist()
    ([b'a', b'b', b'c'], [True, False, True])
    """
    ordered = sorted(scored, key=lambda image: hashlib.sha256(image).digest())
    return ordered, np.arange(len(ordered)) % HALVES == 0


class _Kept:
    """A score that does not train a second time on the same sets: two halves of the scored images ask for them."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._known: dict[str, Floats] = {}

    def of(self, columns: NDArray[np.bool_]) -> Score:
        """The same score, on some of the scored images."""
        return lambda shares, seeds: self(shares, seeds)[:, columns]

    def __call__(self, shares: NDArray[Any], seeds: Sequence[int]) -> Floats:
        key = hashlib.sha256(shares.tobytes() + repr(list(seeds)).encode()).hexdigest()
        if key not in self._known:
            self._known[key] = self._score(shares, seeds)
        return self._known[key]


def search(
    found: Search, ready: Ready, picks: NDArray[np.bool_], preset_name: str, seed: int, step: str
) -> Found:
    """Pick a candidate by one half of the scored images, and check it by the other half.

    The pick is the candidate whose effect is surely the largest: the effect less three times its spread. Without a
    verdict `better` in the check, the loosest candidate stays.
    """
    preset = PRESETS[preset_name]
    own = {name: np.unique(places[places >= 0]) for name, places in ready.places.items()}
    nothing = Found(found.points[0].theta, NOT_COMPARED, preset_name, found.points)
    too_few = _too_few(found, own, picks)
    if too_few:
        return replace(nothing, why=too_few)
    score, loosest = _Kept(ready.score), own[_name(found.candidates[0].theta)]
    stricter = found.candidates[1:]
    halves = [
        _effects(score.of(half), ready, own, loosest, stricter, preset, seed, step)
        for half in (picks, ~picks)
    ]
    if not all(np.isfinite([each.effect, each.null_sd]).all() for half in halves for each in half.values()):
        return replace(nothing, why=ready.failure() or "a training gave no finite score")
    limit = limits(len(stricter))[0]
    tried = max(halves[0], key=lambda theta: halves[0][theta].effect - LIMIT * halves[0][theta].spread)
    check = halves[1][tried]
    shown = abs(check.effect) > limit * check.spread
    better = shown and check.effect > 0
    whole = _wholes(ready, own) if preset.alarms else {}
    points = tuple(_measured(each, halves, whole, limit, len(loosest)) for each in found.points)
    return Found(
        tried if better else found.points[0].theta,
        BETTER if better else WORSE if shown else SAME,
        preset_name,
        points,
        tried,
        n_picking=int(picks.sum()),
        n_checking=int((~picks).sum()),
        notes=(*found.trial.notes, *ready.notes),
    )


def _too_few(found: Search, own: Mapping[str, Indices], picks: NDArray[np.bool_]) -> str:
    """Why nothing can be compared after all, once it is known which images can be used; "" if it can."""
    fewest = min(int(picks.sum()), int((~picks).sum()))
    if fewest < FEWEST_SCORED:
        return (
            f"{some(len(picks), 'usable images')} are too few to score on (at least {HALVES * FEWEST_SCORED})"
        )
    for each in found.candidates:
        count = len(own[_name(each.theta)])
        if count < FEWEST:
            return f"{_name(each.theta)} has {some(count, 'usable images')}; at least {FEWEST} are needed"
    return ""


def _effects(
    score: Score,
    ready: Ready,
    own: Mapping[str, Indices],
    loosest: Indices,
    stricter: Sequence[Candidate],
    preset: Preset,
    seed: int,
    step: str,
) -> dict[float, Effect]:
    """The effect of each stricter candidate against as many random images of the loosest one, on some images."""
    null = None
    if preset.shared:
        count = min(len(loosest) // 2, *(len(own[_name(each.theta)]) for each in stricter))
        random = stream(seed, "theta", step, "null")
        null = null_of(score, loosest, ready.photos, count, count, preset, random)
    return {
        each.theta: selection_effect(
            score,
            own[_name(each.theta)],
            loosest,
            ready.photos,
            preset,
            # The same stream for both halves, so that both score the same sets.
            stream(seed, "theta", step, each.theta),
            null,
        )
        for each in stricter
    }


def _wholes(ready: Ready, own: Mapping[str, Indices]) -> dict[str, float]:
    """dB that each candidate's images score when all of them are trained on."""
    shares = np.zeros((len(own), len(ready.photos)))
    for row, units in zip(shares, own.values(), strict=True):
        row[units] = 1
    return dict(zip(own, ready.score(shares, [0] * len(own)).mean(1).tolist(), strict=True))


def _measured(
    point: Point,
    halves: Sequence[Mapping[float, Effect]],
    whole: Mapping[str, float],
    limit: float,
    images: int,
) -> Point:
    """A point of the curve with its effects; the loosest candidate has none, and one that was left out neither."""
    if point.theta in halves[0]:
        pick, check = (_half(half[point.theta], limit) for half in halves)
        point = replace(point, images=halves[0][point.theta].n_units, pick=pick, check=check)
    elif not point.left_out:
        point = replace(point, images=images)
    return replace(point, whole=whole.get(_name(point.theta)))


def _half(effect: Effect, limit: float) -> Half:
    return Half(effect.effect, effect.ci95, limit * effect.spread)


def _name(theta: float) -> str:
    return f"theta {exact(theta)}"
