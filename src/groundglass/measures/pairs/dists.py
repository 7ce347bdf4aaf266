"""DISTS: similarity of structure and texture in the features of VGG-16."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from groundglass.measures.pairs.pair_network import PairNetwork, Shapes, as_levels, check, on
from groundglass.models.architectures.vgg_and_alexnet import VGG
from groundglass.models.scorer import Place

if TYPE_CHECKING:
    from torch import Tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, of levels 0 to 1."""
C1 = C2 = 1e-6
"""The two stabilisers."""
CHANNELS = (3, *VGG.channels)
"""Channels that are compared: the image's own, and each stage's."""
HANN = (0.5, 1.0, 0.5)
"""Window of the pooling, along a side."""
STRIP = 64
"""Rows of a feature map that are compared at a time: no whole copies of the largest maps."""


def dists(tensors: Mapping[str, Tensor], one: Tensor, other: Tensor) -> float:
    """The distance of two images (1, 3, H, W) of levels 0 to 1; 0 for equal images, lower is better.

    Ding et al., Image Quality Assessment: Unifying Structure and Texture Similarity, TPAMI 2020, equations 4 to 6: of
    each channel's features, the means (texture) and the covariance (structure) are compared as in SSIM, but over the
    whole image, and weighted by the learned alpha and beta. At the images' own size: the authors' demo first reduces
    the shorter side to 256 px.
    """
    mean, std = (one.new_tensor(values)[:, None, None] for values in (MEAN, STD))
    deep = zip(
        *(VGG.features(tensors, (image - mean) / std, _l2_pool) for image in (one, other)), strict=True
    )
    total = tensors["alpha"].sum() + tensors["beta"].sum()
    alpha, beta = (tensors[name].flatten().split(CHANNELS) for name in ("alpha", "beta"))
    similar = 0.0
    for number, (x, y) in enumerate(chain([(one, other)], deep)):
        mean_x, mean_y, var_x, var_y, covariance = _moments(x[0], y[0])
        texture = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
        structure = (2 * covariance + C2) / (var_x + var_y + C2)
        similar += float((alpha[number] * texture + beta[number] * structure).sum() / total)
    return 1 - similar


def _moments(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Of each channel of C×H×W: both means, both variances, and the covariance."""
    mean_x, mean_y = x.mean((1, 2)), y.mean((1, 2))
    sums = [x.new_zeros(len(x)) for _ in range(3)]
    for r in range(0, x.shape[1], STRIP):
        a, b = x[:, r : r + STRIP] - mean_x[:, None, None], y[:, r : r + STRIP] - mean_y[:, None, None]
        for total, product in zip(sums, (a * a, b * b, a * b), strict=True):
            total += product.sum((1, 2))
    places = x.shape[1] * x.shape[2]
    return mean_x, mean_y, sums[0] / places, sums[1] / places, sums[2] / places


def _l2_pool(x: Tensor) -> Tensor:
    """Root of the mean square under a Hann window of 3 × 3, at every second place: reduces without aliasing."""
    from torch.nn.functional import conv2d

    window = x.new_tensor(HANN)
    window = window[:, None] * window / window.sum() ** 2
    squares = conv2d(x**2, window.expand(x.shape[1], 1, 3, 3), stride=2, padding=1, groups=x.shape[1])
    return (squares + 1e-12).sqrt()


def shapes() -> Shapes:
    """The shape of every tensor: VGG-16's, and a weight for each mean and each covariance.

    >>> shapes()["alpha"]
    (1, 1475, 1, 1)
    """
    return VGG.shapes() | dict.fromkeys(("alpha", "beta"), (1, sum(CHANNELS), 1, 1))


def _columns(found: Shapes) -> dict[str, type]:
    check(found, shapes(), "DISTS")
    return {"dists": float}


def _load(tensors: Mapping[str, Tensor], place: Place) -> partial[dict[str, Any]]:
    return partial(_compare, on(place, tensors))


def _compare(tensors: Mapping[str, Tensor], hr: NDArray[Any], sr: NDArray[Any]) -> dict[str, float]:
    import torch

    device = tensors["alpha"].device
    with torch.inference_mode():
        return {"dists": dists(tensors, as_levels(hr, device), as_levels(sr, device))}


DISTS = PairNetwork(
    "dists",
    "put two files into one folder and name it: weights.pt of github.com/dingkeyan93/DISTS, DISTS_pytorch, and "
    f"{VGG.file} of download.pytorch.org/models",
    _columns,
    _load,
    lambda _: 1_400,
    least=16,
)
"""Its record. Column ``dists``, 0 to about 1, lower is better."""
