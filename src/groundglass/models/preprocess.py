"""Prepares images as in a network's training: resized, cropped, normalised and padded as its folder says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Value
from groundglass.errors import RecipeError
from groundglass.libraries import Image, cv2
from groundglass.models.scorer import Prepared, Scorer

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

Size = tuple[int, int]
"""Height and width, px."""
MOST_BESIDE = 64
"""If a resize makes more than this many pixels for one that the crop keeps, only the kept ones are made."""


@dataclass(frozen=True)
class Preparation:
    """The steps that prepare an image, in this order.

    to        both sides, px, whatever the image's proportions; else one of the next four
    cover     size, px, that the image just covers, proportions kept
    within    size, px, that the image just fits into, proportions kept
    shortest  the shorter side, px
    longest   the longer side, px; with `shortest` its upper limit
    multiple  px; each side becomes the nearest multiple of it
    crop      the middle that is kept, px; a smaller image gets zeros around it
    kernel    the library's number of the resampling filter; Pillow's: 2 bilinear, 3 bicubic, 1 Lanczos
    library   the library that resizes: "pillow", with antialiasing when it shrinks, or "opencv", without
    scale     factor on the levels 0 to 255
    mean, std of each channel, after `scale`
    pad       size, px, up to which the image is padded at the right and bottom, after all other steps
    fill      the padding: a level 0 to 255 of the image; None for zeros
    """

    to: Size | None = None
    cover: Size | None = None
    within: Size | None = None
    shortest: int | None = None
    longest: int | None = None
    multiple: int = 1
    crop: Size | None = None
    kernel: int = 2
    library: Literal["pillow", "opencv"] = "pillow"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    pad: Size | None = None
    fill: float | None = None

    def size(self, height: int, width: int) -> Size:
        """Height and width, px, that an image is resized to (before crop and padding).

        >>> Preparation(shortest=800, longest=1333).size(480, 640), Preparation(longest=1024).size(480, 640)
        ((800, 1066), (768, 1024))
        >>> Preparation(cover=(48, 192)).size(480, 640), Preparation(within=(48, 192)).size(480, 640)
        ((144, 192), (48, 64))
        """
        sides = self._size(height, width)
        if self.multiple == 1:
            return sides
        return _nearest(sides[0], self.multiple), _nearest(sides[1], self.multiple)

    def _size(self, height: int, width: int) -> Size:
        if self.to:
            return self.to
        if self.cover or self.within:
            frame = self.cover or self.within or (height, width)
            scales = frame[0] / height, frame[1] / width
            scale = max(scales) if self.cover else min(scales)
            return max(1, round(height * scale)), max(1, round(width * scale))
        if self.shortest:
            return _by_shortest(height, width, self.shortest, self.longest)
        if self.longest:
            scale = self.longest / max(height, width)
            return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
        return height, width


def prepare(rgb: NDArray[np.uint8], way: Preparation) -> NDArray[np.float32]:
    """An H×W×3 uint8 image as 3×h×w float32, as transformers' own processors make it (those that use Pillow).

    >>> prepare(np.full((2, 4, 3), 255, np.uint8), Preparation(longest=2, pad=(2, 2)))[0].tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    made = _padded(_resized(rgb, way), way.crop).astype(np.float32)
    mean, std = np.array(way.mean, np.float32), np.array(way.std, np.float32)
    made = (made * np.float32(way.scale) - mean) / std
    if way.pad:
        made = _filled(made, way, mean, std)
    return np.ascontiguousarray(made.transpose(2, 0, 1))


def _filled(
    made: NDArray[np.float32], way: Preparation, mean: NDArray[np.float32], std: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The image with the rest of `pad` filled."""
    height, width = (max(least, side) for least, side in zip(way.pad or (0, 0), made.shape, strict=False))
    level = np.float32(0) if way.fill is None else (np.float32(way.fill * way.scale) - mean) / std
    whole = np.empty((height, width, made.shape[2]), np.float32)
    whole[:] = level
    whole[: made.shape[0], : made.shape[1]] = made
    return whole


def scorer_of(
    way: Preparation, judge: Callable[[NDArray[Any]], list[dict[str, Value]]], batch: int = 16, least: int = 1
) -> Scorer:
    """A scorer for a network that takes whole images, prepared one ``way``, and judges them by their pixels alone.

    ``judge`` takes n × 3 × height × width float32 and gives the values of n images; an image with a side under
    ``least`` px is ``too_small``.
    """

    def prepared(frame: Frame) -> Prepared:
        frame.check_side(least)
        return Prepared(prepare(frame.rgb, way))

    return Scorer(prepared, lambda pixels, _: judge(pixels), batch)


def read_preparation(folder: str | Path) -> Preparation:
    """The preparation in the ``preprocessor_config.json`` (or ``processor_config.json``) of a model's folder.

    Raises RecipeError if there is none, or if its kind of size is not supported.
    """
    folder = Path(folder)
    said = read_preprocessor(folder)
    try:
        return preparation_of(said)
    except (KeyError, TypeError, ValueError) as error:
        raise RecipeError(f"{folder}: preprocessor_config.json is not supported: {error!r}") from error


def read_preprocessor(folder: str | Path) -> Mapping[str, Any]:
    """The settings in a folder's ``processor_config.json`` or ``preprocessor_config.json``. Raises RecipeError."""
    folder = Path(folder)
    for name in ("processor_config.json", "preprocessor_config.json"):
        if not (folder / name).is_file():
            continue
        try:
            said = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RecipeError(f"{folder / name} cannot be read: {error}") from error
        if found := said.get("image_processor") or ({"image_mean", "size"} & said.keys() and said):
            return found
    raise RecipeError(
        f"{folder} does not say how to prepare images: it has no preprocessor_config.json",
        "take the whole folder of the model, as the hub has it",
    )


def preparation_of(said: Mapping[str, Any]) -> Preparation:
    """The same settings as steps, for processors that do them in the usual order.

    Raises KeyError, TypeError or ValueError for settings that are not supported.
    """
    cropped = bool(said.get("do_center_crop"))
    sides = _sides(said, cropped) if said.get("do_resize", True) else {}
    normalised = said.get("do_normalize", True)
    return Preparation(
        **sides,
        crop=_both(said["crop_size"]) if cropped else None,
        kernel=2 if said.get("resample") is None else int(said["resample"]),
        scale=float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0,
        mean=tuple(said["image_mean"]) if normalised else (0.0, 0.0, 0.0),
        std=tuple(said["image_std"]) if normalised else (1.0, 1.0, 1.0),
        pad=_both(said["pad_size"]) if said.get("do_pad") and said.get("pad_size") else None,
    )


def _sides(said: Mapping[str, Any], cropped: bool) -> dict[str, Any]:
    """The sizes. Older files give one number: the shorter side if a crop or a limit follows, else both sides."""
    size = said["size"]
    if isinstance(size, Mapping):
        if size.get("height"):
            return {"to": (int(size["height"]), int(size["width"]))}
        return {"shortest": size.get("shortest_edge"), "longest": size.get("longest_edge")}
    if cropped or "max_size" in said:
        return {"shortest": int(size), "longest": said.get("max_size")}
    return {"to": _both(size)}


def _both(size: Any) -> Size:
    if isinstance(size, Mapping):
        return int(size["height"]), int(size["width"])
    return (int(size[0]), int(size[1])) if isinstance(size, list) else (int(size), int(size))


def _nearest(side: int, multiple: int) -> int:
    """The nearest multiple, at least one.

    >>> _nearest(50, 32), _nearest(10, 32)
    (64, 32)
    """
    return max(1, round(side / multiple)) * multiple


def _by_shortest(height: int, width: int, shortest: int, longest: int | None) -> Size:
    # Rounded as in transformers: the shorter side to the nearest px, the longer one down.
    short, long = min(height, width), max(height, width)
    exact = float(shortest)
    if longest and long / short * shortest > longest:
        exact = longest * short / long
        shortest = max(1, round(exact))
    other = long if short == shortest else int(exact * long / short)
    return (shortest, other) if height <= width else (other, shortest)


def _resized(rgb: NDArray[np.uint8], way: Preparation) -> NDArray[np.uint8]:
    """The image resized, and the middle of it that the crop keeps.

    Of a narrow strip, whose resized form would be huge, only that middle is made: equal except for the last rounding.
    """
    size = way.size(*rgb.shape[:2])
    kept = size if way.crop is None else (min(size[0], way.crop[0]), min(size[1], way.crop[1]))
    if size == kept == rgb.shape[:2]:
        return rgb
    top, left = (size[0] - kept[0]) // 2, (size[1] - kept[1]) // 2
    strip = size[0] * size[1] > MOST_BESIDE * kept[0] * kept[1]
    # Only Pillow resizes a part of an image to a part of the result, so strips go through Pillow.
    if way.library == "opencv" and not strip:
        wide = cv2.resize(rgb, (size[1], size[0]), interpolation=way.kernel)
        return np.asarray(wide[top : top + kept[0], left : left + kept[1]], np.uint8)
    image = Image.fromarray(rgb)
    kernel = Image.Resampling(way.kernel if way.library == "pillow" else Image.Resampling.BILINEAR)
    if strip:
        down, across = rgb.shape[0] / size[0], rgb.shape[1] / size[1]
        box = (left * across, top * down, (left + kept[1]) * across, (top + kept[0]) * down)
        return np.asarray(image.resize((kept[1], kept[0]), kernel, box))
    whole = np.asarray(image.resize((size[1], size[0]), kernel))
    return whole[top : top + kept[0], left : left + kept[1]]


def _padded(image: NDArray[np.uint8], crop: Size | None) -> NDArray[np.uint8]:
    """Zeros around an image that is smaller than its crop."""
    if crop is None or crop == image.shape[:2]:
        return image
    short = [wanted - side for wanted, side in zip(crop, image.shape[:2], strict=True)]
    # The odd pixel goes to the top and left, as in transformers.
    return np.pad(image, (*[((n + 1) // 2, n // 2) for n in short], (0, 0)))
