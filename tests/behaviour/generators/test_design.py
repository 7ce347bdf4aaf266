"""The design of generated images: which prompt, settings and seed each gets, whatever else a recipe asks for."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundglass.generators.design import Prompt, Share, Wanted, design, doubling_hypercube, shares, value_at
from groundglass.generators.settings import Range

SEEDS = st.integers(0, 2**32)
COUNTS = st.integers(1, 300)
SETTINGS = {
    "guidance": Range(low=1, high=20),
    "steps": Range(low=10, high=50),
    "size": ("512x512", "768x512", "512x768"),
    "scheduler": ("ddim", "euler"),
}


def prompts(count: int) -> list[Prompt]:
    return [Prompt(f"prompt {number}", {}) for number in range(count)]


def made(share: Share, count: int, seed: int = 0, sampling: str = "latin_hypercube") -> list[Wanted]:
    return design(share, prompts(count), sampling, seed, "images")  # type: ignore[arg-type]


@given(COUNTS, SEEDS)
def test_each_of_as_many_equal_parts_as_a_power_of_two_has_one_or_two(count: int, seed: int):
    units = doubling_hypercube(count, seed, "guidance")
    parts = 2 ** int(math.log2(count))
    counted = np.bincount(np.floor(units * parts).astype(int), minlength=parts)
    assert units.min() >= 0
    assert units.max() < 1
    assert set(counted) <= {1, 2}
    assert np.bincount(np.floor(units * 2 * parts).astype(int)).max() == 1


@given(COUNTS, COUNTS, SEEDS)
def test_a_larger_hypercube_begins_with_the_smaller_one(one: int, other: int, seed: int):
    less, more = sorted((one, other))
    assert (doubling_hypercube(more, seed, "a")[:less] == doubling_hypercube(less, seed, "a")).all()


def test_settings_of_a_hypercube_do_not_depend_on_each_other():
    count = 1024
    one, other = (doubling_hypercube(count, 5, name) for name in ("guidance", "steps"))
    assert abs(stats.spearmanr(one, other).statistic) < 0.1
    # Also in the first half of each: all four quarters of the square have their share.
    quarters = Counter(zip(one[:512] < 0.5, other[:512] < 0.5, strict=True))
    assert min(quarters.values()) > 90


@given(st.integers(-50, 50), st.integers(1, 60), st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_value_is_within_its_range_and_of_its_kind(low: int, width: int, unit: float, whole: bool):
    setting = Range(low=low, high=low + width, whole=whole)
    value = value_at(setting, unit, "x")
    assert isinstance(value, int if whole else float)
    assert low <= value <= low + width


@given(st.floats(1e-3, 10), st.floats(1.1, 1e4), st.floats(0, 1, exclude_max=True))
def test_a_range_by_its_logarithm_has_as_much_below_its_middle_as_above(
    low: float, times: float, unit: float
):
    setting = Range(low=low, high=low * times, log=True, whole=False)
    assert (value_at(setting, unit, "x") <= low * math.sqrt(times) * 1.00001) == (unit <= 0.5) or abs(
        unit - 0.5
    ) < 1e-4


@pytest.mark.parametrize("sampling", ["latin_hypercube", "random"])
def test_marginals_are_even(sampling: str):
    share = Share("g", SETTINGS, 600)
    found = made(share, 600, sampling=sampling)
    guidance = np.array([one.settings["guidance"] for one in found])
    assert stats.kstest(guidance, stats.uniform(1, 19).cdf).pvalue > 0.01
    steps = Counter(one.settings["steps"] for one in found)
    assert set(steps) == set(range(10, 51))
    assert stats.chisquare(list(steps.values())).pvalue > 0.01
    sizes = Counter(one.settings["size"] for one in found)
    assert stats.chisquare([sizes[size] for size in SETTINGS["size"]]).pvalue > 0.01


@given(COUNTS, COUNTS, st.integers(1, 40), SEEDS, st.sampled_from(["latin_hypercube", "random", "grid"]))
def test_more_images_leave_those_that_exist_unchanged(
    one: int, other: int, of: int, seed: int, sampling: str
):
    less, more = sorted((one, other))
    settings = {
        name: one for name, one in SETTINGS.items() if sampling != "grid" or not isinstance(one, Range)
    }
    first = made(Share("g", settings, less), of, seed, sampling)
    assert made(Share("g", settings, more), of, seed, sampling)[:less] == first


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 30), SEEDS)
def test_more_prompts_at_the_end_leave_the_first_images_unchanged(of: int, more: int, images: int, seed: int):
    images = min(images, of)
    share = Share("g", SETTINGS, images)
    assert made(share, of + more, seed) == made(share, of, seed)


@given(SEEDS, st.integers(1, 50))
def test_images_differ_in_their_names_and_seeds(seed: int, of: int):
    found = made(Share("g", {}, 3 * of), of, seed)
    assert len({one.uri for one in found}) == 3 * of
    assert len({one.seed for one in found}) == 3 * of
    assert all(0 <= one.seed < 2**31 for one in found)
    assert set(Counter(one.prompt.text for one in found).values()) == {3}


def test_equal_prompts_are_other_images_with_the_same_id():
    twice = [Prompt("a cat", {"row": 1}), Prompt("a dog", {}), Prompt("a cat", {"row": 2})]
    found = design(Share("g", {}, 3), twice, "random", 0, "images")
    cats = [one for one in found if one.prompt.text == "a cat"]
    assert [one.repetition for one in cats] == [0, 1]
    assert len({one.prompt.id for one in cats}) == 1
    assert len({one.seed for one in cats}) == 2


def test_a_grid_uses_every_combination_as_often_and_gives_a_prompt_other_ones():
    settings = {"steps": (10, 20, 50), "scheduler": ("ddim", "euler")}
    found = made(Share("g", settings, 24), 4, sampling="grid")
    counted = Counter((one.settings["steps"], one.settings["scheduler"]) for one in found)
    assert len(counted) == 6
    assert set(counted.values()) == {4}
    of_first = [tuple(one.settings.values()) for one in found if one.place == 0]
    assert len(set(of_first)) == 6


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 60))
def test_prompts_that_are_not_shared_are_used_as_rarely_as_possible(images: list[int], of: int):
    asked = {f"g{number}": ({}, count) for number, count in enumerate(images)}
    used = Counter(one.place for share in shares(asked, of, 1, shared=False) for one in made(share, of))
    counts = [used[place] for place in range(of)]
    assert max(counts) - min(counts) <= 1


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 60), st.booleans())
def test_one_more_generator_leaves_the_others_unchanged(images: list[int], of: int, shared: bool):
    asked = {f"g{number}": ({}, count) for number, count in enumerate(images)}
    before = shares(asked, of, 1, shared)
    assert shares({**asked, "another": ({}, 7)}, of, 1, shared)[: len(before)] == before


def test_a_seed_of_the_recipe_is_used():
    found = made(Share("g", {"seed": (7,)}, 3), 3)
    assert [one.seed for one in found] == [7, 7, 7]
    assert all("seed" not in one.settings for one in found)
