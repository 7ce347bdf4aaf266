"""FID: how far two sets of images are apart, by the statistics of Inception's features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.measures.pairs.pair_network import PairNetwork, Shapes, as_levels, check, on
from groundglass.models.architectures import inception
from groundglass.models.scorer import Place

if TYPE_CHECKING:
    from torch import Tensor

HR_FEATURES, SR_FEATURES = "fid_hr_features", "fid_sr_features"
"""Columns of rows: 2,048 float32 numbers each."""
LEAST_IMAGES = 2
"""Images below which there is no covariance."""


def frechet_distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The Fréchet distance of two normal distributions with the means and covariances of two sets of features.

    Both are n × d, n at least 2 and not necessarily equal. Heusel et al., GANs Trained by a Two Time-Scale Update
    Rule, NeurIPS 2017, equation 6: ``|m - m'|² + Tr(C + C' - 2 (C C')^½)``. The last trace is the sum of the singular
    values of ``R R'ᵀ`` where ``C = RᵀR``: exact for fewer images than features too.

    >>> frechet_distance(np.eye(3), np.eye(3) + [2.0, 0, 0]).__round__(9)
    4.0
    """
    (mean, root), (other_mean, other_root) = _statistics(one), _statistics(other)
    between = np.square(mean - other_mean).sum()
    within = np.square(root).sum() + np.square(other_root).sum()
    shared = np.linalg.svd(root @ other_root.T, compute_uv=False).sum()
    return float(max(0.0, between + within - 2 * shared))


def _statistics(features: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean, and R of the covariance RᵀR."""
    wide = np.asarray(features, np.float64)
    mean = wide.mean(axis=0)
    root: NDArray[np.float64] = np.linalg.qr((wide - mean) / np.sqrt(len(wide) - 1))[1]
    return mean, root


def fid_of(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """FID of the rows that have features; None for fewer than two."""
    kept = [row for row in rows if row.get(HR_FEATURES) is not None]
    if len(kept) < LEAST_IMAGES:
        return None
    sets = (
        np.stack([np.frombuffer(row[name], np.float32) for row in kept])
        for name in (HR_FEATURES, SR_FEATURES)
    )
    return frechet_distance(*sets)


def _columns(found: Shapes) -> dict[str, type]:
    check(found, inception.shapes(), "FID")
    return {HR_FEATURES: bytes, SR_FEATURES: bytes}


def _load(tensors: Mapping[str, Tensor], place: Place) -> partial[dict[str, Any]]:
    return partial(_compare, on(place, tensors))


def _compare(tensors: Mapping[str, Tensor], hr: NDArray[Any], sr: NDArray[Any]) -> dict[str, bytes]:
    import torch

    device = tensors["fc.weight"].device
    with torch.inference_mode():
        found = [inception.features(tensors, as_levels(image, device)).cpu().numpy() for image in (hr, sr)]
    return {HR_FEATURES: found[0].tobytes(), SR_FEATURES: found[1].tobytes()}


FID = PairNetwork(
    "fid",
    "name the file pt_inception-2015-12-05-6726825d.pth of github.com/mseitzer/pytorch-fid, release fid_weights",
    _columns,
    _load,
    lambda _: 64,
    least=1,
)
"""Its record. Of the whole set, not of an image: 0 and more, lower is better."""
