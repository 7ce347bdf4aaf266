"""How an image is prepared for an exported network: size, levels and channels, as the network's own code does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.libraries import cv2
from groundglass.models.preprocess import Preparation, prepare

KERNELS: dict[str, tuple[Literal["pillow", "opencv"], int]] = {
    "bilinear": ("pillow", 2),
    "bicubic": ("pillow", 3),
    "lanczos": ("pillow", 1),
    "box": ("pillow", 4),
    "opencv_bilinear": ("opencv", 1),
    "opencv_bicubic": ("opencv", 2),
    "opencv_lanczos": ("opencv", 4),
    "opencv_area": ("opencv", 3),
}
"""Resampling filters: the library, and its number for the filter."""
PROBE = (256, 320)
"""Height and width, px, of the image that `plan` runs a network on if it takes any size."""


@dataclass(frozen=True)
class Look:
    """How an image is prepared for the network: the measure's parameters of these names."""

    size: int = 0
    width: int = 0
    height: int = 0
    resize: str = "squash"
    resize_to: int = 0
    multiple: int = 1
    fill: float = 0.0
    kernel: str = "bilinear"
    mean: str = "0"
    std: str = "1"
    channels: str = "rgb"
    range: str = "0-1"
    layout: str = ""

    def preparation(self, own: tuple[int | None, int | None] = (None, None)) -> Preparation:
        """The same as steps; ``own``, height and width in px, is used if the recipe gives no size.

        Raises RecipeError if a size, or a number of `mean` and `std`, is missing, or if sizes contradict each other.

        >>> way = Look(size=224, resize="shortest", resize_to=256).preparation()
        >>> way.shortest, way.crop
        (256, (224, 224))
        """
        mean, std = _three("mean", self.mean), _three("std", self.std)
        if 0.0 in std:
            raise RecipeError(f"std is {self.std!r}: division by 0", "std: '1' leaves levels unchanged")
        library, kernel = KERNELS[self.kernel]
        return Preparation(
            **self._sizes(own),
            kernel=kernel,
            library=library,
            scale=1 / 255 if self.range == "0-1" else 1.0,
            mean=mean,
            std=std,
            fill=self.fill,
        )

    def _sizes(self, own: tuple[int | None, int | None]) -> dict[str, Any]:
        height, width = self.height or self.size or own[0], self.width or self.size or own[1]
        if self.resize == "none":
            if self.resize_to:
                raise RecipeError("both resize_to and resize: none are given", "leave one of them out")
            return {"multiple": self.multiple}
        if self.multiple != 1:
            raise RecipeError("multiple needs resize: none", "multiple: 32, resize: none")
        if not height or not width:
            missing = "size" if not height and not width else "width" if height else "height"
            raise RecipeError(
                f"the {missing} is not given, and the file takes any {missing}",
                f"{missing}: 512, or resize: none",
            )
        sides = (height, width)
        if self.resize == "longest":
            if self.resize_to:
                raise RecipeError(
                    "resize_to is for a crop afterwards, and resize: longest has none",
                    "resize: squash or shortest",
                )
            return {"within": sides, "pad": sides}
        if self.resize_to and self.resize_to < max(sides):
            raise RecipeError(
                f"resize_to is {self.resize_to} px, less than the {max(sides)} px of the crop",
                f"resize_to: {max(sides)} or more",
            )
        to = self.resize_to or height
        if self.resize == "squash":
            return {"to": (to, to), "crop": sides} if self.resize_to else {"to": sides}
        filled = (to, to) if self.resize_to else sides
        if filled[0] == filled[1] and KERNELS[self.kernel][0] == "pillow":
            # As in torchvision: the other side is rounded down.
            return {"shortest": to, "crop": sides}
        return {"cover": filled, "crop": sides}


def _three(name: str, text: str) -> tuple[float, ...]:
    """One number per channel.

    >>> _three("mean", "0.5"), _three("std", "0.1, 0.2, 0.3")
    ((0.5, 0.5, 0.5), (0.1, 0.2, 0.3))
    """
    try:
        numbers = tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3):
        raise RecipeError(
            f"{name} is {text!r}", f"one number or three, in quotes: {name}: '0.485, 0.456, 0.406'"
        )
    return numbers * 3 if len(numbers) == 1 else numbers


def show(look: Look, way: Preparation, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """An H×W×3 image as the network takes it, channels × h × w; ``way`` is the look's own preparation."""
    if look.channels == "grey":
        grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
        # The preparation takes three channels, so grey is repeated and two of them are dropped again.
        return prepare(np.repeat(grey[:, :, None], 3, axis=2), way)[:1]
    return prepare(rgb if look.channels == "rgb" else np.ascontiguousarray(rgb[:, :, ::-1]), way)


def probe_image() -> NDArray[np.uint8]:
    """An image of smooth gradients, on which `plan` runs a network to see its answer."""
    height, width = np.indices(PROBE)
    return np.stack([height, width, height + width], axis=2).astype(np.uint8)
