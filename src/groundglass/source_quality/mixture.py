"""The shares of known distributions that together explain a histogram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundglass.libraries import optimize
from groundglass.source_quality.kernel_density import Numbers, Sample, combined

BINS = 48
"""The number of bins. Each holds the same part of all components together, so that each counts about the same."""


def shares_of(target: Sample, components: Sequence[Sample]) -> Numbers:
    """The share of each component in the mixture that is nearest to ``target``: none is negative, and their sum is 1.

    Non-negative least squares on the bins' masses. The first and the last bin are open, so every number counts.

    Source: C. L. Lawson and R. J. Hanson, Solving Least Squares Problems, 1974, chapter 23.

    >>> from groundglass.source_quality.kernel_density import sample_of
    >>> low, high = sample_of(np.linspace(0, 1, 500)), sample_of(np.linspace(5, 9, 500))
    >>> shares_of(sample_of([*np.linspace(0, 1, 300), *np.linspace(5, 9, 100)]), [low, high]).round(2)
    array([0.75, 0.25])
    """
    edges = _edges(components)
    masses = np.stack([_masses(component, edges) for component in components], axis=1)
    # The shares are scaled afterwards, because NNLS does not hold their sum at 1.
    weights, _ = optimize.nnls(masses, _masses(target, edges))
    return weights / weights.sum()


def _edges(components: Sequence[Sample]) -> Numbers:
    """Inner edges of the bins: quantiles of all components, each with the same weight."""
    values = np.concatenate([component.values for component in components])
    weights = np.concatenate([component.counts / component.size for component in components])
    pooled = combined(values, weights)
    reached = pooled.counts.cumsum() / pooled.counts.sum()
    places = np.searchsorted(reached, np.arange(1, BINS) / BINS)
    return np.unique(pooled.values[np.minimum(places, len(reached) - 1)])


def _masses(sample: Sample, edges: Numbers) -> Numbers:
    """The share of a sample in each bin."""
    return np.bincount(np.searchsorted(edges, sample.values), sample.counts, len(edges) + 1) / sample.size
