"""One training from a base, and its score: what a proof compares for each arm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from groundglass.training.compact import Compact, Size, downscaled

Pixels = NDArray[np.uint8]
SCALE = 2
CENTRE = 160
"""Side of the middle that is scored, px: scoring whole images costs more than training."""


class Diverged(Exception):
    """The loss is not a finite number."""


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
    """

    hr: Sequence[Tensor]
    lr: Sequence[Tensor]
    turned: Sequence[bool]

    def batch(
        self, chances: NDArray[np.float64], recipe: Recipe, random: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """A batch of LR patches and their HR, N x 3 x H x W in 0..1; images by their chances."""
        low: list[Tensor] = []
        high: list[Tensor] = []
        for number in random.choice(len(self.hr), recipe.batch, p=chances):
            lr, hr = self.lr[number], self.hr[number]
            top, left = (int(random.integers(side - recipe.patch + 1)) for side in lr.shape[1:])
            turn, flip = int(random.integers(4)), bool(random.integers(2))
            for found, plane, zoom in ((low, lr, 1), (high, hr, SCALE)):
                y, x, side = top * zoom, left * zoom, recipe.patch * zoom
                cut = plane[:, y : y + side, x : x + side]
                if self.turned[number]:
                    cut = torch.rot90(cut, turn, (1, 2))
                    cut = cut.flip(2) if flip else cut
                found.append(cut)
        return torch.stack(low).float() / 255, torch.stack(high).float() / 255


def make_pool(images: Sequence[Pixels], patch: int, turned: bool = True) -> Pool:
    """A pool of H x W x 3 uint8 images. Raises ValueError for one that is smaller than an HR patch."""
    hr: list[Tensor] = []
    lr: list[Tensor] = []
    for pixels in images:
        height, width = (side // SCALE * SCALE for side in pixels.shape[:2])
        if min(height, width) < patch * SCALE:
            raise ValueError(f"{width} x {height} px are too few for patches of {patch * SCALE} px")
        hr.append(torch.tensor(pixels[:height, :width]).permute(2, 0, 1).contiguous())
        lr.append((downscaled(hr[-1][None].float() / 255, SCALE)[0] * 255).round().to(torch.uint8))
    return Pool(hr, lr, [turned] * len(hr))


def as_tensor(pixels: Pixels) -> Tensor:
    """H x W x 3 uint8 as 3 x H x W float32 in 0..1."""
    return torch.tensor(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255


def train(
    network: Compact,
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
    optimizer = torch.optim.Adam(network.parameters(), recipe.rate)
    falling = max(1, round(recipe.iterations * recipe.decay))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda number: min(1.0, (recipe.iterations - number) / falling)
    )
    network.train()
    for number in range(recipe.iterations):
        lr, hr = pool.batch(chances, recipe, random)
        loss = functional.l1_loss(network(lr), hr)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise Diverged(f"the loss is {value} at iteration {number}")
        each(number, value)


@torch.no_grad()
def score(network: Compact, images: Sequence[Pixels], centre: int = CENTRE) -> NDArray[np.float64]:
    """PSNR of luma in dB on the middle of each image; higher is better.

    The protocol `network`: LR and result are rounded to 8 bits, luma is Y of ITU-R BT.601 in float, a border of
    ``SCALE`` px is cut.
    """
    network.eval()
    return np.array([_psnr(network, _middle(pixels, centre)) for pixels in images])


def _psnr(network: Compact, pixels: Pixels) -> float:
    hr = as_tensor(pixels)
    restored = (network(downscaled(hr[None], SCALE))[0].clamp(0, 1) * 255).round() / 255
    inner = slice(SCALE, -SCALE)
    weights = torch.tensor([65.481, 128.553, 24.966]) / 255
    difference = torch.einsum("chw,c->hw", (restored - hr)[:, inner, inner], weights)
    return -10 * math.log10(max(float(difference.square().mean()), 1e-12))


def _middle(pixels: Pixels, centre: int) -> Pixels:
    height, width = (min(side, centre) // SCALE * SCALE for side in pixels.shape[:2])
    # An even corner: the LR is then made from the same pairs of pixels as that of the whole image.
    top, left = ((side - part) // 4 * 2 for side, part in zip(pixels.shape, (height, width), strict=False))
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
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path, dict(about))
