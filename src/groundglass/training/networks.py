"""Published networks in our own words, under the authors' tensor names, so that their published weights load.

All take and give RGB in 0..1, N x 3 x H x W and N x 3 x scale·H x scale·W; the output is not clipped.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundglass.training.compact import QUICK, STANDARD, Block, Compact

SCALES = (2, 3, 4)
DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean of R, G and B over DIV2K, which EDSR takes away before its first convolution."""
EDSR_RANGE = 255.0
"""EDSR's published weights expect values up to this."""


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class MSRResNet(nn.Module):
    """SRResNet without batch normalization, as BasicSR defines it: a residual over bilinear upscaling.

    Wang et al. 2018 (ESRGAN) start from it. Widely used: 64 channels, 16 blocks.
    """

    def __init__(self, scale: int, channels: int = 64, blocks: int = 16) -> None:
        super().__init__()
        self.scale = scale
        self.step = 2 if scale == 4 else scale
        self.conv_first = _conv(3, channels)
        self.body = nn.Sequential(*(Block(channels) for _ in range(blocks)))
        self.upconv1 = _conv(channels, channels * self.step**2)
        self.upconv2 = _conv(channels, channels * 4) if scale == 4 else None
        self.conv_hr = _conv(channels, channels)
        self.conv_last = _conv(channels, 3)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                _begin_small(module)

    def forward(self, lr: Tensor) -> Tensor:
        features = self.body(_leaky(self.conv_first(lr)))
        for upconv in (self.upconv1, self.upconv2):
            if upconv is not None:
                features = _leaky(functional.pixel_shuffle(upconv(features), self.step))
        detail = self.conv_last(_leaky(self.conv_hr(features)))
        return detail + functional.interpolate(
            lr, scale_factor=self.scale, mode="bilinear", align_corners=False
        )


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.1)


@torch.no_grad()
def _begin_small(conv: nn.Conv2d) -> None:
    """Weights of He et al. 2015 times 0.1, which keeps deep residual networks stable at first."""
    nn.init.kaiming_normal_(conv.weight)
    conv.weight.mul_(0.1)
    if conv.bias is not None:
        conv.bias.zero_()


class MeanShift(nn.Conv2d):
    """A 1 x 1 convolution that adds ``sign`` times DIV2K's mean colour; it is not trained."""

    def __init__(self, sign: int) -> None:
        super().__init__(3, 3, 1)
        self.weight = nn.Parameter(torch.eye(3)[:, :, None, None], requires_grad=False)
        self.bias = nn.Parameter(sign * EDSR_RANGE * torch.tensor(DIV2K_MEAN), requires_grad=False)


class ScaledBlock(nn.Module):
    """Two convolutions times ``strength`` beside a shortcut."""

    def __init__(self, channels: int, strength: float) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(channels, channels), nn.ReLU(), _conv(channels, channels))
        self.strength = strength

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) * self.strength


class EDSR(nn.Module):
    """Lim et al. 2017. Baseline: 64 channels, 16 blocks; the large one: 256 channels, 32 blocks at strength 0.1."""

    def __init__(self, scale: int, channels: int = 64, blocks: int = 16, strength: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.sub_mean, self.add_mean = MeanShift(-1), MeanShift(1)
        self.head = nn.Sequential(_conv(3, channels))
        self.body = nn.Sequential(
            *(ScaledBlock(channels, strength) for _ in range(blocks)), _conv(channels, channels)
        )
        # Twice x2 for x4; the numbers of the layers are part of the tensors' names.
        steps = (2, 2) if scale == 4 else (scale,)
        upsampling = (
            layer for step in steps for layer in (_conv(channels, channels * step**2), nn.PixelShuffle(step))
        )
        self.tail = nn.Sequential(nn.Sequential(*upsampling), _conv(channels, 3))

    def forward(self, lr: Tensor) -> Tensor:
        features = self.head(self.sub_mean(lr * EDSR_RANGE))
        return self.add_mean(self.tail(features + self.body(features))) / EDSR_RANGE


Network = Compact | MSRResNet | EDSR

NETWORKS: dict[str, Callable[[int], Network]] = {
    "quick": lambda scale: Compact(QUICK, scale),
    "standard": lambda scale: Compact(STANDARD, scale),
    "msrresnet": MSRResNet,
    "edsr": EDSR,
    "edsr_large": lambda scale: EDSR(scale, channels=256, blocks=32, strength=0.1),
}
"""Name → the untrained network at a scale."""


def check_network(name: str, scale: int) -> None:
    """Raises ValueError for an unknown name, with the nearest known one, or for an unknown scale."""
    if name not in NETWORKS:
        near = get_close_matches(name, NETWORKS, 1, 0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(NETWORKS)}"
        raise ValueError(f"there is no network {name!r}; {hint}")
    if scale not in SCALES:
        raise ValueError(f"networks upscale by {', '.join(map(str, SCALES))}, not by {scale}")


def make_network(name: str, scale: int, seed: int = 0) -> Network:
    """An untrained network; the same seed gives the same weights. Raises ValueError as `check_network` does."""
    check_network(name, scale)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return NETWORKS[name](scale)
