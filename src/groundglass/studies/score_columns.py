"""The columns of a study's scores: their names and meanings, and the table of the rows that were rated."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from groundglass.recipes.study_model import StudyStep
from groundglass.studies.results import StudyResults


def interval_names(name: str) -> tuple[str, str, str]:
    """The columns of a score and the ends of its interval.

    >>> interval_names("score"), interval_names("fit")
    (('score', 'ci_low', 'ci_high'), ('fit', 'fit_ci_low', 'fit_ci_high'))
    """
    before = "" if name == "score" else f"{name}_"
    return name, f"{before}ci_low", f"{before}ci_high"


def score_columns(body: StudyStep) -> dict[str, str]:
    """The columns that a study gives to the images that it rated, with their meaning; none for folders and reviews.

    >>> list(score_columns(StudyStep(protocol="slider", dimensions=("quality", "fit"))))[:4]
    ['quality', 'quality_ci_low', 'quality_ci_high', 'fit']
    """
    if body.folders or body.dropped_by:
        return {}
    names = body.dimensions if len(body.dimensions) > 1 else ("score",)
    said = {"accept": "share of votes to keep", "pairwise": "score of comparisons"}.get(
        body.protocol, "score"
    )
    found: dict[str, str] = {}
    for name in names:
        score, low, high = interval_names(name)
        found |= {score: said, low: "lower end of its 95 % interval", high: "upper end of its 95 % interval"}
    return found | {"votes": "votes that count"}


def score_table(body: StudyStep, results: StudyResults) -> pa.Table:
    """The scores of the rated rows: id, and the columns of `score_columns`."""
    names = list(score_columns(body))
    rows: list[dict[str, Any]] = []
    for item in results.items:
        scored = item.more or {"score": (item.score, item.ci95)}
        values: list[float | None] = []
        for score, ends in scored.values():
            values += [score, *(ends or (None, None))]
        rows.append({"id": item.row} | dict(zip(names, [*values, item.votes], strict=True)))
    kinds = [(name, pa.int64() if name == "votes" else pa.float64()) for name in names]
    return pa.Table.from_pylist(rows, pa.schema([("id", pa.string()), *kinds]))
