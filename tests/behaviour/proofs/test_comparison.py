"""Verdicts: random halves are not called different, real differences are, and many arms raise the bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from groundglass.proofs.comparison import (
    LIMIT,
    Effect,
    Score,
    false_alarm_rate,
    limits,
    same_photos_effect,
    selection_effect,
    size_effect,
    verdicts,
)
from groundglass.proofs.preset import INSTANT, QUICK

IMAGES = 60


def score_of(worth: NDArray[np.float64], per_image: float = 0.02) -> Score:
    """A network whose score is the mean worth of its units; each scored image values them a little differently."""
    taste = np.random.default_rng(0).normal(0, per_image, (len(worth), IMAGES))

    def score(shares: NDArray[Any], seeds: Sequence[int]) -> NDArray[np.float64]:
        return shares @ (worth[:, None] + taste) / shares.sum(1, keepdims=True)

    return score


@pytest.mark.parametrize("preset", [INSTANT, QUICK], ids=lambda preset: preset.name)
def test_random_selections_are_not_called_different(preset: Any):
    random = np.random.default_rng(1)
    worth, photos = random.normal(0, 0.1, 120), np.arange(120)
    called = 0
    for _ in range(40):
        chosen = random.permutation(120)[:50]
        effect = selection_effect(score_of(worth), chosen, photos, photos, preset, random)
        called += verdicts([effect]) != ["no difference shown"]
    assert called <= (
        1 if preset is INSTANT else 4
    )  # with 8 splits the null's spread is known to a quarter only


def test_the_better_part_of_a_pool_is_called_better_and_the_rest_worse():
    random = np.random.default_rng(2)
    worth = np.concatenate([np.full(60, 0.2), np.full(60, 0.0)]) + random.normal(0, 0.05, 120)
    good, bad, pool = np.arange(60), np.arange(60, 120), np.arange(120)
    effects = [selection_effect(score_of(worth), arm, pool, pool, INSTANT, random) for arm in (good, bad)]
    assert verdicts(effects) == ["better", "worse"]
    assert effects[0].effect == pytest.approx(0.1, abs=0.03)
    assert effects[0].ci95[0] < effects[0].effect < effects[0].ci95[1]


def test_tiles_of_one_photo_are_not_taken_for_as_many_photos():
    random = np.random.default_rng(3)
    photos = np.repeat(np.arange(12), 20)
    worth = random.normal(0, 0.1, 12)[photos]
    arm = np.flatnonzero(photos < 6)
    alone = selection_effect(score_of(worth), arm, np.arange(240), np.arange(240), INSTANT, random)
    together = selection_effect(score_of(worth), arm, np.arange(240), photos, INSTANT, random)
    assert together.null_sd > 2 * alone.null_sd


def test_arms_of_the_same_photos_are_compared_photo_by_photo():
    random = np.random.default_rng(4)
    content = random.normal(0, 1.0, 80)  # what differs between photos is 50 times what the encoding costs
    worth = np.concatenate([content, content - 0.02])
    arm, against, photos = np.arange(80, 160), np.arange(80), np.tile(np.arange(80), 2)
    effect = same_photos_effect(score_of(worth, 0.001), arm, against, photos, INSTANT, random)
    assert effect.effect == pytest.approx(-0.02, abs=2e-3)
    assert verdicts([effect]) == ["worse"]


def test_fewer_images_may_cost_and_counts_stay_as_they_are():
    def score(shares: NDArray[Any], seeds: Sequence[int]) -> NDArray[np.float64]:
        return np.log(shares.sum(1, keepdims=True)) + np.zeros((1, IMAGES))

    photos = np.arange(100)
    random = np.random.default_rng(5)
    cost = size_effect(score, photos[:25], photos, photos, INSTANT, random)
    equal = selection_effect(score, photos[:25], photos, photos, INSTANT, random)
    assert cost.effect == pytest.approx(np.log(0.25))
    assert equal.effect == pytest.approx(0)


def test_a_set_against_itself_shows_no_difference():
    photos = np.arange(40)
    effect = selection_effect(
        score_of(np.zeros(40)), photos, photos, photos, INSTANT, np.random.default_rng(6)
    )
    assert effect.effect == 0
    assert effect.null_sd < 1e-9
    assert verdicts([effect]) == ["no difference shown"]


def test_the_false_alarms_of_halves_are_few():
    worth = np.random.default_rng(7).normal(0, 0.1, 100)
    rate = false_alarm_rate(
        score_of(worth), np.arange(100), np.arange(100), INSTANT, np.random.default_rng(8)
    )
    assert rate <= 0.05


@given(st.integers(1, 30))
def test_more_arms_need_larger_effects(arms: int):
    found = limits(arms)
    assert found[-1] == pytest.approx(LIMIT)
    assert found == sorted(found, reverse=True)
    assert limits(arms + 1)[0] > found[0]


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(1e-3, 1), st.floats(1e-3, 1)), min_size=1, max_size=8))
def test_no_effect_within_its_spread_gets_a_verdict(numbers: list[tuple[float, float, float]]):
    effects = [Effect(effect, null, error, 10, "selection") for effect, null, error in numbers]
    for effect, verdict in zip(effects, verdicts(effects), strict=True):
        if verdict != "no difference shown":
            assert abs(effect.effect) > LIMIT * effect.null_sd
            assert abs(effect.effect) > LIMIT * effect.se_scored
            assert (verdict == "better") is (effect.effect > 0)


def test_a_clear_effect_keeps_its_verdict_beside_an_unclear_one():
    clear, unclear = Effect(1, 0.1, 0.1, 10, "selection"), Effect(0.1, 0.1, 0.1, 10, "selection")
    assert verdicts([unclear, clear]) == ["no difference shown", "better"]
