"""HyperIQA's network: the features of a ResNet-50 set the weights of a small network that judges them.

Su et al., "Blindly Assess Image Quality in the Wild Guided by a Self-Adaptive Hyper Network", CVPR 2020. Tensors have
the names that the authors published, or those of pyiqa, which trained the same network again. torch is imported inside
functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 224
"""Side of the crops, px: the network takes no other size."""
BLOCKS = (3, 4, 6, 3)
"""Bottlenecks of each stage of a ResNet-50 (He et al., CVPR 2016)."""
PLANES = (64, 128, 256, 512)
LOCAL = ((256, 16, 8), (512, 32, 4), (1024, 64, 2))
"""Local distortion aware modules: channels in, channels out, and the side left after pooling by 7."""
LDA = 16
"""Numbers that each of these modules gives for an image."""
HYPER = 112
"""Channels that the hyper network reads."""
TARGET = (224, 112, 56, 28, 14)
"""Sizes of the target network's layers; the last gives one number."""
CELLS = 49
"""Cells of the last feature map, 7 × 7."""
EPSILON = 1e-5

Shapes = dict[str, tuple[int, ...]]
Named = TypeVar("Named")


def shapes() -> Shapes:
    """The shape of every tensor that the network needs, by the authors' names.

    >>> len(shapes()), shapes()["fc1w_conv.weight"], shapes()["res.lda4_fc.weight"]
    (302, (512, 112, 3, 3), (176, 2048))
    """
    found: Shapes = {"res.conv1.weight": (64, 3, 7, 7), **_norm("res.bn1", 64)}
    inside = 64
    for stage, (planes, blocks) in enumerate(zip(PLANES, BLOCKS, strict=True), 1):
        for block in range(blocks):
            found |= _bottleneck(f"res.layer{stage}.{block}", inside, planes, first=block == 0)
            inside = 4 * planes
    for number, (before, after, side) in enumerate(LOCAL, 1):
        found |= {f"res.lda{number}_pool.0.weight": (after, before, 1, 1)}
        found |= _layer(f"res.lda{number}_fc", LDA, after * side * side)
    found |= _layer("res.lda4_fc", TARGET[0] - 3 * LDA, 2048)
    for name, before, after in (("0", 2048, 1024), ("2", 1024, 512), ("4", 512, HYPER)):
        found |= _layer(f"conv1.{name}", after, before, 1, 1)
    for number, (before, after) in enumerate(pairwise(TARGET), 1):
        found |= _layer(f"fc{number}w_conv", before * after // CELLS, HYPER, 3, 3)
        found |= _layer(f"fc{number}b_fc", after, HYPER)
    return found | _layer("fc5w_fc", TARGET[-1], HYPER) | _layer("fc5b_fc", 1, HYPER)


def is_of_pyiqa(names: Iterable[str]) -> bool:
    """Whether tensors have pyiqa's names, as in HyperIQA-resnet50-koniq10k-….pth: that answers 0 to 1, not 0 to 100.

    >>> is_of_pyiqa(["base_model.conv1.weight"]), is_of_pyiqa(["res.conv1.weight"])
    (True, False)
    """
    return any(name.startswith("base_model.") for name in names)


def as_the_authors(tensors: Mapping[str, Named]) -> dict[str, Named]:
    """The same tensors under the authors' names, whichever of the two they have; an unknown name stays as it is.

    >>> list(as_the_authors({"lda_modules.3.2.bias": 0, "fc_w_modules.4.2.bias": 0, "fc_b_modules.0.2.bias": 0}))
    ['res.lda4_fc.bias', 'fc5w_fc.bias', 'fc1b_fc.bias']
    """
    return {_as_the_authors(name): tensor for name, tensor in tensors.items()}


def _as_the_authors(name: str) -> str:
    if name.startswith("base_model."):
        return f"res.{name.removeprefix('base_model.')}"
    layer, _, part = name.rpartition(".")
    return f"{PYIQA[layer]}.{part}" if layer in PYIQA else name


PYIQA = {
    **{f"lda_modules.{n}.0": f"res.lda{n + 1}_pool.0" for n in range(3)},
    **{f"lda_modules.{n}.3": f"res.lda{n + 1}_fc" for n in range(3)},
    "lda_modules.3.2": "res.lda4_fc",
    **{f"fc_w_modules.{n}": f"fc{n + 1}w_conv" for n in range(4)},
    "fc_w_modules.4.2": "fc5w_fc",
    **{f"fc_b_modules.{n}.2": f"fc{n + 1}b_fc" for n in range(5)},
}
"""Layers outside the ResNet: pyiqa's name → the authors' name. `conv1` has the same name in both."""


def _layer(name: str, after: int, *before: int) -> Shapes:
    return {f"{name}.weight": (after, *before), f"{name}.bias": (after,)}


def _norm(name: str, channels: int) -> Shapes:
    return {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}


def _bottleneck(name: str, inside: int, planes: int, first: bool) -> Shapes:
    sizes = {"1": (planes, inside, 1, 1), "2": (planes, planes, 3, 3), "3": (4 * planes, planes, 1, 1)}
    found: Shapes = {f"{name}.conv{number}.weight": size for number, size in sizes.items()}
    for number, size in sizes.items():
        found |= _norm(f"{name}.bn{number}", size[0])
    if first:
        found |= {f"{name}.downsample.0.weight": (4 * planes, inside, 1, 1)}
        found |= _norm(f"{name}.downsample.1", 4 * planes)
    return found


@dataclass(frozen=True)
class HyperNetwork:
    """The network with its tensors; each batch normalisation is folded into the convolution before it.

    tensors  by the authors' names, on the device and in the dtype that the network runs in
    """

    tensors: Mapping[str, Tensor]

    def __call__(self, images: Tensor) -> Tensor:
        """The quality of each image, about 0 to 100, higher is better: (n, 3, 224, 224), normalised → (n,)."""
        features, vector = self._resnet(images)
        for layer in ("conv1.0", "conv1.2", "conv1.4"):
            features = self._convolved(features, layer).relu()
        return self._judged(vector, features)

    def _resnet(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The last feature map, and the vector of local features of all four stages (the paper's eq. 6)."""
        from torch import cat
        from torch.nn.functional import max_pool2d

        x = self._convolved(x, "res.conv1", stride=2, padding=3).relu()
        x = max_pool2d(x, 3, 2, 1)
        local: list[Tensor] = []
        for stage, blocks in enumerate(BLOCKS, 1):
            for block in range(blocks):
                x = self._bottleneck(x, f"res.layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1)
            local.append(self._local(x, stage))
        return x, cat(local, dim=1)

    def _bottleneck(self, x: Tensor, name: str, stride: int) -> Tensor:
        y = self._convolved(x, f"{name}.conv1").relu()
        y = self._convolved(y, f"{name}.conv2", stride, 1).relu()
        y = self._convolved(y, f"{name}.conv3")
        if f"{name}.downsample.0.weight" in self.tensors:
            x = self._convolved(x, f"{name}.downsample.0", stride)
        return (x + y).relu_()

    def _local(self, x: Tensor, stage: int) -> Tensor:
        from torch.nn.functional import avg_pool2d, conv2d

        if stage <= len(LOCAL):
            x = conv2d(x, self.tensors[f"res.lda{stage}_pool.0.weight"])
        return self._linear(avg_pool2d(x, 7, 7).flatten(1), f"res.lda{stage}_fc")

    def _judged(self, vector: Tensor, features: Tensor) -> Tensor:
        """The target network; its weights are the hyper network's output (eq. 4 and 5)."""
        pooled = features.mean(dim=(2, 3))
        for number, size in enumerate(TARGET[1:], 1):
            weights = self._convolved(features, f"fc{number}w_conv", padding=1).reshape(len(vector), size, -1)
            biases = self._linear(pooled, f"fc{number}b_fc")
            vector = ((weights @ vector[..., None])[..., 0] + biases).sigmoid()
        last = self._linear(pooled, "fc5w_fc")
        return (last * vector).sum(1) + self._linear(pooled, "fc5b_fc")[:, 0]

    def _convolved(self, x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        from torch.nn.functional import conv2d

        return conv2d(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"], stride, padding)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        from torch.nn.functional import linear

        return linear(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])


def folded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same network without batch normalisations: each is folded into the convolution before it."""
    norms = dict(_norms())
    found = {
        name: tensor for name, tensor in tensors.items() if name.rpartition(".")[0] not in norms.values()
    }
    for convolution, norm in norms.items():
        weight, bias, mean, variance = (
            tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        # Outside training a batch normalisation is a fixed linear function, so it can become part of the weights.
        factor = weight / (variance + EPSILON).sqrt()
        found[f"{convolution}.weight"] = tensors[f"{convolution}.weight"] * factor[:, None, None, None]
        found[f"{convolution}.bias"] = bias - mean * factor
    return found


def _norms() -> Iterator[tuple[str, str]]:
    """Pairs of a convolution and the normalisation after it."""
    for name in shapes():
        if name.endswith("running_mean"):
            norm = name.removesuffix(".running_mean")
            outer, _, last = norm.rpartition(".")
            yield f"{outer}.{'0' if last == '1' else last.replace('bn', 'conv')}", norm
