"""From scores to verdicts: effects, the right null for each kind of arm, and a correction for many arms.

Two sets of photos always differ a little in what they teach. A difference between two *selections* is compared with
the differences between random splits of the same photos: several seeds of one split would sample the training and
never the photos, and called equal halves different by ten standard deviations. If both arms hold the *same*
photos, encoded differently, the photos are resampled instead. In both cases the scored images are a sample too, so an
effect must also exceed the standard error over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from groundglass.proofs.preset import Preset

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Verdict = Literal["better", "worse", "no difference shown", "failed"]

LIMIT = 3.0
"""Standard deviations that an effect must exceed: those of its null, and the standard errors over scored images."""


ROUNDING = 1e-5
"""dB: what single precision leaves of a difference that is none; no spread is taken to be smaller."""


class Score(Protocol):
    """Trains on sets of units and scores the results.

    ``shares`` is sets x units: how often each unit is in each set. ``seeds`` numbers the sets: equal numbers see the
    same random choices. Gives sets x scored images, PSNR of luma in dB; NaN where a training failed.
    """

    def __call__(self, shares: NDArray[Any], seeds: Sequence[int]) -> Floats: ...


@dataclass(frozen=True)
class Effect:
    """How much better an arm is than what it is compared with.

    effect     dB, the mean over scored images; above 0: better
    null_sd    dB, standard deviation of the effect under chance: random splits, or resampled photos
    se_scored  dB, standard error of the effect over the scored images
    n_units    units in each set that was trained on
    kind       "selection" or "same photos"
    """

    effect: float
    null_sd: float
    se_scored: float
    n_units: int
    kind: Literal["selection", "same photos"]

    @property
    def spread(self) -> float:
        """The larger of both standard deviations, or both combined where they are errors of one estimate."""
        if self.kind == "same photos":
            return max(ROUNDING, float(np.hypot(self.null_sd, self.se_scored)))
        return max(ROUNDING, self.null_sd, self.se_scored)

    @property
    def z(self) -> float:
        """The effect in standard deviations."""
        return abs(self.effect) / self.spread

    @property
    def ci95(self) -> tuple[float, float]:
        """The interval that holds the effect in 95 of 100 cases, dB."""
        half = 1.96 * float(np.hypot(self.null_sd, self.se_scored))
        return self.effect - half, self.effect + half


def selection_effect(
    score: Score,
    arm: Indices,
    against: Indices,
    photos: Indices,
    preset: Preset,
    random: np.random.Generator,
    null_sd: float | None = None,
) -> Effect:
    """The effect of training on one selection of units instead of another, at equal counts.

    ``arm`` and ``against`` are numbers of units and may overlap; ``photos`` says of each unit which photo it is of.
    Half as many images score about .015 dB less, so the larger arm is represented by random sets of the smaller
    one's size. The null relabels the pool of both: random sets of the same sizes with the same overlap. Units of one
    photo stay together there, since tiles of one photo teach much the same. ``null_sd``: the null's spread where it
    is known already.
    """
    units = len(photos)
    count = min(len(arm), len(against))
    one = _drawn(arm, count, units, preset, random)
    other = _drawn(against, count, units, preset, random)
    seeds = np.arange(max(len(one), len(other)))
    difference = score(one, list(seeds[: len(one)])).mean(0) - score(other, list(seeds[: len(other)])).mean(0)

    if null_sd is None:
        null_sd = null_of(score, np.union1d(arm, against), photos, len(arm), len(against), preset, random)
    return Effect(float(difference.mean()), null_sd, standard_error(difference), count, "selection")


def size_effect(
    score: Score,
    arm: Indices,
    against: Indices,
    photos: Indices,
    preset: Preset,
    random: np.random.Generator,
    null_sd: float | None = None,
) -> Effect:
    """The effect of training on fewer or more images: counts stay as they are. The null is that of a selection."""
    difference = np.subtract(*score(_sets([arm, against], len(photos)), [0, 0]))
    if null_sd is None:
        null_sd = null_of(score, np.union1d(arm, against), photos, len(arm), len(against), preset, random)
    return Effect(float(difference.mean()), null_sd, standard_error(difference), len(arm), "selection")


def null_of(
    score: Score,
    pool: Indices,
    photos: Indices,
    first: int,
    second: int,
    preset: Preset,
    random: np.random.Generator,
) -> float:
    """The spread of the difference between random sets of a pool, of these sizes."""
    pairs = [_relabelled(pool, photos, first, second, random) for _ in range(preset.splits)]
    numbers = list(range(preset.splits))
    one, other = ([pair[place] for pair in pairs] for place in (0, 1))
    chance = score(_sets(one, len(photos)), numbers)
    # A set that is the whole pool is the same in every split: it is scored once.
    same = second == len(pool)
    chance = chance - score(
        _sets(other[:1] if same else other, len(photos)), numbers[:1] if same else numbers
    )
    # A training that failed takes its own split with it, not all comparisons.
    spread = chance.mean(1)[np.isfinite(chance).all(1)]
    return float(spread.std(ddof=1)) if len(spread) > 2 else float("nan")


def same_photos_effect(
    score: Score, arm: Indices, against: Indices, photos: Indices, preset: Preset, random: np.random.Generator
) -> Effect:
    """The effect of another encoding of the same photos; ``arm[i]`` and ``against[i]`` show the same image."""
    units = len(photos)
    own, numbers = np.unique(photos[arm], return_inverse=True)
    often = random.multinomial(len(own), np.full(len(own), 1 / len(own)), size=preset.resamples)[:, numbers]
    one, other = np.zeros((2, preset.resamples, units))
    one[:, arm], other[:, against] = often, often
    seeds = list(range(preset.resamples))
    differences = score(one, seeds) - score(other, seeds)
    spread = float(differences.mean(1).std(ddof=1))
    if preset.averaged:
        difference, spread = differences.mean(0), spread / np.sqrt(preset.resamples)
    else:
        whole = _sets([arm, against], units)
        difference = np.subtract(*score(whole, [0, 0]))
    return Effect(float(difference.mean()), spread, standard_error(difference), len(arm), "same photos")


def false_alarm_rate(
    score: Score, pool: Indices, photos: Indices, preset: Preset, random: np.random.Generator
) -> float:
    """The share of random halves of a pool that would be called different, measured on ``preset.alarms`` of them.

    The null's spread comes from ``preset.splits`` other halves.
    """
    half = len(pool) // 2
    count = preset.splits + preset.alarms
    first, second = zip(*(_relabelled(pool, photos, half, half, random) for _ in range(count)), strict=True)
    numbers = list(range(count))
    differences = score(_sets(first, len(photos)), numbers) - score(_sets(second, len(photos)), numbers)
    null_sd = float(differences[: preset.splits].mean(1).std(ddof=1))
    tried = [
        Effect(float(each.mean()), null_sd, standard_error(each), half, "selection")
        for each in differences[preset.splits :]
    ]
    return float(np.mean([each.z > LIMIT for each in tried]))


def standard_error(differences: Floats) -> float:
    """Of the mean over scored images, dB."""
    return float(differences.std(ddof=1) / np.sqrt(len(differences)))


def limits(arms: int) -> list[float]:
    """How many standard deviations the clearest effect, the second clearest … must exceed (Holm 1979).

    With one arm it is `LIMIT`. With more, one of them would exceed it by chance more often, so the limit grows.

    >>> [round(limit, 2) for limit in limits(5)]
    [3.46, 3.4, 3.32, 3.21, 3.0]
    """
    normal = NormalDist()
    tail = normal.cdf(-LIMIT)
    return [-normal.inv_cdf(tail / (arms - rank)) for rank in range(arms)]


def verdicts(effects: Sequence[Effect]) -> list[Verdict]:
    """A verdict on each effect: the clearest first, until one does not exceed its limit."""
    found: list[Verdict] = ["no difference shown"] * len(effects)
    order = sorted(range(len(effects)), key=lambda place: -effects[place].z)
    for limit, place in zip(limits(len(effects)), order, strict=True):
        if not np.isfinite(effects[place].effect):
            found[place] = "failed"
            continue
        if effects[place].z <= limit:
            break
        found[place] = "better" if effects[place].effect > 0 else "worse"
    return found


def _drawn(
    arm: Indices, count: int, units: int, preset: Preset, random: np.random.Generator
) -> NDArray[np.float64]:
    """The arm itself where it has that many units; else random parts of it."""
    if len(arm) == count:
        return _sets([arm], units)
    return _sets([random.permutation(arm)[:count] for _ in range(preset.draws)], units)


def _relabelled(
    pool: Indices, photos: Indices, first: int, second: int, random: np.random.Generator
) -> tuple[Indices, Indices]:
    """The pool in random order, photo by photo: its first units, and its last."""
    ranks = random.permutation(photos.max() + 1)[photos[pool]]
    ordered = pool[np.argsort(ranks, kind="stable")]
    return ordered[:first], ordered[len(ordered) - second :]


def _sets(members: Sequence[Indices], units: int) -> NDArray[np.float64]:
    shares = np.zeros((len(members), units))
    for row, chosen in zip(shares, members, strict=True):
        row[chosen] = 1
    return shares
