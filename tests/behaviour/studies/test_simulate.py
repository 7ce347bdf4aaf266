"""A study's plan counts its trials, and its simulated intervals behave as more votes and more raters must."""

from __future__ import annotations

import pytest

from groundglass.recipes.study_model import StudyChecks, StudyStep
from groundglass.studies.simulate import TRIED, plan_study, simulate

BODIES = {
    "acr": StudyStep(),
    "slider": StudyStep(protocol="slider"),
    "accept": StudyStep(protocol="accept"),
    "pairwise": StudyStep(protocol="pairwise"),
    "folders": StudyStep(protocol="pairwise", folders={"a": "a", "b": "b"}),
}


@pytest.mark.parametrize("protocol", BODIES)
def test_more_votes_give_narrower_intervals(protocol):
    few, many = (simulate(BODIES[protocol], 40, votes, 20, 8, 0) for votes in (6, 20))
    assert few.width is not None
    assert many.width is not None
    assert many.width < few.width


def test_the_same_seed_gives_the_same_plan():
    one, again, other = (plan_study("x", StudyStep(), 50, simulations=3, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.widths != other.widths


def test_with_many_votes_an_interval_contains_the_truth_about_as_often_as_it_says():
    found = simulate(BODIES["slider"], 100, 15, 20, 10, 0)
    assert found.covered is not None
    assert 0.85 < found.covered < 0.99
    assert found.error == pytest.approx(found.width / 2, rel=0.3)


def test_trials_add_up():
    body = StudyStep(votes=4, checks=StudyChecks(repeat=0.1, trap=0.1, training=5))
    plan = plan_study("x", body, 100, raters=10, simulations=1)
    assert plan.counted == 400
    assert plan.checks == {"repeat": 50, "trap": 50}
    assert plan.trials == 55
    assert plan.minutes == pytest.approx(55 * plan.seconds / 60, abs=0.1)


def test_a_comparison_of_two_images_is_a_vote_for_both():
    assert plan_study("x", StudyStep(protocol="pairwise", votes=5), 11, simulations=1).counted == 28
    assert plan_study("x", BODIES["folders"], 11, simulations=1).counted == 55


def test_gold_trials_are_counted_only_with_answers_and_identical_pairs_only_in_comparisons():
    assert set(plan_study("x", StudyStep(), 100, simulations=1).checks) == {"repeat", "trap"}
    answers = StudyStep(checks=StudyChecks(answers="gold.csv"))
    assert set(plan_study("x", answers, 100, simulations=1).checks) == {"repeat", "trap", "gold"}
    assert "identical" in plan_study("x", StudyStep(protocol="pairwise"), 100, simulations=1).checks


def test_a_plan_that_cannot_be_fulfilled_says_so():
    few = plan_study("x", StudyStep(votes=8), 20, raters=5, simulations=1)
    assert any("5 raters cannot give 8 votes" in note for note in few.notes)
    assert [width.votes for width in few.widths] == [number for number in TRIED if number <= 5]
    capped = plan_study("x", StudyStep(votes=8, cap=10), 100, raters=10, simulations=1)
    assert any("invite" in note for note in capped.notes)
    sat = plan_study("x", StudyStep(votes=8, sitting=30), 100, raters=10, simulations=1)
    assert any("each rater needs 3 sittings" in note for note in sat.notes)  # of 30: 89.9 trials


def test_few_comparisons_leave_images_without_a_common_scale():
    few, many = (simulate(BODIES["pairwise"], 60, votes, 15, 4, 0).connected for votes in (3, 20))
    assert few is not None
    assert many is not None
    assert few < 0.5 < 0.95 < many
    plan = plan_study("x", StudyStep(protocol="pairwise", votes=3), 60, simulations=2)
    assert any("on one scale" in note for note in plan.notes)


def test_a_study_of_one_image_or_none_has_a_plan():
    for units in (0, 1):
        for body in BODIES.values():
            assert plan_study("x", body, units, simulations=1).counted >= 0


def test_a_plan_counts_the_checks_that_the_study_hands_out():
    body = StudyStep(protocol="pair_accept", folders={"lq": "a", "hq": "b"})
    assert set(plan_study("pairs", body, 60, simulations=1).checks) == {"trap", "repeat"}


def test_raters_at_random_are_found_if_each_image_has_enough_votes():
    few, many = (simulate(BODIES["slider"], 60, votes, 21, 10, 0, at_random=2) for votes in (3, 21))
    assert many.found == 1.0
    assert many.wronged is not None
    assert many.wronged < 0.05
    assert few.found is not None
    assert few.found < many.found
    assert simulate(BODIES["slider"], 60, 5, 21, 2, 0).found is None


def test_raters_at_random_are_refused_where_no_rater_is_left_out(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from groundglass.cli.main import groundglass

    monkeypatch.chdir(tmp_path)
    words = ("study.yaml", "--random", "2", "--simulations", "1")
    for protocol, status in (("pairwise", 2), ("slider", 0)):
        (tmp_path / "study.yaml").write_text(f"protocol: {protocol}\nitems: 20\nvotes: 5\n")
        done = CliRunner().invoke(groundglass, ["study", "plan", *words])
        assert done.exit_code == status
        assert ("random raters found" in done.output) is (status == 0)
