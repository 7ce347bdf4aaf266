"""How wide the intervals of a study's scores will be, from simulated raters, before anyone has rated anything.

`groundglass.studies.simulated_raters` has the model of a rater. A verdict is keep from 3 on. In a comparison, the image
with the higher vote (not rounded) wins.
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
from groundglass.ratings.votes import Comparisons, Flags, Floats, Ints, Votes
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.design import check_shares
from groundglass.studies.simulated_raters import SPREAD, draw_quality, draw_raters, on_scale

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
    found      with raters at random: the share of them that the scores leave out
    wronged    with raters at random: the share of the other raters that the scores leave out
    """

    votes: int
    width: float | None
    low: float | None
    high: float | None
    error: float | None = None
    covered: float | None = None
    connected: float | None = None
    found: float | None = None
    wronged: float | None = None


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
    at_random: int = 0,
) -> StudyPlan:
    """The plan of a study of ``units`` images or pairs.

    raters, votes  instead of those of the study; without any number of raters, 15 or as many as the votes need
    simulations    how often the study is simulated for each number of votes
    at_random      how many of the simulated raters vote at random; only acr and slider leave any rater out

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
    widths = [
        simulate(body, min(units, MOST_ITEMS), number, people, simulations, seed, at_random)
        for number in tried
    ]
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
    if body.sitting is not None and trials > body.sitting:
        sittings = int(np.ceil(trials / body.sitting))
        notes.append(f"with `sitting: {body.sitting}`, each rater needs {sittings} sittings, an hour apart")
    loose = next((width for width in widths if width.votes == votes and width.connected is not None), None)
    if loose is not None and loose.connected is not None and loose.connected < 0.9:
        notes.append(
            f"with {votes} comparisons of each image, only {loose.connected:.0%} of the images get scores on one "
            "scale, since the others win or lose all they have: plan more votes"
        )
    if units > MOST_ITEMS:
        notes.append(f"the intervals are simulated with {MOST_ITEMS} of them")
    return notes


def simulate(
    body: StudyStep, units: int, votes: int, raters: int, simulations: int, seed: int, at_random: int = 0
) -> Width:
    """The widths of the intervals over several simulated studies, and how many raters at random they find."""
    if not units:
        return Width(votes, None, None, None)
    streams = [stream(seed, "study plan", votes, number) for number in range(simulations)]
    found = [_simulated(body, units, votes, raters, random, at_random) for random in streams]
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
        *_found(found, at_random),
    )


def _found(found: Sequence[_Simulated], at_random: int) -> tuple[float | None, float | None]:
    """The shares of the raters at random, and of the others, that the scores leave out."""
    out, drawn = (np.concatenate([getattr(one, name) for one in found]) for name in ("rejected", "at_random"))
    if not at_random or not len(out):
        return None, None
    return float(out[drawn].mean()), float(out[~drawn].mean())


@dataclass(frozen=True)
class _Simulated:
    """One simulated study: the widths of its intervals, the errors of its scores if the truth is on their scale, the
    share of the images that are scored together, and for each rater, whether the scores leave them out and whether they
    vote at random.
    """

    widths: Floats
    error: Floats = field(default_factory=lambda: np.empty(0))
    together: float = 1.0
    rejected: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    at_random: Flags = field(default_factory=lambda: np.empty(0, np.bool_))


_NOTHING = np.empty(0)


def _simulated(
    body: StudyStep, units: int, votes: int, raters: int, random: np.random.Generator, at_random: int = 0
) -> _Simulated:
    people = draw_raters(raters, random, at_random)
    quality = draw_quality(units, random)
    if body.free_pairs:
        return _of_comparisons(quality, votes, people.inconsistency, random)
    if body.protocol == "pairwise":
        return _of_folders(units, votes, people.inconsistency, random)
    item, rater = _assigned(units, votes, raters, random)
    said = people.say(quality[item], rater, random)
    if body.protocol in ("accept", "pair_accept"):
        kept = np.bincount(item, said >= 3, units)
        count = np.bincount(item, minlength=units)
        ends = [wilson(float(hits), float(n)) for hits, n in zip(kept, count, strict=True)]
        return _Simulated(np.array([high - low for low, high in ends]))
    score = on_scale(said, body.protocol)
    true = quality if body.protocol == "acr" else 25 * (quality - 1)
    names = tuple(map(str, range(units))), tuple(map(str, range(raters)))
    try:
        given = Votes(*names, item, rater, score, np.zeros(len(item), np.int64))
        found = score_votes(given) if at_random else score_votes(given, screen="none")
    except CannotScore:
        return _Simulated(_NOTHING)
    known = [at for at, row in enumerate(found.items) if row.ci95 is not None]
    off = np.array([(found.items[at].score or 0.0) - true[at] for at in known])
    ends = [found.items[at].ci95 or (0.0, 0.0) for at in known]
    error = np.abs(off - off.mean()) if known else _NOTHING
    out = np.array([one.rejected for one in found.raters])
    return _Simulated(
        np.array([high - low for low, high in ends]), error, rejected=out, at_random=people.at_random
    )


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
