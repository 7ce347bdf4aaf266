"""Falsely upscaled photographs, in every way that the benchmark of `resolution` needs, and native ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from groundglass.degradations.jpeg import Jpeg, jpeg
from groundglass.degradations.noise import GaussianNoise, gaussian_noise
from groundglass.degradations.sharpen import Sharpen, sharpen
from groundglass.image.resize import resize

Pixels = npt.NDArray[np.uint8]

FACTORS = (1.5, 2.0, 3.0, 4.0)
KERNELS = ("bicubic", "lanczos", "nearest_blur")
CONDITIONS = ("plain", "grain_2", "grain_4", "unsharp", "jpeg_90", "jpeg_95", "crop")
NATIVES = (*CONDITIONS, "jpeg_75", "jpeg_crop_90", "jpeg_crop_75")
"""Treatments of native images, which must not be called fakes."""

PIECE, PIECES = 768, 3
"""Side in px and number of the pieces that are used of a photograph larger than 1300 px."""
_OPENCV = {"sharp_cubic": cv2.INTER_CUBIC, "bilinear": cv2.INTER_LINEAR}
"""Further kernels for upscaling: cubic with a = -3/4, and bilinear."""
_NO_CHANCE = np.random.default_rng(0)
_NAMES = (".png", ".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True)
class Photo:
    """A piece of a photograph: its file's name and folder, a number that is always the same for it, its pixels."""

    name: str
    folder: str
    seed: int
    rgb: Pixels


def files_below(places: list[Path]) -> list[Path]:
    """The images among files and in folders, each once, by name."""
    found = [file for place in places for file in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    return [file for file in dict.fromkeys(found) if file.suffix.lower() in _NAMES]


def for_testing(file: Path) -> bool:
    """Whether a file belongs to the half that is never calibrated on: by its scene's hash."""
    return number_of(scene_of(file.name)) % 2 == 1


def scene_of(name: str) -> str:
    """A file's name without its ending, and without the number of a cut (SCENE_12_real.JPG, as PolyU's): cuts of
    one scene go together.

    >>> scene_of("NikonD800_11_160_3200_classroom_15_real.JPG"), scene_of("img_001.png")
    ('NikonD800_11_160_3200_classroom', 'img_001')
    """
    return re.sub(r"_\d+_(real|mean)$", "", Path(name).stem)


def number_of(name: str) -> int:
    """A number that is always the same for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def pieces(file: Path) -> Iterator[Photo]:
    """The photograph, or if it is large its most, middle and least textured piece; sides are multiples of 12."""
    rgb = np.asarray(Image.open(file).convert("RGB"))
    cuts = [rgb] if max(rgb.shape) <= 1300 else _pieces(rgb)
    for number, cut in enumerate(cuts):
        height, width = (side // 12 * 12 for side in cut.shape[:2])
        if min(height, width) >= 132:
            name = f"{file.name}#{number}"
            yield Photo(name, file.parent.name, number_of(name), np.ascontiguousarray(cut[:height, :width]))


def _pieces(rgb: Pixels) -> list[Pixels]:
    places = [
        rgb[y : y + PIECE, x : x + PIECE]
        for y in range(0, rgb.shape[0] - PIECE + 1, PIECE // 2)
        for x in range(0, rgb.shape[1] - PIECE + 1, PIECE // 2)
    ]
    texture = [np.abs(np.diff(cut[::8, :, 1].astype(int), axis=1)).clip(0, 16).mean() for cut in places]
    order = np.argsort(texture)
    return [places[order[int(share * (len(order) - 1))]] for share in (1.0, 0.5, 0.1)[:PIECES]]


def upscaled(
    rgb: Pixels,
    factor: float,
    kernel: str,
    shrink: str = "matlab_bicubic",
    blur: float = 0.4,
    quality: int = 100,
) -> Pixels:
    """The image scaled down by ``factor`` and back to its size by ``kernel``.

    shrink   the kernel for scaling down; "cut" takes the unchanged middle instead
    blur     of nearest_blur: Gaussian sigma, in px of the small image
    quality  of the JPEG that the small image passes through; 100: none
    """
    height, width = rgb.shape[:2]
    small = _smaller(rgb, round(width / factor), round(height / factor), shrink)
    if quality < 100:
        small = jpeg(small, Jpeg(quality), _NO_CHANCE)
    if kernel in _OPENCV:
        return np.asarray(cv2.resize(small, (width, height), interpolation=_OPENCV[kernel]), np.uint8)
    if kernel == "nearest_blur":
        large = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        return np.asarray(cv2.GaussianBlur(large, (0, 0), blur * factor), np.uint8)
    return resize(small, width, height, "matlab_bicubic" if kernel == "bicubic" else kernel)


def _smaller(rgb: Pixels, width: int, height: int, shrink: str) -> Pixels:
    if shrink == "cut":
        x, y = (rgb.shape[1] - width) // 2, (rgb.shape[0] - height) // 2
        return np.ascontiguousarray(rgb[y : y + height, x : x + width])
    return resize(rgb, width, height, shrink)


def treated(rgb: Pixels, condition: str, seed: int) -> Pixels:
    """The image after a common treatment; ``condition`` is a word and the strength, as in grain_4."""
    random = np.random.default_rng(seed)
    name, strength = re.fullmatch(r"([a-z_]+?)_?([0-9.]*)", condition).groups()  # type: ignore[union-attr]
    if name == "grain":
        return gaussian_noise(rgb, GaussianNoise(float(strength), grey=True), random)
    if name == "unsharp":
        return sharpen(rgb, Sharpen(float(strength or 100) / 100, 2.0), random)
    if name == "jpeg":
        return jpeg(rgb, Jpeg(int(strength)), random)
    if name == "jpeg_crop":
        return jpeg(rgb, Jpeg(int(strength), shift_x=5, shift_y=3), random)
    if name == "camera":
        return as_a_camera(rgb, float(strength), random)
    if name == "blur":
        return np.asarray(cv2.GaussianBlur(rgb, (0, 0), float(strength)), np.uint8)
    return np.ascontiguousarray(rgb[5:-14, 3:-10]) if name == "crop" else rgb


def as_a_camera(rgb: Pixels, sigma: float, random: np.random.Generator) -> Pixels:
    """The image as a camera would have taken it: one colour per pixel, noise of ``sigma``, then demosaiced.

    Demosaicing also interpolates, and colours the noise: its traces must not be called upscaling.
    """
    mosaic = rgb[:, :, 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = rgb[::2, ::2, 0], rgb[1::2, 1::2, 2]
    noisy = gaussian_noise(mosaic[:, :, None], GaussianNoise(sigma, grey=True), random)[:, :, 0]
    ways = (cv2.COLOR_BayerRG2BGR, cv2.COLOR_BayerRG2BGR_EA, cv2.COLOR_BayerRG2BGR_VNG)
    return np.asarray(cv2.cvtColor(noisy, ways[int(random.integers(3))]), np.uint8)
