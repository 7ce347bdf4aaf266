"""The places that show resolution: the most textured patches of an image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Luma = npt.NDArray[np.uint8]

SIDE = 256
"""Side of a patch, px; a smaller image gives smaller patches."""
LEAST = 64
"""Shorter side of an image, px, below which nothing can be judged."""
MOST = 16
"""The most patches that are read: a 4K image costs no more than one of 1024 px."""


def textured_patches(luma: Luma, most: int = MOST) -> list[Luma]:
    """The ``most`` patches with the most texture, in reading order: views of H×W uint8 ``luma``.

    Patches are up to 256 px a side, evenly spread over the image, and cover it (they overlap a little where a
    side is not a multiple of 256 px). Texture is the mean absolute difference of neighbours on every fourth row,
    capped at 16 grey levels so that one hard edge does not count as texture.

    >>> image = np.zeros((512, 768), np.uint8)
    >>> image[256:, 512:] = np.random.default_rng(0).integers(0, 99, (256, 256))
    >>> [bool(patch.any()) for patch in textured_patches(image, 1)]
    [True]
    """
    boxes = [(y, x) for y in _starts(luma.shape[0]) for x in _starts(luma.shape[1])]
    patches = [luma[y : y + SIDE, x : x + SIDE] for y, x in boxes]
    if len(patches) <= most:
        return patches
    texture = np.array([_texture(patch) for patch in patches])
    return [patches[index] for index in sorted(np.argsort(-texture, kind="stable")[:most])]


def _starts(length: int) -> list[int]:
    """The starts of patches along a side: symmetrical, covering it."""
    count = max(1, -(-length // SIDE))
    return [round(index * (length - SIDE) / (count - 1)) for index in range(count)] if count > 1 else [0]


def _texture(patch: Luma) -> float:
    lines: Any = patch[::4].astype(np.int16)
    return float(np.minimum(np.abs(np.diff(lines, axis=1)), 16).mean())
