"""The page of a study in a browser: it needs nothing else, fits a phone, and runs no name as a script."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundglass.ratings.scores import score_comparisons, score_votes
from groundglass.ratings.strata import votes_by_stratum
from groundglass.ratings.votes import comparisons_from_wins, votes_from_matrix
from groundglass.reports.study_page import StudyView, view_study, write_study

NASTY = "<img src=x onerror='window.hacked = 1'>.png"


def votes_page(items: int) -> StudyView:
    random = np.random.default_rng(0)
    truth = random.uniform(1, 5, items)
    matrix = np.clip(truth[:, None] + random.normal(0, 0.5, (items, 12)), 1, 5)
    matrix[:, 0] = random.uniform(1, 5, items)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    names = [NASTY, *(f"a_rather_long_name_of_a_photo_{at:05}.png" for at in range(1, items))]
    votes = votes_from_matrix(matrix, names)
    found = score_votes(votes)
    strata = np.where(votes.item % 2, "outdoor", NASTY).tolist()
    rejected = [rater.rejected for rater in found.raters]
    return view_study(
        found, NASTY, found.notes, votes_by_stratum(votes, strata, rejected), "scene", sha256="ab" * 32
    )


def pairs_page() -> StudyView:
    wins = np.random.default_rng(1).integers(1, 20, (9, 9)) * (1 - np.eye(9))
    comparisons = comparisons_from_wins(wins, [f"model number {at}" for at in range(9)])
    found = score_comparisons(comparisons)
    return view_study(found, "pairs.csv", found.notes, comparisons=comparisons)


@pytest.mark.parametrize("width", [400, 1280, 1600])
@pytest.mark.parametrize(
    "view", [votes_page(20), votes_page(300), pairs_page()], ids=["few", "many", "pairs"]
)
def test_the_page_fits_and_is_silent(reader, tmp_path: Path, view: StudyView, width: int):
    write_study(view, tmp_path / "page.html")
    one = reader(viewport={"width": width, "height": 900})
    one.page.goto((tmp_path / "page.html").as_uri())
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    assert one.page.evaluate("window.hacked") is None
    assert one.said == []
    assert one.asked == [(tmp_path / "page.html").as_uri()]
    assert one.page.locator(".row").first.is_visible()


def test_the_colour_of_the_ground_follows_the_system(reader, tmp_path: Path):
    write_study(pairs_page(), tmp_path / "page.html")
    grounds: list[str] = []
    for scheme in ("dark", "light"):
        page = reader(color_scheme=scheme).page
        page.goto((tmp_path / "page.html").as_uri())
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(27, 27, 29)", "rgb(246, 246, 244)"]
