"""Inception-v3 as FID uses it: up to its 2,048 pooled features.

Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, in the variant that the first
FID was computed with: means leave out what pads an image, and the last block takes a maximum. Tensors have
torchvision's names, as in pytorch-fid's file; torch is imported inside functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 299
"""Side, px, to which every image is resized."""
FEATURES = 2048
CLASSES = 1008
"""Of the last layer, which is not used."""
EPSILON = 1e-3
Shapes = dict[str, tuple[int, ...]]


class Layer(NamedTuple):
    """A convolution with batch normalisation and ReLU: its name, channels, kernel (height, width) and stride."""

    name: str
    after: int
    kernel: tuple[int, int]
    stride: int = 1
    padded: bool = True


Step = Layer | tuple[Layer, ...]
"""A layer, or several that all take what comes before, and whose results are put together."""


@dataclass(frozen=True)
class Block:
    """Branches whose results are put together; ``pool`` is what the last branch begins with."""

    name: str
    branches: tuple[tuple[Step, ...], ...]
    pool: Literal["mean", "max", "reduce"]


def _layer(name: str, after: int, kernel: int | tuple[int, int] = 1, stride: int = 1) -> Layer:
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    return Layer(name, after, sides, stride, padded=stride == 1)


def _block_a(name: str, pooled: int) -> Block:
    five = (_layer("branch5x5_1", 48), _layer("branch5x5_2", 64, 5))
    three = (_layer("branch3x3dbl_1", 64), _layer("branch3x3dbl_2", 96, 3), _layer("branch3x3dbl_3", 96, 3))
    return Block(name, ((_layer("branch1x1", 64),), five, three, (_layer("branch_pool", pooled),)), "mean")


def _block_c(name: str, inside: int) -> Block:
    down, across = (7, 1), (1, 7)
    once = (
        _layer("branch7x7_1", inside),
        _layer("branch7x7_2", inside, across),
        _layer("branch7x7_3", 192, down),
    )
    twice = (
        _layer("branch7x7dbl_1", inside),
        _layer("branch7x7dbl_2", inside, down),
        _layer("branch7x7dbl_3", inside, across),
        _layer("branch7x7dbl_4", inside, down),
        _layer("branch7x7dbl_5", 192, across),
    )
    return Block(name, ((_layer("branch1x1", 192),), once, twice, (_layer("branch_pool", 192),)), "mean")


def _block_e(name: str, pool: Literal["mean", "max"]) -> Block:
    def fork(first: str, second: str) -> tuple[Layer, ...]:
        return _layer(first, 384, (1, 3)), _layer(second, 384, (3, 1))

    once = (_layer("branch3x3_1", 384), fork("branch3x3_2a", "branch3x3_2b"))
    twice = (
        _layer("branch3x3dbl_1", 448),
        _layer("branch3x3dbl_2", 384, 3),
        fork("branch3x3dbl_3a", "branch3x3dbl_3b"),
    )
    return Block(name, ((_layer("branch1x1", 320),), once, twice, (_layer("branch_pool", 192),)), pool)


STEM: tuple[Layer | None, ...] = (
    Layer("Conv2d_1a_3x3", 32, (3, 3), 2, padded=False),
    Layer("Conv2d_2a_3x3", 32, (3, 3), padded=False),
    Layer("Conv2d_2b_3x3", 64, (3, 3)),
    None,
    Layer("Conv2d_3b_1x1", 80, (1, 1)),
    Layer("Conv2d_4a_3x3", 192, (3, 3), padded=False),
    None,
)
"""The layers before the blocks; None is a maximum over 3 × 3 that halves the size."""
BLOCKS = (
    _block_a("Mixed_5b", 32),
    _block_a("Mixed_5c", 64),
    _block_a("Mixed_5d", 64),
    Block(
        "Mixed_6a",
        (
            (_layer("branch3x3", 384, 3, 2),),
            (
                _layer("branch3x3dbl_1", 64),
                _layer("branch3x3dbl_2", 96, 3),
                _layer("branch3x3dbl_3", 96, 3, 2),
            ),
            (),
        ),
        "reduce",
    ),
    _block_c("Mixed_6b", 128),
    _block_c("Mixed_6c", 160),
    _block_c("Mixed_6d", 160),
    _block_c("Mixed_6e", 192),
    Block(
        "Mixed_7a",
        (
            (_layer("branch3x3_1", 192), _layer("branch3x3_2", 320, 3, 2)),
            (
                _layer("branch7x7x3_1", 192),
                _layer("branch7x7x3_2", 192, (1, 7)),
                _layer("branch7x7x3_3", 192, (7, 1)),
                _layer("branch7x7x3_4", 192, 3, 2),
            ),
            (),
        ),
        "reduce",
    ),
    _block_e("Mixed_7b", "mean"),
    _block_e("Mixed_7c", "max"),
)


def shapes() -> Shapes:
    """The shape of every tensor of the published file, but for counts of training steps.

    >>> len(shapes()), shapes()["Mixed_7c.branch1x1.conv.weight"], shapes()["fc.weight"]
    (472, (320, 2048, 1, 1), (1008, 2048))
    """
    found: Shapes = {}
    channels = 3
    for layer in STEM:
        if layer is not None:
            found |= _shapes(layer.name, layer, channels)
            channels = layer.after
    for block in BLOCKS:
        widths = [_branch_shapes(found, block.name, branch, channels) for branch in block.branches]
        channels = sum(widths)
    return found | {"fc.weight": (CLASSES, channels), "fc.bias": (CLASSES,)}


def _branch_shapes(found: Shapes, block: str, branch: Sequence[Step], channels: int) -> int:
    """Add a branch's shapes; returns how many channels it ends with."""
    for step in branch:
        layers = (step,) if isinstance(step, Layer) else step
        for layer in layers:
            found |= _shapes(f"{block}.{layer.name}", layer, channels)
        channels = sum(layer.after for layer in layers)
    return channels


def _shapes(name: str, layer: Layer, before: int) -> Shapes:
    norm = {f"{name}.bn.{part}": (layer.after,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {f"{name}.conv.weight": (layer.after, before, *layer.kernel), **norm}


def features(tensors: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """The 2,048 features of each image: (n, 3, height, width) of levels 0 to 1 → (n, 2048).

    Images are resized by plain bilinear interpolation, without smoothing, as pytorch-fid does.
    """
    from torch.nn.functional import interpolate, max_pool2d

    x = 2 * interpolate(images, (SIDE, SIDE), mode="bilinear", align_corners=False) - 1
    for layer in STEM:
        x = max_pool2d(x, 3, 2) if layer is None else _convolved(tensors, layer.name, layer, x)
    for block in BLOCKS:
        x = _mixed(tensors, block, x)
    return x.mean((2, 3))


def _mixed(tensors: Mapping[str, Tensor], block: Block, x: Tensor) -> Tensor:
    from torch import cat

    return cat(list(_branches(tensors, block, x)), 1)


def _branches(tensors: Mapping[str, Tensor], block: Block, x: Tensor) -> Iterator[Tensor]:
    from torch import cat

    for branch in block.branches:
        y = _pooled(block, x) if branch is block.branches[-1] else x
        for step in branch:
            layers = (step,) if isinstance(step, Layer) else step
            y = cat([_convolved(tensors, f"{block.name}.{layer.name}", layer, y) for layer in layers], 1)
        yield y


def _pooled(block: Block, x: Tensor) -> Tensor:
    from torch.nn.functional import avg_pool2d, max_pool2d

    if block.pool == "mean":
        return avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    return max_pool2d(x, 3, 1, 1) if block.pool == "max" else max_pool2d(x, 3, 2)


def _convolved(tensors: Mapping[str, Tensor], name: str, layer: Layer, x: Tensor) -> Tensor:
    from torch.nn.functional import batch_norm, conv2d

    padding = tuple(side // 2 for side in layer.kernel) if layer.padded else 0
    y = conv2d(x, tensors[f"{name}.conv.weight"], None, layer.stride, padding)
    mean, variance, weight, bias = (
        tensors[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return batch_norm(y, mean, variance, weight, bias, training=False, eps=EPSILON).relu_()
