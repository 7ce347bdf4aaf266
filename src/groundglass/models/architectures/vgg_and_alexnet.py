"""The convolutions of AlexNet and VGG-16, whose features LPIPS and DISTS compare.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014; Simonyan and Zisserman, "Very Deep
Convolutional Networks", ICLR 2015. Tensors have torchvision's names, ``features.<number>.weight``; torch is imported
inside functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


class Layer(NamedTuple):
    """One convolution, which a ReLU follows: its number in torchvision's list, channels, side of the kernel, px."""

    number: int
    after: int
    before: int
    side: int
    stride: int = 1
    padding: int = 1


@dataclass(frozen=True)
class Backbone:
    """A network up to its last convolution.

    stages      groups of layers; the features are what each group ends with
    pool        side of the window and stride of the maximum that reduces the size, px
    pooled      the stages, by number from 0, before which the size is reduced
    file        torchvision's file of weights
    bytes_a_pixel  about the memory that comparing two images takes, for each pixel of one of them
    """

    name: str
    stages: tuple[tuple[Layer, ...], ...]
    pool: tuple[int, int]
    pooled: tuple[int, ...]
    file: str
    bytes_a_pixel: int

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each stage's features."""
        return tuple(stage[-1].after for stage in self.stages)

    def shapes(self) -> Shapes:
        """The shape of every tensor by its name.

        >>> len(ALEX.shapes()), VGG.shapes()["features.28.weight"]
        (10, (512, 512, 3, 3))
        """
        found: Shapes = {}
        for layer in (layer for stage in self.stages for layer in stage):
            found[f"features.{layer.number}.weight"] = (layer.after, layer.before, layer.side, layer.side)
            found[f"features.{layer.number}.bias"] = (layer.after,)
        return found

    def features(
        self, tensors: Mapping[str, Tensor], image: Tensor, pool: Callable[[Tensor], Tensor] | None = None
    ) -> Iterator[Tensor]:
        """The features of each stage, of an image (1, 3, height, width) that is already normalised.

        ``pool`` is what reduces the size between two stages, by default the maximum. A result must not be changed
        before the next one was asked for.
        """
        from torch.nn.functional import conv2d, max_pool2d

        reduce = pool or (lambda x: max_pool2d(x, *self.pool))
        for number, stage in enumerate(self.stages):
            image = reduce(image) if number in self.pooled else image
            for layer in stage:
                name = f"features.{layer.number}"
                weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
                image = conv2d(image, weight, bias, layer.stride, layer.padding).relu_()
            yield image


ALEX = Backbone(
    "alex",
    (
        (Layer(0, 64, 3, 11, 4, 2),),
        (Layer(3, 192, 64, 5, 1, 2),),
        (Layer(6, 384, 192, 3),),
        (Layer(8, 256, 384, 3),),
        (Layer(10, 256, 256, 3),),
    ),
    (3, 2),
    (1, 2),
    "alexnet-owt-7be5be79.pth",
    200,
)
VGG = Backbone(
    "vgg",
    (
        (Layer(0, 64, 3, 3), Layer(2, 64, 64, 3)),
        (Layer(5, 128, 64, 3), Layer(7, 128, 128, 3)),
        (Layer(10, 256, 128, 3), Layer(12, 256, 256, 3), Layer(14, 256, 256, 3)),
        (Layer(17, 512, 256, 3), Layer(19, 512, 512, 3), Layer(21, 512, 512, 3)),
        (Layer(24, 512, 512, 3), Layer(26, 512, 512, 3), Layer(28, 512, 512, 3)),
    ),
    (2, 2),
    (1, 2, 3, 4),
    "vgg16-397923af.pth",
    1_200,
)
