"""Fitted references: what they are fitted to, their files, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundglass.errors import NoValue, RecipeError
from groundglass.measures.naturalness.features import FEATURES, Patches
from groundglass.measures.naturalness.model import (
    PATCHES,
    PICTURES,
    Gaussian,
    SharpSums,
    distance,
    fit_gaussian,
    sharp_sums,
)
from groundglass.measures.naturalness.naturalness import PROFILED
from groundglass.measures.naturalness.profile import (
    SHIPPED,
    NaturalProfile,
    load_natural,
    natural_of,
    save_natural,
)

SYMMETRIC = np.array([0, 1, *range(2, 10), *range(18, 28)])
"""Features that a mirror image has at the same place."""


def made_patches(pictures: int, each: int = 12, seed: int = 0) -> list[Patches]:
    random = np.random.default_rng(seed)
    shape = np.linspace(0.5, 2, FEATURES)
    return [
        Patches(
            shape + 0.1 * random.normal(size=(each, FEATURES)), random.uniform(8, 10, each), np.ones(each)
        )
        for _ in range(pictures)
    ]


def test_only_sharp_patches_count():
    rows = np.arange(5.0)[:, None] * np.ones(FEATURES)
    patches = Patches(rows, np.array([10.0, 7.6, 7.5, 1.0, 40.0]), np.array([1.0, 0.5, 1.0, 1.0, 0.49]))
    sums = sharp_sums(patches)
    assert (sums.patches, sums.total[0], sums.products[3, 5]) == (2, 1.0, 1.0)


def test_the_fit_is_the_mean_and_covariance_of_all_sharp_patches():
    pictures = made_patches(40)
    fitted = fit_gaussian(map(sharp_sums, pictures))
    every = np.vstack([patches.features for patches in pictures])
    assert (fitted.images, fitted.patches) == (40, len(every))
    assert fitted.mean[SYMMETRIC] == pytest.approx(every.mean(axis=0)[SYMMETRIC], rel=1e-8)
    block = np.ix_(SYMMETRIC, SYMMETRIC)
    assert fitted.covariance[block] == pytest.approx(np.cov(every, rowvar=False)[block], rel=1e-6, abs=1e-8)
    assert fitted.mean[10:14] == pytest.approx(fitted.mean[14:18], rel=1e-12), (
        "diagonals are as good as each other"
    )


@pytest.mark.parametrize(
    ("pictures", "each"), [(PICTURES - 1, 40), (PICTURES, PATCHES // PICTURES - 1), (0, 0)]
)
def test_too_few_pictures_or_patches_are_refused(pictures: int, each: int):
    with pytest.raises(RecipeError, match="too few for a reference"):
        fit_gaussian(map(sharp_sums, made_patches(pictures, each)))


def test_pictures_that_are_all_alike_are_refused():
    one = SharpSums(12, np.full(FEATURES, 12.0), np.full((FEATURES, FEATURES), 12.0))
    with pytest.raises(RecipeError, match="all alike"):
        fit_gaussian([one] * 30)


def test_distance_is_that_of_the_equation():
    reference = Gaussian(np.zeros(FEATURES), np.diag(np.linspace(0.5, 2, FEATURES)), 100, 1000)
    features = made_patches(1, 200)[0].features
    pooled = (reference.covariance + np.cov(features, rowvar=False)) / 2
    mean = features.mean(axis=0)
    assert distance(reference, features) == pytest.approx(np.sqrt(mean @ np.linalg.inv(pooled) @ mean))
    assert distance(reference, features - mean) == pytest.approx(0, abs=1e-6)
    assert distance(reference, 2 * features[:2]) > distance(reference, features[:2])
    for few in (features[:1], features[:0]):
        with pytest.raises(NoValue) as caught:
            distance(reference, few)
        assert caught.value.reason == "flat"


def test_a_saved_profile_is_read_as_it_was(tmp_path: Path):
    made = NaturalProfile("mine", PROFILED, fit_gaussian(map(sharp_sums, made_patches(30))), "30 of mine, ©")
    save_natural(made, tmp_path / "mine.json")
    read = load_natural(tmp_path / "mine.json", PROFILED)
    assert (read.name, read.made_from, read.digest) == (made.name, made.made_from, made.digest)
    assert (read.gaussian.covariance == made.gaussian.covariance).all()
    other = NaturalProfile("mine", PROFILED, fit_gaussian(map(sharp_sums, made_patches(30, seed=1))))
    assert other.digest != made.digest


def test_the_shipped_profile_is_of_this_version():
    """Another digest is another measure: raise its version."""
    shipped = load_natural(SHIPPED, PROFILED)
    assert (shipped.gaussian.images, shipped.gaussian.patches) == (269, 1172)
    assert (np.linalg.eigvalsh(shipped.gaussian.covariance) > 0).all()
    assert (PROFILED, shipped.digest[:16]) == ("naturalness-1", "465252c6c056d91a")


def spoilt(change: Callable[[dict[str, Any]], None]) -> str:
    plain = json.loads(SHIPPED.read_text())
    change(plain)
    return json.dumps(plain)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "\x00",
        spoilt(lambda plain: plain.update(groundglass_naturalness=2)),
        spoilt(lambda plain: plain["mean"].pop()),
        spoilt(lambda plain: plain["covariance"].pop()),
        spoilt(lambda plain: plain["covariance"][7].append(1.0)),
        spoilt(lambda plain: plain["covariance"][0].__setitem__(0, -1.0)),
        spoilt(lambda plain: plain["mean"].__setitem__(3, "x")),
        spoilt(lambda plain: plain["mean"].__setitem__(3, float("nan"))),
        spoilt(lambda plain: plain.update(covariance=3)),
    ],
)
def test_what_is_no_profile_is_said_to_be_none(text: str, tmp_path: Path):
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(RecipeError, match="is not a naturalness profile") as caught:
        load_natural(file, PROFILED)
    assert "fit-naturalness" in caught.value.hint


def test_a_profile_of_another_version_is_refused(tmp_path: Path):
    file = tmp_path / "old.json"
    file.write_text(spoilt(lambda plain: plain.update(measure="naturalness-0")))
    with pytest.raises(RecipeError, match="fitted with naturalness-0, this version measures naturalness-1"):
        load_natural(file, PROFILED)


def test_a_missing_profile_is_refused(tmp_path: Path):
    with pytest.raises(RecipeError, match="cannot read"):
        natural_of(tmp_path / "none.json", PROFILED)
    with pytest.raises(RecipeError, match="cannot read"):
        natural_of(tmp_path, PROFILED)


def test_a_replaced_file_is_read_again(tmp_path: Path):
    file = tmp_path / "mine.json"
    for time, name in ((1_000_000_000, "one"), (2_000_000_000, "two")):
        file.write_text(spoilt(lambda plain, name=name: plain.update(name=name)))

        os.utime(file, ns=(time, time))
        assert natural_of(file, PROFILED).name == name
