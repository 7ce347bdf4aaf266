"""LPIPS: how far two images are apart in the features of AlexNet or VGG-16."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.measures.pairs.pair_network import PairNetwork, Shapes, as_levels, check, on
from groundglass.models.architectures.vgg_and_alexnet import ALEX, VGG, Backbone
from groundglass.models.scorer import Place

if TYPE_CHECKING:
    from torch import Tensor

SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Normalisation of levels -1 to 1 before the network."""
EPSILON = 1e-10
STRIP = 64
"""Rows of a feature map that are compared at a time: no whole copies of the largest maps."""


def lpips(backbone: Backbone, tensors: Mapping[str, Tensor], one: Tensor, other: Tensor) -> float:
    """The distance of two images (1, 3, H, W) of levels 0 to 1; 0 for equal images, lower is better.

    Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018, equation 1: the
    features of each stage are scaled to unit length at every place; their squared differences, weighted by channel, are
    averaged over places and added up over stages. Version 0.1 of the published weights.
    """
    shift, scale = (one.new_tensor(values)[:, None, None] for values in (SHIFT, SCALE))
    stages = zip(
        *(backbone.features(tensors, (2 * image - 1 - shift) / scale) for image in (one, other)), strict=True
    )
    total = 0.0
    for number, (x, y) in enumerate(stages):
        weights = tensors[f"lin{number}.model.1.weight"]
        rows, columns = x.shape[2:]
        far = sum(
            float((weights * (_unit(x[:, :, r : r + STRIP]) - _unit(y[:, :, r : r + STRIP])) ** 2).sum())
            for r in range(0, rows, STRIP)
        )
        total += far / (rows * columns)
    return total


def _unit(features: Tensor) -> Tensor:
    return features / ((features**2).sum(1, keepdim=True).sqrt() + EPSILON)


def shapes(backbone: Backbone) -> Shapes:
    """The shape of every tensor: the backbone's, and one weight for each channel that is compared.

    >>> shapes(ALEX)["lin1.model.1.weight"]
    (1, 192, 1, 1)
    """
    heads = {f"lin{n}.model.1.weight": (1, channels, 1, 1) for n, channels in enumerate(backbone.channels)}
    return backbone.shapes() | heads


def backbone_of(found: Shapes) -> Backbone:
    """AlexNet or VGG-16, by the first convolution. Raises RecipeError if neither is there.

    >>> backbone_of({"features.0.weight": (64, 3, 11, 11)}).name
    'alex'
    """
    first = found.get("features.0.weight")
    for backbone in (ALEX, VGG):
        if first == backbone.shapes()["features.0.weight"]:
            return backbone
    missing = "features.0.weight is not there" if first is None else f"its first convolution is {first}"
    raise RecipeError(f"the weights hold neither AlexNet nor VGG-16: {missing}")


def _columns(found: Shapes) -> dict[str, type]:
    backbone = backbone_of(found)
    check(found, shapes(backbone), f"LPIPS ({backbone.name})")
    return {f"lpips_{backbone.name}": float}


def _load(tensors: Mapping[str, Tensor], place: Place) -> partial[dict[str, Any]]:
    backbone = backbone_of({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    return partial(_compare, backbone, on(place, tensors))


def _compare(
    backbone: Backbone, tensors: Mapping[str, Tensor], hr: NDArray[Any], sr: NDArray[Any]
) -> dict[str, float]:
    import torch

    device = tensors["features.0.weight"].device
    with torch.inference_mode():
        return {
            f"lpips_{backbone.name}": lpips(backbone, tensors, as_levels(hr, device), as_levels(sr, device))
        }


LPIPS = PairNetwork(
    "lpips",
    "put two files into one folder and name it: alex.pth (or vgg.pth) of github.com/richzhang/PerceptualSimilarity, "
    f"lpips/weights/v0.1, and {ALEX.file} (or {VGG.file}) of download.pytorch.org/models",
    _columns,
    _load,
    lambda found: backbone_of(found).bytes_a_pixel,
    least=32,
)
"""Its record. Column ``lpips_alex`` or ``lpips_vgg``, by the weights; 0 and more, lower is better."""
