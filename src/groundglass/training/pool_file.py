"""Images to train on as one safetensors file: every window of every unit, HR and LR, uint8."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from groundglass.training.train import SCALE, Pool, make_pool


@dataclass(frozen=True)
class PoolFile:
    """A pool's file, mapped into memory.

    windows  unit → the numbers of its images in the file
    turned   of each unit: whether its patches are flipped and turned by chance
    """

    file: Any
    windows: Mapping[int, Sequence[int]]
    turned: Sequence[bool]

    def pool(self, shares: Sequence[tuple[int, float]]) -> tuple[Pool, NDArray[np.float64]]:
        """The images of some units, and the share of each image: a unit counts once, in however many windows it is.

        Raises ValueError for a unit that the file does not hold.
        """
        odd = next((unit for unit, _ in shares if unit not in self.windows), None)
        if odd is not None:
            raise ValueError(f"the pool holds {len(self.windows)} units, none of number {odd}")
        drawn = [
            (unit, window, share / len(self.windows[unit]))
            for unit, share in shares
            if share > 0
            for window in self.windows[unit]
        ]
        hr = [self.tensor("hr", window) for _, window, _ in drawn]
        lr = [self.tensor("lr", window) for _, window, _ in drawn]
        pool = Pool(hr, lr, [self.turned[unit] for unit, _, _ in drawn], hr[0].shape[1] // lr[0].shape[1])
        return pool, np.array([share for _, _, share in drawn])

    def tensor(self, side: str, window: int) -> Tensor:
        """One image, 3 x H x W; ``side`` is `hr` or `lr`."""
        return self.file.get_tensor(f"{side}.{window}")


def open_pool(path: Path) -> PoolFile:
    """Raises OSError where the file is missing, ValueError where it does not hold a pool."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        file = safe_open(path, "pt")
        about = file.metadata()
        windows = {int(unit): found for unit, found in json.loads(about["windows"]).items()}
        return PoolFile(file, windows, json.loads(about["turned"]))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} does not hold a pool: {error}") from error


def write_pool(
    path: Path,
    units: Iterable[Sequence[NDArray[np.uint8]]],
    turned: Sequence[bool],
    patch: int = 24,
    scale: int = SCALE,
) -> None:
    """Keep the windows (H x W x 3) of all units with their LR versions.

    Raises ValueError for a window that is smaller than an HR patch.
    """
    tensors: dict[str, Tensor] = {}
    places: dict[int, list[int]] = {}
    for unit, images in enumerate(units):
        pool = make_pool(images, patch, scale=scale)
        for hr, lr in zip(pool.hr, pool.lr, strict=True):
            window = len(tensors) // 2
            tensors[f"hr.{window}"], tensors[f"lr.{window}"] = hr, lr
            places.setdefault(unit, []).append(window)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"windows": json.dumps(places), "turned": json.dumps(list(turned))})
