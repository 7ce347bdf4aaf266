"""Compare scores with a MOS, with the direction, licence and time that the catalog has of their measures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from groundglass.benchmarks.score_columns import KnownMeasure
from groundglass.ratings.benchmark import OF_COMMAND, Benchmark, Remedies, benchmark
from groundglass.ratings.rated_images import RatedImages
from groundglass.ratings.votes import Votes

OF_RECIPE = Remedies(
    lower="lower: [{}]",
    higher="higher: [{}]",
    not_lower="higher: [{}]",
    votes="the MOS is not of a study with votes on a scale",
    deviations="the votes of a study on a scale",
)
"""The words of a step's notes."""


def compare(
    images: RatedImages,
    measures: Mapping[str, KnownMeasure],
    lower: Collection[str] = (),
    higher: Collection[str] = (),
    votes: Votes | None = None,
    bootstrap: int = 0,
    seed: int = 0,
    remedies: Remedies = OF_COMMAND,
) -> Benchmark:
    """The benchmark of images that have a MOS; see `groundglass.ratings.benchmark.benchmark`.

    measures  the facts about scores that are columns of measures; the others have no direction of their own
    lower     scores of which lower is better; ``higher``: of which higher is, whatever their measure says

    Raises CannotScore as `benchmark` does.
    """
    assumed = [
        name
        for name, one in measures.items()
        if one.better == "lower" and name not in higher and name not in lower
    ]
    found = benchmark(images, {*lower, *assumed}, votes, bootstrap, seed, remedies)
    notes = [
        f"{name}: lower is better, as the catalog of measures says; {remedies.higher.format(name)} changes this"
        for name in assumed
    ]
    rows = [
        replace(row, licence=measures[row.score].licence, ms=measures[row.score].ms)
        if row.score in measures
        else row
        for row in found.scores
    ]
    return replace(found, scores=tuple(rows), notes=(*found.notes, *notes))
