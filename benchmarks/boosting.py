"""Fits the small tree tables of `groundglass.measures.resolution.boosted`: gradient boosting with histograms.

Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 2001; second-order
leaves as in XGBoost (Chen & Guestrin 2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

from groundglass.measures.resolution.boosted import Trees

Values = npt.NDArray[np.float64]
BINS = 64


@dataclass(frozen=True)
class Settings:
    """Limits on how much the trees may learn.

    trees, depth  size of the table
    rate          share of each tree's correction that is taken
    least         least weight of a leaf
    ridge         pulls leaves towards 0
    columns       share of the features that each tree may use
    """

    trees: int = 150
    depth: int = 3
    rate: float = 0.1
    least: float = 20.0
    ridge: float = 5.0
    columns: float = 0.5
    seed: int = 1


def fit_trees(
    rows: Values,
    target: Values,
    weight: Values,
    names: tuple[str, ...],
    loss: Literal["logistic", "squared"],
    settings: Settings,
) -> Trees:
    """Fit trees with a sum that is the logit of ``target`` (0 or 1), or ``target`` itself, for N×F ``rows``."""
    random = np.random.default_rng(settings.seed)
    edges = np.stack([_edges(column) for column in rows.T])
    binned = np.stack(
        [np.searchsorted(edge, column) for edge, column in zip(edges, rows.T, strict=True)], axis=1
    )
    binned = binned.astype(np.uint8)
    mean = float(np.average(target, weights=weight))
    start = float(np.log(mean / (1 - mean))) if loss == "logistic" else mean
    sums = np.full(len(rows), start)
    parts: list[Any] = []
    for _ in range(settings.trees):
        allowed = random.random(rows.shape[1]) < settings.columns
        gradient, curvature = _slopes(sums, target, weight, loss)
        feature, cut, leaf, place = _tree(binned, gradient, curvature, allowed, settings)
        sums += leaf[place]
        parts.append((feature, edges[feature, cut], leaf))
    feature, threshold, leaf = (np.stack([part[k] for part in parts]) for k in range(3))
    return Trees(names, feature, threshold, leaf, start)


def _edges(column: Values) -> Values:
    """Limits between the bins: quantiles, rounded so that the table stays short."""
    return np.round(np.quantile(column, np.arange(1, BINS) / BINS), 3)


def _slopes(sums: Values, target: Values, weight: Values, loss: str) -> tuple[Values, Values]:
    if loss == "squared":
        return weight * (target - sums), weight
    chance = 1 / (1 + np.exp(-sums))
    return weight * (target - chance), weight * chance * (1 - chance) + 1e-9


def _tree(
    binned: Any, gradient: Values, curvature: Values, allowed: Any, settings: Settings
) -> tuple[Any, Any, Values, Any]:
    """One tree, grown level by level: its features, cuts and leaves, and the leaf of each row."""
    inner = 2**settings.depth - 1
    feature, cut = np.zeros(inner, np.int64), np.full(inner, BINS - 2)
    node = np.zeros(len(binned), np.int64)
    for level in range(settings.depth):
        first = 2**level - 1
        sums = _histograms(binned, gradient, curvature, node - first, 2**level)
        for at in range(2**level):
            best = _best_cut(sums[at], allowed, settings)
            if best is not None:
                feature[first + at], cut[first + at] = best
        node = 2 * node + 1 + (binned[np.arange(len(binned)), feature[node]] > cut[node])
    place = node - inner
    up = np.bincount(place, gradient, 2**settings.depth)
    down = np.bincount(place, curvature, 2**settings.depth) + settings.ridge
    return feature, cut, np.round(settings.rate * up / down, 4), place


@njit(cache=True)
def _histograms(binned: Any, gradient: Any, curvature: Any, node: Any, nodes: int) -> Any:
    out = np.zeros((nodes, 2, binned.shape[1], BINS))
    for row in range(binned.shape[0]):
        for column in range(binned.shape[1]):
            value = binned[row, column]
            out[node[row], 0, column, value] += gradient[row]
            out[node[row], 1, column, value] += curvature[row]
    return out


def _best_cut(sums: Any, allowed: Any, settings: Settings) -> tuple[int, int] | None:
    """The feature and cut that gain most, or None if no cut leaves enough on both sides."""
    left, whole = np.cumsum(sums, axis=2)[:, :, :-1], sums.sum(axis=2)[:, :, None]
    right = whole - left
    gain = left[0] ** 2 / (left[1] + settings.ridge) + right[0] ** 2 / (right[1] + settings.ridge)
    enough = (left[1] > settings.least) & (right[1] > settings.least) & allowed[:, None]
    gain = np.where(enough, gain, -np.inf)
    best = int(gain.argmax())
    if not np.isfinite(gain.flat[best]):
        return None
    return divmod(best, gain.shape[1])  # feature, cut
