"""The JPEG quality of a whole source, from the distribution of its blockiness: DiverSeg's released procedure.

For each quality q of a reference, p is the source's density and r the reference's, on one grid:

    D_q = Σ p·log(p/r) - p + r          q̂ = Σ q·exp(-D_q) / Σ exp(-D_q)

The sum is over the grid's points and *not* multiplied by their distance. So it is not an integral: its larger scale
makes exp(-D_q) decide sharply between qualities. With the integral the DF2K lists would give .968 .929 .822 .748 .523
against themselves; with the sum they give 1.000 .950 .850 .750 .500.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from groundglass.random_streams import stream
from groundglass.source_quality.clean_profile import Profile
from groundglass.source_quality.kernel_density import FINE, Numbers, Sample, density, scott
from groundglass.source_quality.mixture import shares_of

LARGEST_VALUE = 300.0
"""Values of the source from this one on are left out of its density, as published; the reference keeps its values."""
FLOOR = 1e-10
"""Added to every density, because a density of 0 has no logarithm."""
LEAST = 30
"""The fewest values of a source. With 30, 99 % of draws from each DF2K list are estimated within .05."""
LEAST_REFERENCE = 150
"""The fewest values per quality of a reference. With 20 of DF2K's photographs 2 % of the estimates are off by up to .5;
from 150 on all are within .05."""
FARTHEST = 40.0
"""If the smallest divergence is above this, there is no estimate. With 30 and more of DF2K's photographs it stays below
30; when estimates were wrong because no reference density covered the values, it was 41 to 65."""
COMPRESSED = 0.2
"""The largest share of a reference that may look like JPEGs: it is .04 for DF2K and .83 for JPEGs of quality 95."""
BLOCKY = 0.9
"""Reference qualities below this form the blocky tail of a mixture, as in DiverSeg's gate."""
RESAMPLES = 200
"""The number of bootstrap resamples for an interval."""


@dataclass(frozen=True)
class SourceQuality:
    """The estimated quality of a source.

    quality      q̂, 0 to 1 on the scale of JPEG qualities ÷ 100, higher is better; None if there is no estimate
    ci95         the middle 95 % of q̂ over bootstrap resamples of the images
    mixture      the shares of the reference's qualities that best explain the values; their sum is 1
    blocky       the share of the qualities below `BLOCKY`; q̂ is not a mean, and can be .95 with a tenth blocky images
    divergences  D_q by quality
    images       the number of images with a value
    abstained    why there is no estimate, else None
    """

    images: int
    quality: float | None = None
    ci95: tuple[float, float] | None = None
    mixture: Mapping[float, float] = field(default_factory=dict)
    blocky: float | None = None
    divergences: Mapping[float, float] = field(default_factory=dict)
    abstained: str | None = None

    def plain(self) -> dict[str, Any]:
        """The same for JSON: qualities as texts, numbers to four places."""
        return {
            "quality": None if self.quality is None else round(self.quality, 4),
            "ci95": None if self.ci95 is None else [round(end, 4) for end in self.ci95],
            "mixture": {f"{quality:g}": round(share, 4) for quality, share in self.mixture.items()},
            "blocky": None if self.blocky is None else round(self.blocky, 4),
            "images": self.images,
            "abstained": self.abstained,
        }


def source_quality(values: Sample, profile: Profile, seed: int = 0, name: str = "") -> SourceQuality:
    """The quality of a source whose images have these values, by the profile's measure.

    ``seed`` and ``name`` fix the random draws for the interval. Raises nothing: if there is no estimate, ``abstained``
    says why, and the mixture is still given if there are enough values.

    Source: DiverSeg (ECCV 2024), its released source selection.

    >>> from groundglass.source_quality.clean_profile import load_profile
    >>> df2k = load_profile("df2k")
    >>> found = source_quality(df2k.samples[0.75], df2k)
    >>> round(found.quality, 2), found.abstained
    (0.75, None)
    """
    near = values.below(LARGEST_VALUE)
    # Enough values, but nearly all at or above the limit: then the source is worse than the reference.
    beyond = near.size < LEAST <= values.size - near.size
    reason = fault_of(profile) or ("" if beyond else _too_few(near))
    if reason:
        return SourceQuality(values.size, abstained=reason)
    mixture = _mixture(values, profile)
    blocky = sum(share for quality, share in mixture.items() if quality < BLOCKY)
    known = SourceQuality(values.size, mixture=mixture, blocky=blocky)
    # Nearly all values are worse than the reference's worst.
    if beyond:
        worst = min(profile.samples)
        return replace(known, quality=worst, ci95=(worst, worst))
    sums = divergence_sums(near, profile)
    known = replace(known, divergences=dict(zip(profile.samples, sums.tolist(), strict=True)))
    if sums.min() > FARTHEST:
        far = f"the smallest divergence is {sums.min():.0f}, the limit is {FARTHEST:.0f}"
        return replace(known, abstained=f"like no quality of the reference: {far}")
    return replace(known, quality=estimate(sums, profile), ci95=interval(near, profile, seed, name))


def fault_of(profile: Profile) -> str:
    """Why this reference cannot be used; "" if it can.

    Compression to quality .95 raises a clean photograph's blockiness twentyfold, and hardly changes that of one that
    was a JPEG already. So the images above half the median of the next quality were compressed before (or are too
    small and noisy to judge).
    """
    if profile.size < LEAST_REFERENCE:
        return f"the reference has {profile.size:,} values, at least {LEAST_REFERENCE} are needed"
    clean, compressed = list(profile.samples.values())[:2]
    share = clean.share_above(compressed.median() / 2)
    if share > COMPRESSED:
        return f"the reference is compressed itself, or too small: {share:.0%} of its images look like JPEGs"
    return ""


def _too_few(near: Sample) -> str:
    if near.size < LEAST:
        return f"{near.size:,} values below {LARGEST_VALUE:.0f}, at least {LEAST} are needed"
    return "" if scott(near) > 0 else "all its values are the same"


def divergence_sums(target: Sample, profile: Profile) -> Numbers:
    """D_q of a source against each quality of a profile, in the profile's order."""
    return np.array([divergence_sum(target, reference) for reference in profile.samples.values()])


def divergence_sum(target: Sample, reference: Sample) -> float:
    """Σ p·log(p/r) - p + r over the grid, not multiplied by its step: 0 for equal densities, else positive.

    The grid reaches from the smallest to the largest number of the two samples.
    """
    low, high = min(target.low, reference.low), max(target.high, reference.high)
    p, r = density(target, low, high) + FLOOR, _remembered(reference, low, high) + FLOOR
    return float(np.sum(p * np.log(p / r) - p + r))


@lru_cache(maxsize=64)
def _remembered(reference: Sample, low: float, high: float) -> Numbers:
    """A reference's density, cached: resamples of one source mostly have the same ends, and so the same grid."""
    return density(reference, low, high)


def estimate(sums: Numbers, profile: Profile) -> float:
    """q̂ from the divergences; the smallest is subtracted first, because exp(-800) would be 0."""
    weights = np.exp(-(sums - sums.min()))
    return float(weights @ np.array(list(profile.samples)) / weights.sum())


def interval(target: Sample, profile: Profile, seed: int, name: str) -> tuple[float, float]:
    """The middle 95 % of q̂ over resamples of the source, drawn with replacement.

    Values are rounded to a fraction of the bandwidth first, so that a million resample as fast as a thousand.
    """
    random = stream(seed, "source_divergence", name)
    drawn = _resamples(target.rounded(scott(target) / FINE), random)
    found = [estimate(divergence_sums(sample, profile), profile) for sample in drawn]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _resamples(sample: Sample, random: np.random.Generator) -> Iterator[Sample]:
    """Samples of the same size, drawn with replacement; draws whose numbers are all equal are left out: no density."""
    shares = sample.counts / sample.counts.sum()
    for _ in range(RESAMPLES):
        counts = random.multinomial(sample.size, shares)
        drawn = Sample(sample.values[counts > 0], counts[counts > 0].astype(np.float64))
        if len(drawn.values) > 1:
            yield drawn


def _mixture(values: Sample, profile: Profile) -> dict[float, float]:
    shares = shares_of(values, list(profile.samples.values()))
    return dict(zip(profile.samples, shares.tolist(), strict=True))
