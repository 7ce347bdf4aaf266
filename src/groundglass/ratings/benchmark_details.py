"""The parts of a benchmark beside its table: strata, random splits, the human ceiling, the worst disagreements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from groundglass.random_streams import stream
from groundglass.ratings.agreement import SPLITS as HALVES
from groundglass.ratings.agreement import pearson, srcc
from groundglass.ratings.logistic_curve import LogisticFit, fit_logistic
from groundglass.ratings.rated_images import FEWEST, RatedImages
from groundglass.ratings.resampling import Wanted, interval, resample
from groundglass.ratings.score_agreement import ScoreResult, rmse
from groundglass.ratings.votes import Flags, Floats, Votes

QUARTILES = "mos_quartile"
SPLITS = 10
TEST_SHARE = 0.2
SHOWN = 6
"""Images of each kind in the gallery of a score."""
MOST_STRATA = 100
"""Strata of one column; more are not strata but names."""


def strata_of(images: RatedImages, bootstrap: int, seed: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The agreement of each score within each stratum and each quarter of the MOS; and notes."""
    found: list[dict[str, Any]] = []
    notes: list[str] = []
    if QUARTILES in images.strata:
        notes.append(f"{QUARTILES} is the name of the quarters of the MOS: the column is not used as strata")
    for by, words in {**images.strata, QUARTILES: _quartiles(images.mos)}.items():
        different = sorted(set(words))
        if len(different) > MOST_STRATA:
            notes.append(
                f"{by} has {len(different):,} different values: it is not used as strata (at most {MOST_STRATA})"
            )
            continue
        for word in different:
            here = images.only(np.array([one == word for one in words]))
            found.append(
                {
                    "by": by,
                    "stratum": word,
                    "n": len(here.mos),
                    "mos": [float(here.mos.min()), float(here.mos.max())],
                    "scores": _in_stratum(here, bootstrap, seed),
                }
            )
    return found, notes


def _quartiles(mos: Floats) -> tuple[str, ...]:
    # Equal MOS fall into the same quarter, so quarters of a coarse scale may differ in size.
    edges = np.quantile(mos, (0.25, 0.5, 0.75))
    return tuple(str(place + 1) for place in np.searchsorted(edges, mos, side="left").tolist())


def _in_stratum(here: RatedImages, bootstrap: int, seed: int) -> list[dict[str, Any]]:
    known = {name: np.isfinite(values) for name, values in here.scores.items()}
    wanted = {
        name: Wanted(values, known[name])
        for name, values in here.scores.items()
        if srcc(values[known[name]], here.mos[known[name]]) is not None
    }
    enough = bootstrap and len(np.unique(here.content)) >= FEWEST
    drawn = resample(here.mos, here.content, wanted, bootstrap, seed) if enough and wanted else {}
    rows: list[dict[str, Any]] = []
    for name, values in here.scores.items():
        x, y = values[known[name]], here.mos[known[name]]
        ci95 = interval(drawn[name].srcc) if name in drawn else None
        rows.append(
            {
                "score": name,
                "n": len(x),
                "failed": len(values) - len(x),
                "srcc": srcc(x, y),
                "srcc_ci95": list(ci95) if ci95 else None,
                "plcc": pearson(x, y),
            }
        )
    return rows


def splits_of(images: RatedImages, results: Sequence[ScoreResult], seed: int) -> list[dict[str, Any]]:
    """Ten random splits of the contents, 8:2. The curve is fitted on 80 %, and the other 20 % are scored.

    For each score the median, standard deviation, minimum and maximum of srcc, plcc_4 and rmse_4; None where fewer than
    half of the splits have a value.
    """
    tests = list(_tests(images, seed))
    rows: list[dict[str, Any]] = []
    for result in results:
        values = images.scores[result.score]
        known = np.isfinite(values)
        found: dict[str, list[float | None]] = {"srcc": [], "plcc_4": [], "rmse_4": []}
        for test in tests:
            x, y = values[known & test], images.mos[known & test]
            fit = _curve_of_rest(values[known & ~test], images.mos[known & ~test], result.curve_4)
            found["srcc"].append(srcc(x, y))
            found["plcc_4"].append(pearson(fit(x), y) if fit and len(x) else None)
            found["rmse_4"].append(rmse(fit(x), y) if fit and len(x) else None)
        rows.append(
            {"score": result.score, "splits": len(tests)}
            | {key: _spread(each) for key, each in found.items()}
        )
    return rows


def _tests(images: RatedImages, seed: int) -> Iterator[Flags]:
    contents, place = np.unique(images.content, return_inverse=True)
    size = max(1, round(TEST_SHARE * len(contents)))
    random = stream(seed, "splits")
    for _ in range(SPLITS if len(contents) > size else 0):
        chosen = np.zeros(len(contents), np.bool_)
        chosen[random.permutation(len(contents))[:size]] = True
        yield chosen[place]


def _curve_of_rest(x: Floats, y: Floats, whole: LogisticFit | None) -> LogisticFit | None:
    # The curve of all images is a good start for 80 % of them; only the start is shared, not the fit.
    return None if whole is None else fit_logistic(x, y, 4, start=whole)


def _spread(values: Sequence[float | None]) -> dict[str, float] | None:
    known = np.array([value for value in values if value is not None])
    if not len(known) or len(known) < len(values) / 2:
        return None
    sd = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return {
        "median": float(np.median(known)), "sd": sd, "low": float(known.min()), "high": float(known.max()),
    }  # fmt: skip


def ceiling_of(votes: Votes, names: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """How well people agree with each other on these images: no score can be shown to be better than that.

    split_half_srcc, split_half_plcc  the mean correlation of the mean votes of two random halves of the raters
    all_raters_srcc                   the same for two panels of full size, by Spearman-Brown's formula
    one_rater_srcc                    the median correlation of one rater with the mean of all others
    """
    here = set(names)
    votes = votes.only(np.array([votes.items[at] in here for at in votes.item.tolist()], np.bool_)).one_each()
    items, raters = len(np.unique(votes.item)), len(np.unique(votes.rater))
    found: dict[str, Any] = {
        "items": items, "raters": raters, "splits": HALVES, "split_half_srcc": None, "split_half_srcc_range": None,
        "split_half_plcc": None, "all_raters_srcc": None, "one_rater_srcc": None,
    }  # fmt: skip
    if items < FEWEST:
        return found | {
            "reason": f"the table of votes holds {items} of the images: at least {FEWEST} are needed"
        }
    if raters < 4:
        return found | {"reason": f"there are {raters} raters: two halves need at least 4"}
    halves = [_halves(votes, half) for half in _random_halves(votes, seed)]
    ranks = _known(srcc, halves)
    if not len(ranks):
        return found | {"reason": "a half of the raters votes the same on all images in every split"}
    mean = float(ranks.mean())
    low, high = np.percentile(ranks, (2.5, 97.5))
    straight = _known(pearson, halves)
    return found | {
        "split_half_srcc": mean,
        "split_half_srcc_range": [float(low), float(high)],
        "split_half_plcc": float(straight.mean()) if len(straight) else None,
        "all_raters_srcc": 2 * mean / (1 + mean) if mean > 0 else None,
        "one_rater_srcc": _one_against_others(votes),
        "reason": None,
    }


def _random_halves(votes: Votes, seed: int) -> Iterator[Flags]:
    random = stream(seed, "ceiling")
    raters = np.unique(votes.rater)
    for _ in range(HALVES):
        half = np.zeros(len(votes.raters), np.bool_)
        half[random.permutation(raters)[: len(raters) // 2]] = True
        yield half


def _halves(votes: Votes, half: Flags) -> tuple[Floats, Floats]:
    """The mean votes of both halves on the items that both have seen."""
    cell = 2 * votes.item + half[votes.rater]
    cells = 2 * len(votes.items)
    count = np.bincount(cell, minlength=cells).reshape(-1, 2)
    mean = np.bincount(cell, votes.score, cells).reshape(-1, 2) / np.maximum(count, 1)
    one, other = mean[(count > 0).all(axis=1)].T
    return one, other


def _one_against_others(votes: Votes) -> float | None:
    found = [srcc(*_halves(votes, np.arange(len(votes.raters)) == rater)) for rater in np.unique(votes.rater)]
    known = [value for value in found if value is not None]
    return float(np.median(known)) if known else None


def _known(
    correlation: Callable[[Floats, Floats], float | None], halves: Sequence[tuple[Floats, Floats]]
) -> Floats:
    found = [correlation(one, other) for one, other in halves]
    return np.array([value for value in found if value is not None], np.float64)


def gallery_of(images: RatedImages, results: Sequence[ScoreResult]) -> list[dict[str, Any]]:
    """For each score the images on which its rank and that of the MOS differ most.

    Ranks are from 0 (worst) to 100 (best), in the direction that is better. "overrated" has a better rank by the score.
    """
    found: list[dict[str, Any]] = []
    for result in results:
        if result.srcc is None:
            continue
        values = images.scores[result.score]
        here = np.flatnonzero(np.isfinite(values))
        by_score = _percentiles(values[here] if result.better == "higher" else -values[here])
        by_mos = _percentiles(images.mos[here])
        gap = by_score - by_mos
        order = np.argsort(-np.abs(gap), kind="stable")
        rows = {kind: [at for at in order if sign * gap[at] > 0][:SHOWN] for kind, sign in KINDS.items()}
        found.append(
            {"score": result.score}
            | {
                kind: [
                    {
                        "image": images.names[here[at]],
                        "value": float(values[here[at]]),
                        "mos": float(images.mos[here[at]]),
                        "score_rank": round(float(by_score[at]), 1),
                        "mos_rank": round(float(by_mos[at]), 1),
                    }
                    for at in places
                ]
                for kind, places in rows.items()
            }
        )
    return found


KINDS: Mapping[str, int] = {"overrated": 1, "underrated": -1}


def _percentiles(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count + 1) / 2
    return 100 * middle[place] / max(1, len(values) - 1)
