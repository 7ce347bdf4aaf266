"""Binned densities, mixtures and profile files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gaussian_kde

from groundglass.errors import RecipeError
from groundglass.source_quality.clean_profile import Profile, is_profile, load_profile, save_profile
from groundglass.source_quality.kernel_density import MOST_BINS, POINTS, density, sample_of, scott
from groundglass.source_quality.mixture import shares_of
from shared_data import shared

DF2K = load_profile("df2k")


@settings(deadline=None, max_examples=30)
@given(
    st.integers(2, 3000),
    st.floats(0.01, 2),
    st.floats(0.3, 200),
    st.integers(0, 5),
    st.integers(0, 2**32 - 1),
)
def test_density_agrees_with_scipy(n: int, spread: float, median: float, outliers: int, seed: int):
    random = np.random.default_rng(seed)
    values = np.concatenate([median * random.lognormal(0, spread, n), random.uniform(0, 300, outliers)])
    low, high = min(values.min(), 0.2), max(values.max(), 345.0)
    theirs = gaussian_kde(values)(np.linspace(low, high, POINTS))
    width = scott(sample_of(values))
    coarse = (high - low) / 2**17  # where the bandwidth is near the finest bin there may be, blur is accepted
    tolerance = 2e-4 + (coarse / width) ** 2
    ours = density(sample_of(values), low, high)
    assert np.abs(ours - theirs).max() <= tolerance * gaussian_kde(values)(values).max()


def test_a_million_values_are_smoothed_by_one_convolution_of_their_bins(monkeypatch: pytest.MonkeyPatch):
    lengths: list[int] = []
    transform = np.fft.rfft

    def counted(numbers: np.ndarray, length: int | None = None) -> np.ndarray:
        lengths.append(length or len(numbers))
        return transform(numbers, length)

    monkeypatch.setattr(np.fft, "rfft", counted)
    values = 10 * np.random.default_rng(0).lognormal(0, 1, 1_300_000)
    ours = density(sample_of(values), 0.0, float(values.max()))
    step = values.max() / (POINTS - 1)
    assert ours.sum() * step == pytest.approx(1, abs=0.01)
    assert len(lengths) == 2, "the bins and the kernel"
    assert max(lengths) <= 4 * MOST_BINS, "however many values there are"


def test_repeated_values_weigh_as_often_as_they_occur():
    once, thrice = sample_of([1.0, 2.0, 5.0]), sample_of([1.0, 2.0, 5.0, 5.0, 5.0])
    assert thrice.counts.tolist() == [1, 1, 3]
    assert thrice.deviation == pytest.approx(np.std([1, 2, 5, 5, 5], ddof=1))
    assert (thrice.median(), once.median()) == (5, 2)
    assert sample_of([1.0, np.nan, np.inf, -np.inf]).size == 1


def test_what_does_not_differ_has_no_density():
    with pytest.raises(ValueError, match="all equal"):
        density(sample_of([3.0, 3.0]), 0, 5)
    with pytest.raises(ValueError, match="all equal"):
        density(sample_of([3.0]), 0, 5)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.integers(0, 600), min_size=5, max_size=5).filter(lambda counts: sum(counts) > 800),
    st.integers(0, 9),
)
def test_a_mixture_is_found_again(counts: list[int], seed: int):
    random = np.random.default_rng(seed)
    parts = [
        random.choice(sample.values, count, p=sample.counts / sample.size)
        for sample, count in zip(DF2K.samples.values(), counts, strict=True)
    ]
    shares = shares_of(sample_of(np.concatenate(parts)), list(DF2K.samples.values()))
    assert shares.min() >= 0
    assert shares.sum() == pytest.approx(1)
    assert shares == pytest.approx(np.array(counts) / sum(counts), abs=0.11)


def test_a_profile_survives_its_file(tmp_path: Path):
    random = np.random.default_rng(1)
    samples = {q: sample_of(random.lognormal(q, 1, 5000)) for q in (1.0, 0.8, 0.3)}
    save_profile(Profile("mine", "blockiness-1", samples, "5,000 of mine"), tmp_path / "mine.json")
    read = load_profile(tmp_path / "mine.json", "blockiness-1")
    assert (read.name, read.made_from, list(read.samples)) == ("mine", "5,000 of mine", [1.0, 0.8, 0.3])
    for quality, sample in samples.items():
        assert read.samples[quality].size == sample.size
        assert read.samples[quality].median() == pytest.approx(sample.median(), rel=1e-3)
    save_profile(read, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "mine.json").read_bytes()
    assert load_profile(tmp_path / "again.json").digest == read.digest != DF2K.digest


def test_the_shipped_profile_is_the_published_lists():
    lists = load_profile(shared("blockiness_reference"))
    assert list(lists.samples) == list(DF2K.samples) == [1.0, 0.95, 0.85, 0.75, 0.5]
    for quality, sample in lists.samples.items():
        theirs = np.repeat(sample.values, sample.counts.astype(int))
        ours = np.repeat(DF2K.samples[quality].values, DF2K.samples[quality].counts.astype(int))
        assert ours == pytest.approx(theirs, rel=1e-3)


def test_values_of_another_version_do_not_compare():
    with pytest.raises(
        RecipeError, match="made with blockiness-1, this version measures blockiness-2"
    ) as caught:
        load_profile("df2k", "blockiness-2")
    assert "--save-profile" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "7", "no json", '{"groundglass_profile": 9}',
        '{"groundglass_profile":1,"name":"a","measure":"b","made_from":"","samples":[]}',
        '{"groundglass_profile":1,"name":"a","measure":"b","made_from":"","samples":[{"quality":0.5,"values":[1],"counts":[1]}]}',
        json.dumps({"groundglass_profile": 1, "name": "a", "measure": "b", "made_from": "", "samples": [
            {"quality": q, "values": [2, 1], "counts": [1, 1]} for q in (1, 0.5)]}),
        json.dumps({"groundglass_profile": 1, "name": "a", "measure": "b", "made_from": "", "samples": [
            {"quality": q, "values": [1, 2], "counts": [1]} for q in (1, 0.5)]}),
    ],
)  # fmt: skip
def test_what_is_no_profile_is_said_to_be_none(tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(RecipeError, match="is not a profile"):
        load_profile(tmp_path / "a.json")


def test_lists_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "a_q100.txt").write_text("1.5\n2.5\nthree\n")
    assert is_profile(str(tmp_path))
    with pytest.raises(RecipeError, match="cannot be read"):
        load_profile(tmp_path)
    with pytest.raises(RecipeError, match="cannot read the profile"):
        load_profile(tmp_path / "gone.json")
