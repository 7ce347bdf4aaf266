"""A benchmark of image-quality measures: which scores agree with people, how far, and which differences are shown."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from groundglass import __version__
from groundglass.ratings.agreement import srcc
from groundglass.ratings.benchmark_details import ceiling_of, gallery_of, splits_of, strata_of
from groundglass.ratings.pair_decisions import PairDecisions, decisions_of, seen_pairs, within_content
from groundglass.ratings.rank_groups import LEVEL, holm, p_of_difference, rank_groups
from groundglass.ratings.rated_images import FEWEST, RatedImages, with_votes
from groundglass.ratings.resampling import Resampled, Wanted, excludes_zero, interval, resample
from groundglass.ratings.scale_methods import CannotScore
from groundglass.ratings.score_agreement import ScoreResult, agreement_of
from groundglass.ratings.votes import Flags, Floats, Votes
from groundglass.text.format import some

BOOTSTRAPS = 2_000
FEW_CONTENTS = 20
"""Contents below which intervals get a note."""


@dataclass(frozen=True)
class Remedies:
    """How notes name the settings that change a result: the options of a command, or the keys of a recipe.

    lower, higher  say that lower or higher is better; ``{}`` is the score
    not_lower      takes back that lower is better
    votes          the source of the votes on the images, for the human ceiling
    deviations     the source of their deviations
    """

    lower: str = "--lower {}"
    higher: str = "--higher {}"
    not_lower: str = "leave out --lower {}"
    votes: str = "--votes-table gives the votes that it is computed from"
    deviations: str = "the deviations of the votes (--sd and --votes), or the votes (--votes-table)"


OF_COMMAND = Remedies()


@dataclass(frozen=True)
class PairOfScores:
    """The difference of two scores, on the n images that both have.

    difference  srcc of ``a`` minus that of ``b``, each in its direction that is better; ci95 is its interval
    p, p_holm   without and with Holm's correction over all pairs
    different   p_holm is below 5 %; None if it is unknown
    """

    a: str
    b: str
    n: int
    srcc_a: float | None
    srcc_b: float | None
    difference: float | None = None
    ci95: tuple[float, float] | None = None
    p: float | None = None
    p_holm: float | None = None
    different: bool | None = None

    def plain(self) -> dict[str, Any]:
        """The same for JSON."""
        return vars(self) | {"ci95": list(self.ci95) if self.ci95 else None}


@dataclass(frozen=True)
class Benchmark:
    """The result. ``scores`` and ``pairs`` are in the order of rank; what could not be done is in ``notes``."""

    images: RatedImages
    scores: tuple[ScoreResult, ...]
    pairs: tuple[PairOfScores, ...]
    ceiling: Mapping[str, Any]
    strata: tuple[Mapping[str, Any], ...]
    splits: tuple[Mapping[str, Any], ...]
    gallery: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    contents: int
    bootstrap: int
    seed: int

    def plain(self) -> dict[str, Any]:
        """The same for JSON; null for what is unknown."""
        return {
            "scores": [row.plain() for row in self.scores],
            "pairs": [row.plain() for row in self.pairs],
            "ceiling": dict(self.ceiling),
            "strata": [dict(row) for row in self.strata],
            "splits": [dict(row) for row in self.splits],
            "gallery": [dict(row) for row in self.gallery],
            "images": len(self.images.mos),
            "contents": self.contents,
            "bootstrap": self.bootstrap,
            "seed": self.seed,
            "version": __version__,
            "notes": list(self.notes),
        }


def benchmark(
    images: RatedImages,
    lower: Collection[str] = (),
    votes: Votes | None = None,
    bootstrap: int = BOOTSTRAPS,
    seed: int = 0,
    remedies: Remedies = OF_COMMAND,
) -> Benchmark:
    """Compare the scores of images with their MOS.

    lower      names of the scores of which lower is better; it decides their rank, and no sign is ever removed
    votes      the votes behind the MOS, with the images' names as items: for the human ceiling and the standard errors
    bootstrap  resamples of the contents for intervals and differences; 0 leaves these out
    remedies   the words of the notes

    Raises CannotScore for fewer than three images, equal MOS, or no score.

    >>> from groundglass.ratings.rated_images import rated_images
    >>> mos = [1, 2, 3, 4, 5, 6, 7, 8]
    >>> found = benchmark(rated_images(mos, {"a": mos, "b": [1, 2, 3, 4, 5, 6, 8, 7]}), bootstrap=50)
    >>> [(row.score, round(row.srcc, 3)) for row in found.scores]
    [('a', 1.0), ('b', 0.976)]
    """
    _refuse(images)
    if votes is not None and images.se is None:
        images = with_votes(images, votes)
    results = [agreement_of(images, name, "lower" if name in lower else "higher") for name in images.scores]
    contents = len(np.unique(images.content))
    drawn = _resampled(images, results, bootstrap if contents >= FEWEST else 0, seed)
    results = [_with_intervals(row, drawn) for row in results]
    pairs = _pairs(images, results, drawn, contents)
    results = _ranked(results, pairs)
    results, why = _with_decisions(images, results, seed, remedies)
    strata, stratum_notes = strata_of(images, bootstrap, seed)
    order = [row.score for row in results]
    return Benchmark(
        images,
        tuple(results),
        tuple(sorted(pairs, key=lambda pair: (order.index(pair.a), order.index(pair.b)))),
        ceiling_of(votes, images.names, seed)
        if votes is not None
        else {"split_half_srcc": None, "reason": remedies.votes},
        tuple(strata),
        tuple(splits_of(images, results, seed)),
        tuple(gallery_of(images, results)),
        (*images.notes, *_notes(results, pairs, contents, bootstrap, remedies), *why, *stratum_notes),
        contents,
        bootstrap,
        seed,
    )


def _refuse(images: RatedImages) -> None:
    if not images.scores:
        raise CannotScore("there is no score to compare with the MOS")
    if len(images.mos) < FEWEST:
        raise CannotScore(
            f"{some(len(images.mos), 'images')} with a MOS: a correlation needs at least {FEWEST}"
        )
    if np.ptp(images.mos) == 0:
        raise CannotScore(f"the MOS is {images.mos[0]:g} on all images: nothing can be correlated with it")


def _resampled(
    images: RatedImages, results: Sequence[ScoreResult], bootstrap: int, seed: int
) -> dict[tuple[str, bytes], Resampled]:
    """The resampled correlations by score and by the images they are computed on."""
    if not bootstrap:
        return {}
    ranked = [row for row in results if row.srcc is not None]
    known = {row.score: np.isfinite(images.scores[row.score]) for row in ranked}
    wanted = {
        (row.score, known[row.score].tobytes()): Wanted(
            images.scores[row.score], known[row.score], _mapped(row, images.scores[row.score])
        )
        for row in ranked
    }
    for one, other in itertools.combinations(known, 2):
        both = known[one] & known[other]
        # Of a pair with different images, each score is resampled again on those that both have.
        for name in (one, other):
            if both.sum() >= FEWEST:
                wanted.setdefault((name, both.tobytes()), Wanted(images.scores[name], both))
    keys = {str(place): key for place, key in enumerate(wanted)}
    found = resample(
        images.mos, images.content, {place: wanted[key] for place, key in keys.items()}, bootstrap, seed
    )
    return {keys[place]: one for place, one in found.items()}


def _mapped(row: ScoreResult, values: Floats) -> tuple[Floats, ...]:
    # The curves are fitted once; fitting each resample again would change little and take hours.
    return tuple(fit(values) for fit in (row.curve_4, row.curve_5) if fit is not None)


def _with_intervals(row: ScoreResult, drawn: Mapping[tuple[str, bytes], Resampled]) -> ScoreResult:
    found = [one for (name, _), one in drawn.items() if name == row.score]
    if not found:
        return row
    own = found[0]
    curves = iter(own.plcc[1:])
    return replace(
        row,
        srcc_ci95=interval(own.srcc),
        plcc_ci95=interval(own.plcc[0]),
        plcc_4_ci95=interval(next(curves)) if row.curve_4 is not None else None,
        plcc_5_ci95=interval(next(curves)) if row.curve_5 is not None else None,
    )


def _pairs(
    images: RatedImages,
    results: Sequence[ScoreResult],
    drawn: Mapping[tuple[str, bytes], Resampled],
    contents: int,
) -> list[PairOfScores]:
    """Every pair of scores that have a correlation, the better one first."""
    ranked = sorted(
        (row for row in results if row.strength is not None), key=lambda row: -(row.strength or 0)
    )
    pairs = [_pair(images, one, other, drawn, contents) for one, other in itertools.combinations(ranked, 2)]
    corrected = holm([pair.p for pair in pairs])
    return [
        replace(pair, p_holm=p, different=None if p is None else p < LEVEL and excludes_zero(pair.ci95))
        for pair, p in zip(pairs, corrected, strict=True)
    ]


def _pair(
    images: RatedImages,
    one: ScoreResult,
    other: ScoreResult,
    drawn: Mapping[tuple[str, bytes], Resampled],
    contents: int,
) -> PairOfScores:
    both: Flags = np.isfinite(images.scores[one.score]) & np.isfinite(images.scores[other.score])
    signs = [1.0 if row.better == "higher" else -1.0 for row in (one, other)]
    ranks = tuple(srcc(images.scores[row.score][both], images.mos[both]) for row in (one, other))
    unknown = PairOfScores(one.score, other.score, int(both.sum()), ranks[0], ranks[1])
    if ranks[0] is None or ranks[1] is None:
        return unknown
    difference = signs[0] * ranks[0] - signs[1] * ranks[1]
    found = [drawn.get((row.score, both.tobytes())) for row in (one, other)]
    if found[0] is None or found[1] is None:
        return replace(unknown, difference=difference)
    differences = signs[0] * found[0].srcc - signs[1] * found[1].srcc
    return replace(
        unknown,
        difference=difference,
        ci95=interval(differences),
        p=p_of_difference(difference, differences, contents),
    )


def _ranked(results: Sequence[ScoreResult], pairs: Sequence[PairOfScores]) -> list[ScoreResult]:
    """The scores in the order of rank, with their groups; those without a correlation come last, without a group."""
    # Without resamples nothing is shown to differ, and a group would say that it was tried.
    if pairs and all(pair.different is None for pair in pairs):
        groups: dict[str, int] = {}
    else:
        strength = {row.score: row.strength for row in results if row.strength is not None}
        groups = rank_groups(strength, {frozenset((p.a, p.b)): bool(p.different) for p in pairs})
    rows = [replace(row, rank_group=groups.get(row.score)) for row in results]
    return sorted(rows, key=lambda row: (row.strength is None, row.rank_group or 0, -(row.strength or 0.0)))


def _with_decisions(
    images: RatedImages, results: Sequence[ScoreResult], seed: int, remedies: Remedies
) -> tuple[list[ScoreResult], list[str]]:
    """The scores with Krasula's figures and with the accuracy within contents, and notes on what is unknown."""
    upwards = {row.score: images.scores[row.score] * (1 if row.better == "higher" else -1) for row in results}
    rows = list(results)
    notes: list[str] = []
    # A constant would "order" half of all pairs.
    ranked = {row.score for row in results if row.srcc is not None}
    if images.grouped:
        within = {name: within_content(upwards[name], images.mos, images.content) for name in ranked}
        rows = [
            replace(row, pair_accuracy=within[row.score][0], pairs_within=within[row.score][1])
            if row.score in within
            else row
            for row in rows
        ]
    if images.se is None:
        return rows, [f"auc_ds, auc_bw and cc_0 need {remedies.deviations}"]
    pairs = seen_pairs(images.mos, images.se, seed)
    unknown = int((~np.isfinite(images.se)).sum())
    if unknown:
        notes.append(
            f"the standard error of the MOS is unknown for {some(unknown, 'images')}: not in auc_ds, auc_bw, cc_0"
        )
    if pairs.sampled:
        notes.append(f"auc_ds, auc_bw and cc_0 are from {len(pairs.seen):,} random pairs of images")
    found = decisions_of({name: values for name, values in upwards.items() if name in ranked}, pairs)
    if len(pairs.seen) and (not (pairs.seen != 0).any() or not (pairs.seen == 0).any()):
        seen = "different" if (pairs.seen != 0).any() else "equal"
        notes.append(f"people see all pairs of images as {seen}: auc_ds is unknown")
    return [_decided(row, found[row.score]) if row.score in found else row for row in rows], notes


def _decided(row: ScoreResult, found: PairDecisions) -> ScoreResult:
    return replace(row, auc_ds=found.auc_ds, auc_bw=found.auc_bw, cc_0=found.cc_0, threshold=found.threshold)


def _notes(
    results: Sequence[ScoreResult],
    pairs: Sequence[PairOfScores],
    contents: int,
    bootstrap: int,
    remedies: Remedies,
) -> list[str]:
    notes: list[str] = []
    for row in results:
        # A correlation that may be 0 says nothing of the direction.
        chance = row.srcc_ci95 is not None and row.srcc_ci95[0] <= 0 <= row.srcc_ci95[1]
        if row.strength is not None and row.strength < 0 and not chance:
            other = "lower" if row.better == "higher" else "higher"
            what = (remedies.lower if other == "lower" else remedies.not_lower).format(row.score)
            notes.append(f"{row.score}: the SRCC is against its direction; if {other} is better: {what}")
        notes += [f"{row.score}: {note}" for note in row.notes]
        if bootstrap and contents >= FEWEST and row.srcc is not None and row.srcc_ci95 is None:
            notes.append(f"{row.score}: too few resamples have a correlation: its interval is unknown")
    if any(row.failed for row in results) and pairs:
        notes.append("two scores are compared on the images that both have")
    return notes + notes_on_contents(contents, bootstrap)


def notes_on_contents(contents: int, bootstrap: int) -> list[str]:
    """A note if there are too few contents for intervals.

    >>> notes_on_contents(2, 100)
    ['2 contents: intervals and groups need at least 3']
    """
    if bootstrap and contents < FEWEST:
        return [f"{some(contents, 'contents')}: intervals and groups need at least {FEWEST}"]
    if bootstrap and contents < FEW_CONTENTS:
        return [f"{contents} contents are few: the intervals are rough"]
    return []
