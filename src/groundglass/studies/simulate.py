"""How wide the intervals of a study's scores will be, from simulated raters, before anyone has rated anything.

The model of a rater, on the scale 1 to 5: vote = quality + bias + inconsistency × noise, rounded and cut to the scale.
Quality has a standard deviation of 1.05 around 3.2, biases one of 0.35; the inconsistency of the median rater is 0.6,
and its logarithm has a standard deviation of 0.2. These are the numbers that the method `map` finds in three studies
with public raw votes, of 149 raters: Netflix Public, VQEG HD3, AGH/NTIA/Dolby TV 2017. Sliders use the same model times
25. A verdict is keep from 3 on. In a comparison, the image with the higher vote (not rounded) wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from groundglass.random_streams import stream
from groundglass.ratings.pair_methods import bradley_terry, parts_of
from groundglass.ratings.scale_methods import Z95, CannotScore
from groundglass.ratings.scores import score_votes
from groundglass.ratings.shares import clustered_share, wilson
from groundglass.ratings.votes import Comparisons, Floats, Ints, Votes
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.design import check_shares

QUALITY, SPREAD = 3.2, 1.05
BIAS = 0.35
INCONSISTENCY, OF_LOG = 0.6, 0.2
LIKING = 0.5
"""Standard deviation over contents of how much better one folder's image is than the other's: no folder is better."""
TRIED = (3, 5, 8, 12, 20)
"""Votes for each image that the table of widths compares."""
MOST_ITEMS = 200
"""The most images of a simulation: the width of an interval hardly depends on more."""
SECONDS = {"acr": 6.0, "slider": 8.0, "pairwise": 8.0, "accept": 4.0, "pair_accept": 6.0}
"""Seconds of a trial, as planned; each further slider takes `SLIDER` more."""
SLIDER = 4.0
USUAL_RATERS = 15
"""The least number of raters that ITU-R BT.500 asks for."""


@dataclass(frozen=True)
class Width:
    """The expected intervals with this many votes for each image or pair.

    width      the median width of the 95 % intervals, and the middle 80 % of the medians of all simulations
    error      votes on a scale: 95 % of the scores are this near to the true quality (apart from a shift of them all)
    covered    votes on a scale: share of the intervals that contain the true quality
    connected  comparisons of images: the share of them with scores on one scale; the others won or lost all they had
    """

    votes: int
    width: float | None
    low: float | None
    high: float | None
    error: float | None = None
    covered: float | None = None
    connected: float | None = None


@dataclass(frozen=True)
class StudyPlan:
    """The needs of a study: trials and time; and the intervals that it will have.

    units   images, or pairs of a comparison of folders
    trials  of a rater on average: those that count, those that check, and those that train
    """

    name: str
    protocol: str
    units: int
    votes: int
    raters: int
    counted: int
    checks: dict[str, int]
    training: int
    trials: float
    minutes: float
    seconds: float
    widths: tuple[Width, ...]
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def plan_study(
    name: str,
    body: StudyStep,
    units: int,
    raters: int | None = None,
    votes: int | None = None,
    simulations: int = 20,
    seed: int = 0,
    seconds: float | None = None,
) -> StudyPlan:
    """The plan of a study of ``units`` images or pairs.

    raters, votes  instead of those of the study; without any number of raters, 15 or as many as the votes need
    simulations    how often the study is simulated for each number of votes

    >>> plan = plan_study("rate", StudyStep(votes=5), 100, raters=10, simulations=2)
    >>> plan.counted, plan.checks
    (500, {'trap': 16, 'repeat': 27})
    """
    each = votes or body.votes
    people = raters or body.raters or max(USUAL_RATERS, each)
    counted = -(-each * units // 2) if body.free_pairs else each * units
    shares = {
        {"bias": "identical"}.get(kind, kind): share  # the word of `checks`
        for kind, share in check_shares(body, body.checks.answers is not None).items()
        if share
    }
    total = counted / (1 - sum(shares.values()))
    checks = {kind: round(total * share) for kind, share in shares.items()}
    trials = (counted + sum(checks.values())) / people + body.checks.training
    pace = seconds or SECONDS[body.protocol] + SLIDER * (len(body.dimensions) - 1)
    tried = sorted({number for number in (*TRIED, each) if number <= people or body.free_pairs})
    widths = [simulate(body, min(units, MOST_ITEMS), number, people, simulations, seed) for number in tried]
    return StudyPlan(
        name,
        body.protocol,
        units,
        each,
        people,
        counted,
        checks,
        body.checks.training,
        round(trials, 1),
        round(trials * pace / 60, 1),
        pace,
        tuple(widths),
        tuple(_notes(body, units, each, people, trials, widths)),
    )


def _notes(
    body: StudyStep, units: int, votes: int, raters: int, trials: float, widths: Sequence[Width]
) -> list[str]:
    notes: list[str] = []
    if raters < votes and not body.free_pairs:
        notes.append(
            f"{raters} raters cannot give {votes} votes to an image, since each rates it once: invite {votes} or more"
        )
    if body.cap is not None and trials - body.checks.training > body.cap:
        needed = int(np.ceil((trials - body.checks.training) * raters / body.cap))
        notes.append(f"with `cap: {body.cap}`, {raters} raters are too few: invite {needed}")
    loose = next((width for width in widths if width.votes == votes and width.connected is not None), None)
    if loose is not None and loose.connected is not None and loose.connected < 0.9:
        notes.append(
            f"with {votes} comparisons of each image, only {loose.connected:.0%} of the images get scores on one "
            "scale, since the others win or lose all they have: plan more votes"
        )
    if units > MOST_ITEMS:
        notes.append(f"the intervals are simulated with {MOST_ITEMS} of them")
    return notes


def simulate(body: StudyStep, units: int, votes: int, raters: int, simulations: int, seed: int) -> Width:
    """The widths of the intervals over several simulated studies."""
    if not units:
        return Width(votes, None, None, None)
    streams = [stream(seed, "study plan", votes, number) for number in range(simulations)]
    found = [_simulated(body, units, votes, raters, random) for random in streams]
    medians = [float(np.median(one.widths)) for one in found if len(one.widths)]
    share = float(np.mean([one.together for one in found])) if body.free_pairs else None
    if not medians:
        return Width(votes, None, None, None, connected=share)
    low, middle, high = np.percentile(medians, (10, 50, 90))
    error = np.concatenate([one.error for one in found])
    half = np.concatenate([one.widths for one in found]) / 2
    known = len(error) == len(half)
    return Width(
        votes,
        float(middle),
        float(low),
        float(high),
        float(np.percentile(error, 95)) if known else None,
        float((error <= half).mean()) if known else None,
        share,
    )


@dataclass(frozen=True)
class _Simulated:
    """One simulated study: the widths of its intervals, the errors of its scores if the truth is on their scale, and
    the share of the images that are scored together.
    """

    widths: Floats
    error: Floats = field(default_factory=lambda: np.empty(0))
    together: float = 1.0


_NOTHING = np.empty(0)


def _simulated(
    body: StudyStep, units: int, votes: int, raters: int, random: np.random.Generator
) -> _Simulated:
    bias = random.normal(0, BIAS, raters)
    spread = INCONSISTENCY * np.exp(random.normal(0, OF_LOG, raters))
    quality = np.clip(random.normal(QUALITY, SPREAD, units), 1, 5)
    if body.free_pairs:
        return _of_comparisons(quality, votes, spread, random)
    if body.protocol == "pairwise":
        return _of_folders(units, votes, spread, random)
    item, rater = _assigned(units, votes, raters, random)
    noise = random.normal(0, 1, len(item))
    said = quality[item] + bias[rater] + spread[rater] * noise
    if body.protocol in ("accept", "pair_accept"):
        kept = np.bincount(item, said >= 3, units)
        count = np.bincount(item, minlength=units)
        ends = [wilson(float(hits), float(n)) for hits, n in zip(kept, count, strict=True)]
        return _Simulated(np.array([high - low for low, high in ends]))
    score = np.clip(np.rint(said), 1, 5) if body.protocol == "acr" else 25 * (np.clip(said, 1, 5) - 1)
    true = quality if body.protocol == "acr" else 25 * (quality - 1)
    names = tuple(map(str, range(units))), tuple(map(str, range(raters)))
    try:
        found = score_votes(Votes(*names, item, rater, score, np.zeros(len(item), np.int64)), screen="none")
    except CannotScore:
        return _Simulated(_NOTHING)
    known = [at for at, row in enumerate(found.items) if row.ci95 is not None]
    off = np.array([(found.items[at].score or 0.0) - true[at] for at in known])
    ends = [found.items[at].ci95 or (0.0, 0.0) for at in known]
    error = np.abs(off - off.mean()) if known else _NOTHING
    return _Simulated(np.array([high - low for low, high in ends]), error)


def _assigned(units: int, votes: int, raters: int, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Each image gets votes of different raters, those with the fewest images so far; ties are random."""
    each = min(votes, raters)
    load = np.zeros(raters)
    chosen: list[Ints] = []
    for _ in range(units):
        these = np.argsort(load + random.random(raters))[:each]
        load[these] += 1
        chosen.append(these)
    return np.repeat(np.arange(units), each), np.concatenate(chosen)


def _of_comparisons(quality: Floats, votes: int, spread: Floats, random: np.random.Generator) -> _Simulated:
    """Images against each other: first in a ring, then each against one of similar quality."""
    units, raters = len(quality), len(spread)
    if units < 2:
        return _Simulated(_NOTHING, together=0.0)
    rounds: list[tuple[Ints, Ints]] = []
    ring = random.permutation(units)
    rounds.append((ring, np.roll(ring, 1)))
    while 2 * units * len(rounds) < votes * units:
        near = np.argsort(quality + random.normal(0, SPREAD / 2, units))
        rounds.append((near, np.roll(near, 1)))
    total = -(-votes * units // 2)
    left, right = (np.concatenate([pair[side] for pair in rounds])[:total] for side in range(2))
    rater = random.integers(0, raters, len(left))
    seen = random.normal(0, 1, (2, len(left))) * spread[rater]
    choice = (quality[left] + seen[0] > quality[right] + seen[1]).astype(np.float64)
    names = tuple(map(str, range(units))), tuple(map(str, range(raters)))
    given = Comparisons(*names, left, right, rater, choice, np.ones(len(left)))
    together = float(np.bincount(parts_of(given.wins())).max()) / units
    fit = bradley_terry(given)
    half = Z95 * np.sqrt(np.maximum(fit.covariance.diagonal(), 0))
    return _Simulated(2 * half[~np.isnan(fit.score)], together=together)


def _of_folders(units: int, votes: int, spread: Floats, random: np.random.Generator) -> _Simulated:
    """The interval of the win rate of one folder over another one that is as good."""
    better = random.normal(0, LIKING, units)
    rater = random.integers(0, len(spread), (units, votes))
    noise = random.normal(0, 1, (2, units, votes)) * spread[rater]
    won = (better[:, None] + noise[0] > noise[1]).sum(axis=1)
    found = clustered_share(won, np.full(units, votes))
    return _Simulated(_NOTHING if found is None else np.array([found[1][1] - found[1][0]]))
