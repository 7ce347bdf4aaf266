"""The quality of a source from its values: the published checks, and when none is given."""

from __future__ import annotations

import numpy as np
import pytest

from groundglass.source_quality.clean_profile import Profile, load_profile
from groundglass.source_quality.divergence import (
    FLOOR,
    LEAST,
    LEAST_REFERENCE,
    divergence_sum,
    divergence_sums,
    estimate,
    fault_of,
    source_quality,
)
from groundglass.source_quality.kernel_density import Sample, density, sample_of

DF2K = load_profile("df2k")
QUALITIES = list(DF2K.samples)
CHECKS = [1.000, 0.950, 0.850, 0.750, 0.500]
INTEGRALS = [0.968, 0.929, 0.822, 0.748, 0.523]


def drawn(quality: float, count: int, random: np.random.Generator) -> np.ndarray:
    values = np.repeat(DF2K.samples[quality].values, DF2K.samples[quality].counts.astype(int))
    return random.choice(values, count, replace=False)


@pytest.mark.parametrize(("quality", "expected"), list(zip(QUALITIES, CHECKS, strict=True)))
def test_the_reference_against_itself(quality: float, expected: float):
    found = source_quality(DF2K.samples[quality], DF2K)
    assert found.quality == pytest.approx(expected, abs=0.005)
    assert found.mixture[quality] == pytest.approx(1, abs=0.01)
    assert found.ci95 is not None
    assert found.ci95[0] <= found.quality <= found.ci95[1]
    assert found.ci95[1] - found.ci95[0] < 0.001


@pytest.mark.parametrize(("quality", "expected"), list(zip(QUALITIES, INTEGRALS, strict=True)))
def test_the_integral_would_not_decide(quality: float, expected: float):
    """Why D_q is a sum: times the grid's step, the reference does not find itself."""

    def integral(target: Sample, reference: Sample) -> float:
        low, high = min(target.low, reference.low), max(target.high, reference.high)
        return divergence_sum(target, reference) * (high - low) / 3449

    target = DF2K.samples[quality].below(300)
    sums = np.array([integral(target, reference) for reference in DF2K.samples.values()])
    assert estimate(sums, DF2K) == pytest.approx(expected, abs=0.002)


def test_the_sum_is_the_equation():
    p_of, r_of = DF2K.samples[0.85].below(300), DF2K.samples[0.75]
    low, high = min(p_of.low, r_of.low), max(p_of.high, r_of.high)
    p, r = density(p_of, low, high) + FLOOR, density(r_of, low, high) + FLOOR
    assert divergence_sum(p_of, r_of) == pytest.approx(sum(p * np.log(p / r) - p + r))
    assert divergence_sum(r_of, r_of) == 0
    assert min(divergence_sums(p_of, DF2K)) > 0


def test_far_sources_do_not_underflow():
    assert estimate(np.array([9000.0, 9000.0, 9100.0, 9100.0, 9100.0]), DF2K) == pytest.approx(0.975)


def test_it_is_no_mean_and_the_mixture_says_so():
    random = np.random.default_rng(0)
    some = sample_of([*drawn(1.0, 3105, random), *drawn(0.5, 345, random)])
    half = sample_of([*drawn(1.0, 1725, random), *drawn(0.5, 1725, random)])
    found = source_quality(some, DF2K)
    assert found.quality == pytest.approx(0.951, abs=0.002)
    assert found.blocky == pytest.approx(0.10, abs=0.01)
    found = source_quality(half, DF2K)
    assert found.quality == pytest.approx(0.506, abs=0.005)
    assert (found.mixture[1.0], found.mixture[0.5]) == pytest.approx((0.5, 0.5), abs=0.02)


@pytest.mark.parametrize(("count", "within"), [(50, 0.013), (300, 0.002)])
def test_few_images_suffice_in_the_median(count: int, within: float):
    random = np.random.default_rng(3)
    for quality in QUALITIES:
        errors = [
            abs(
                estimate(divergence_sums(sample_of(drawn(quality, count, random)).below(300), DF2K), DF2K)
                - quality
            )
            for _ in range(21)
        ]
        assert np.median(errors) <= within, quality


def test_the_interval_is_the_same_every_time_and_the_seed_decides():
    sample = sample_of(drawn(0.85, 60, np.random.default_rng(5)))
    assert source_quality(sample, DF2K, 1, "a").plain() == source_quality(sample, DF2K, 1, "a").plain()
    assert source_quality(sample, DF2K, 1, "a").ci95 != source_quality(sample, DF2K, 2, "a").ci95


def test_the_interval_covers_what_the_draws_scatter():
    """Of 20 sources of 40 images the published quality lies inside most intervals."""
    random = np.random.default_rng(7)
    found = [source_quality(sample_of(drawn(0.85, 40, random)), DF2K) for _ in range(20)]
    inside = sum(q.ci95[0] - 0.002 <= 0.85 <= q.ci95[1] + 0.002 for q in found if q.ci95)
    assert inside >= 16


def test_too_few_values_get_a_reason():
    for count in (0, 1, 3, LEAST - 1):
        found = source_quality(sample_of(np.linspace(0.4, 9, count)), DF2K)
        assert (found.quality, found.ci95, found.images) == (None, None, count)
        assert found.abstained == f"{count} values below 300, at least {LEAST} are needed"
    assert source_quality(sample_of(drawn(1.0, LEAST, np.random.default_rng(1))), DF2K).abstained is None
    assert source_quality(sample_of([2.0] * 100), DF2K).abstained == "all its values are the same"
    assert source_quality(sample_of([np.nan] * 100), DF2K).images == 0


def test_the_least_count_is_where_draws_become_usable():
    """`LEAST` of each list: nearly all within .05; half as many are not."""
    random = np.random.default_rng(11)

    def share_off(quality: float, count: int) -> float:
        sums = [divergence_sums(sample_of(drawn(quality, count, random)).below(300), DF2K) for _ in range(60)]
        return float(np.mean([abs(estimate(row, DF2K) - quality) > 0.0505 for row in sums]))

    assert max(share_off(quality, LEAST) for quality in QUALITIES) <= 0.05
    assert max(share_off(quality, 8) for quality in QUALITIES) > 0.05


def test_a_source_beyond_all_qualities_has_the_worst():
    found = source_quality(sample_of(np.linspace(320, 900, 100)), DF2K)
    assert (found.quality, found.ci95, found.abstained) == (0.5, (0.5, 0.5), None)
    assert found.blocky == pytest.approx(1, abs=0.001)


def test_values_like_nothing_in_the_reference_get_a_reason():
    random = np.random.default_rng(2)
    found = source_quality(sample_of(250 * random.lognormal(0, 0.002, 20_000)), DF2K)
    assert found.quality is None
    assert "smallest divergence" in (found.abstained or "")
    assert found.mixture


def test_a_compressed_reference_is_recognised():
    """DF2K at quality 95 as if it were clean: quality 95 again changes it no more."""
    again = dict(
        zip((1.0, 0.95, 0.85, 0.75, 0.5), map(DF2K.samples.get, (0.95, 0.95, 0.85, 0.75, 0.5)), strict=True)
    )
    found = source_quality(DF2K.samples[1.0], Profile("x", "blockiness-1", again))  # type: ignore[arg-type]
    assert "the reference is compressed itself" in (found.abstained or "")
    assert fault_of(DF2K) == ""


def test_a_small_reference_is_refused():
    random = np.random.default_rng(0)
    small = {q: sample_of(drawn(q, LEAST_REFERENCE - 1, random)) for q in QUALITIES}
    found = source_quality(DF2K.samples[1.0], Profile("x", "blockiness-1", small))
    assert found.abstained == f"the reference has 149 values, at least {LEAST_REFERENCE} are needed"
