"""One training from a base, and its score: what a proof compares for each arm."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from groundglass.training.compact import Compact, Size, downscaled
from groundglass.training.networks import Network

Pixels = NDArray[np.uint8]
Place = tuple[int, int, int, int]
"""An image's number, top and left of an LR patch, and how it is turned (0..7)."""
SCALE = 2
CENTRE = 160
"""Side of the middle that is scored, px: scoring whole images costs more than training."""


class Diverged(Exception):
    """The loss is not finite."""


@dataclass(frozen=True)
class Recipe:
    """How to train. The rate falls linearly to 0 over the last ``decay`` of the iterations."""

    size: Size
    iterations: int
    rate: float = 5e-4
    batch: int = 16
    patch: int = 24
    decay: float = 1.0


QUICK_TRAINING = Recipe(Size(16, 4), 150)
STANDARD_TRAINING = Recipe(Size(32, 4), 400)
BASE_TRAININGS = {
    "quick": Recipe(Size(16, 4), 2000, 2e-3, decay=0.5),
    "standard": Recipe(Size(32, 4), 2000, 2e-3, decay=0.5),
}
TRAININGS = {"quick": QUICK_TRAINING, "standard": STANDARD_TRAINING}


@dataclass(frozen=True)
class Pool:
    """HR images and their LR versions, from which patches are drawn: uint8, 3 x H x W, of any sizes.

    turned  of each image: whether its patches are flipped and turned by chance
    scale   HR sides by LR sides
    """

    hr: Sequence[Tensor]
    lr: Sequence[Tensor]
    turned: Sequence[bool]
    scale: int = SCALE

    def draw(
        self, chances: NDArray[np.float64], batch: int, patch: int, random: np.random.Generator
    ) -> list[Place]:
        """Places of LR patches, images by their chances. Always as many random numbers, whatever the images are."""
        below = np.cumsum(chances)
        chance = random.random((batch, 4))
        numbers = np.searchsorted(below / below[-1], chance[:, 0], "right").tolist()
        return [
            (
                number,
                int(y * (self.lr[number].shape[1] - patch + 1)),
                int(x * (self.lr[number].shape[2] - patch + 1)),
                int(turn * 8) if self.turned[number] else 0,
            )
            for number, (_, y, x, turn) in zip(numbers, chance.tolist(), strict=True)
        ]

    def cut(self, places: Sequence[Place], patch: int) -> tuple[Tensor, Tensor]:
        """The LR patches of some places and their HR, uint8, N x 3 x H x W."""
        cuts: list[Tensor] = []
        for images, zoom in ((self.lr, 1), (self.hr, self.scale)):
            side = patch * zoom
            found = np.empty((len(places), 3, side, side), np.uint8)
            for to, (number, top, left, turn) in zip(found, places, strict=True):
                y, x = top * zoom, left * zoom
                to[...] = _turned(images[number].numpy()[:, y : y + side, x : x + side], turn)
            cuts.append(torch.from_numpy(found))
        return cuts[0], cuts[1]

    def batch(
        self, chances: NDArray[np.float64], recipe: Recipe, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """A batch of LR patches and their HR, N x 3 x H x W in 0..1; images by their chances."""
        lr, hr = self.cut(self.draw(chances, recipe.batch, recipe.patch, random), recipe.patch)
        return lr.float().div_(255), hr.float().div_(255)


def _turned(cut: Pixels, turn: int) -> Pixels:
    """One of the eight ways to flip and turn a square, 3 x H x W."""
    cut = cut[:, ::-1] if turn & 1 else cut
    cut = cut[:, :, ::-1] if turn & 2 else cut
    return cut.transpose(0, 2, 1) if turn & 4 else cut


def make_pool(images: Sequence[Pixels], patch: int, turned: bool = True, scale: int = SCALE) -> Pool:
    """A pool of H x W x 3 uint8 images. Raises ValueError for one that is smaller than an HR patch."""
    hr: list[Tensor] = []
    lr: list[Tensor] = []
    for pixels in images:
        height, width = (side // scale * scale for side in pixels.shape[:2])
        if min(height, width) < patch * scale:
            raise ValueError(f"{width} x {height} px are too few for patches of {patch * scale} px")
        hr.append(torch.tensor(pixels[:height, :width]).permute(2, 0, 1).contiguous())
        lr.append((downscaled(hr[-1][None].float() / 255, scale)[0] * 255).round().to(torch.uint8))
    return Pool(hr, lr, [turned] * len(hr), scale)


def as_tensor(pixels: Pixels) -> Tensor:
    """H x W x 3 uint8 as 3 x H x W float32 in 0..1."""
    return torch.tensor(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255


def train(
    network: Network,
    pool: Pool,
    shares: NDArray[np.float64],
    recipe: Recipe,
    seed: int,
    each: Callable[[int, float], None] = lambda _number, _loss: None,
) -> None:
    """Train in place: L1 loss, Adam, patches drawn by ``shares`` (of each image, any positive sum).

    The same seed draws the same places and turns, whatever the images hold: two encodings of the same photos see the
    same patches. ``each`` gets the iteration and its loss. Raises Diverged where the loss is not finite.
    """
    random = np.random.default_rng(seed)
    chances = shares / shares.sum()
    optimizer = torch.optim.Adam(network.parameters(), recipe.rate, fused=True)
    network.train()
    for number in range(recipe.iterations):
        lr, hr = pool.batch(chances, recipe, random)
        loss = functional.l1_loss(network(lr), hr)
        set_rate(optimizer, recipe, number)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise Diverged(f"the loss is {value} at iteration {number}")
        each(number, value)


class Falling(Protocol):
    """The settings that a rate depends on; see `Recipe`."""

    @property
    def iterations(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def decay(self) -> float: ...


def set_rate(optimizer: torch.optim.Optimizer, recipe: Falling, number: int) -> None:
    """The learning rate of an iteration: whole at first, then linearly to 0 over the last ``decay`` of them."""
    falling = max(1, round(recipe.iterations * recipe.decay))
    for group in optimizer.param_groups:
        group["lr"] = recipe.rate * min(1.0, (recipe.iterations - number) / falling)


@torch.no_grad()
def score(network: Network, images: Sequence[Pixels], centre: int = CENTRE) -> NDArray[np.float64]:
    """PSNR of luma in dB on the middle of each image; higher is better.

    The protocol `network`: LR and result are rounded to 8 bits, luma is Y of ITU-R BT.601 in float, a border of
    the network's scale in px is cut.
    """
    network.eval()
    return np.array([_psnr(network, _middle(pixels, centre, network.scale)) for pixels in images])


def _psnr(network: Network, pixels: Pixels) -> float:
    scale, device = network.scale, next(network.parameters()).device
    hr = as_tensor(pixels)
    lr = downscaled(hr[None], scale).to(device)
    restored = (network(lr)[0].cpu().clamp(0, 1) * 255).round() / 255
    inner = slice(scale, -scale)
    weights = torch.tensor([65.481, 128.553, 24.966]) / 255
    difference = torch.einsum("chw,c->hw", (restored - hr)[:, inner, inner], weights)
    return -10 * math.log10(max(float(difference.square().mean()), 1e-12))


def _middle(pixels: Pixels, centre: int, scale: int) -> Pixels:
    height, width = (min(side, centre) // scale * scale for side in pixels.shape[:2])
    # A corner that the scale divides: the LR is then made from the same pixels as that of the whole image.
    top, left = (
        (side - part) // 2 // scale * scale for side, part in zip(pixels.shape, (height, width), strict=False)
    )
    return pixels[top : top + height, left : left + width]


def load_base(path: Path, size: Size) -> Compact:
    """A network with the weights of a base. Raises ValueError where the file is of another size of network."""
    network = Compact(size, SCALE)
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = load_file(path)
    if {name: tuple(value.shape) for name, value in found.items()} != wanted:
        raise ValueError(f"{path.name} holds another network than {size}")
    network.load_state_dict(found)
    return network


def save_base(network: Compact, path: Path, about: Mapping[str, str]) -> None:
    """Write a network's weights, and what they were trained on."""
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    # One entry: safetensors writes several in any order, and equal weights are to be equal files.
    save_file(state, path, {"about": json.dumps(dict(about))})
