"""Simulated people in a real study: those who answer at random are found, and the true scores come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

pytest.importorskip("sqlalchemy", reason="needs the extra studies")

from groundglass.random_streams import stream
from groundglass.studies.results import score_study
from groundglass.studies.simulated_raters import draw_quality
from simulated_voters import vote_as_people
from study_servers import make_study

LEAST = 0.9
"""See tests/flows/test_aigiqa.py."""


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 8))])
def test_raters_at_random_are_found_and_the_truth_is_recovered(tmp_path: Path, seed: int):
    images, random = 36, stream(seed, "truth")
    study = make_study(
        tmp_path, None, count=images, protocol="slider", dimensions=["quality", "alignment"], votes=21
    )
    quality = draw_quality(images, random)
    fit = np.clip(3.2 + 0.6 * (quality - 3.2) + random.normal(0, 0.7, images), 1, 5)
    truth = {f"/{at}": {"quality": float(quality[at]), "alignment": float(fit[at])} for at in range(images)}
    with study.store as store:
        voted = vote_as_people(study, truth, raters=21, at_random=2, seed=seed)
        results = score_study(study.body, store.items(), store.votes(), study.seed)
    assert results.enough
    assert voted.at_random == {"r20", "r21"}
    assert {rater.rater for rater in results.raters if rater.rejected} == voted.at_random
    assert any("r20" in note and "r21" in note for note in results.notes)
    for name in ("quality", "alignment"):
        found = [item.more[name][0] for item in results.items]
        assert spearmanr([truth[item.row][name] for item in results.items], found).statistic >= LEAST


def test_a_biased_rater_is_no_outlier(tmp_path: Path):
    """Honest raters differ in bias and in how consistent they are; none of them is left out."""
    study = make_study(tmp_path, None, count=30, protocol="acr", votes=12)
    quality = draw_quality(30, stream(3, "truth"))
    with study.store as store:
        voted = vote_as_people(
            study, {f"/{at}": {"score": float(one)} for at, one in enumerate(quality)}, 12, 0, seed=3
        )
        results = score_study(study.body, store.items(), store.votes(), study.seed)
    assert max(voted.bias.values()) - min(voted.bias.values()) > 0.5
    assert [rater.rater for rater in results.raters if rater.rejected] == []
