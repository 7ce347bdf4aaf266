"""The small network of the presets `quick` and `standard`: residual blocks at low resolution, one upsampling."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Size:
    """How wide and how deep a network is; `QUICK` has 20,748 parameters, `STANDARD` 78,348."""

    channels: int
    blocks: int


QUICK = Size(16, 4)
STANDARD = Size(32, 4)
SIZES = {"quick": QUICK, "standard": STANDARD}


class Block(nn.Module):
    """Two convolutions beside a shortcut (Lim et al. 2017, EDSR: without batch normalization)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(functional.relu(self.conv1(x)))


class Compact(nn.Module):
    """EDSR's plan in small (no convolution behind the blocks), as a residual over bicubic upscaling.

    Takes and gives RGB in 0..1, N x 3 x H x W and N x 3 x scale·H x scale·W; the output is not clipped.
    """

    def __init__(self, size: Size, scale: int = 2) -> None:
        super().__init__()
        self.scale = scale
        self.first = nn.Conv2d(3, size.channels, 3, padding=1)
        self.body = nn.Sequential(*(Block(size.channels) for _ in range(size.blocks)))
        self.last = nn.Conv2d(size.channels, 3 * scale * scale, 3, padding=1)

    def forward(self, lr: Tensor) -> Tensor:
        detail = functional.pixel_shuffle(self.last(self.body(self.first(lr))), self.scale)
        return upscaled(lr, self.scale) + detail


def upscaled(lr: Tensor, scale: int) -> Tensor:
    """Bicubic upscaling with a = -0.5, as MATLAB and Pillow have it."""
    height, width = lr.shape[-2] * scale, lr.shape[-1] * scale
    # Without `antialias` torch uses a = -0.75, which no reference tool does.
    return functional.interpolate(lr, (height, width), mode="bicubic", antialias=True)


def downscaled(hr: Tensor, scale: int) -> Tensor:
    """LR as a file would hold it: antialiased bicubic, rounded to 8 bits. RGB in 0..1; sides that scale divides."""
    height, width = hr.shape[-2] // scale, hr.shape[-1] // scale
    small = functional.interpolate(hr, (height, width), mode="bicubic", antialias=True)
    return (small.clamp(0, 1) * 255).round() / 255
