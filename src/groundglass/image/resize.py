"""Resizing as the field's reference tools do it: MATLAB's bicubic, Pillow's Lanczos, plain area means.

Making low-resolution images with a different bicubic from the test set's costs .7 dB and more, so every kernel
here has one definition and one rounding. The heavy libraries are imported on first use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.image.resize_numba import block_means, resample
from groundglass.text.suggest import nearest

Pixels = NDArray[Any]
_Weights = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class Kernel:
    """A way to resize.

    resize     resize(H x W x C image, width, height) -> image of the same dtype
    meaning    one sentence
    upscales   whether the result may be larger than the image
    reference  the tool with the same pixels
    """

    name: str
    resize: Callable[[Pixels, int, int], Pixels]
    meaning: str
    upscales: bool
    reference: str


def resize(image: Pixels, width: int, height: int, kernel: str) -> Pixels:
    """The image at another size.

    ``image`` is H x W or H x W x C: uint8 gives uint8, rounded and clipped to 0..255; float32 or float64
    gives the same type, neither rounded nor clipped. ``kernel`` is a word of `KERNELS`. The image's
    own size gives a copy.

    Raises RecipeError for an unknown kernel, a size below 1 px, or a size that the kernel does not make;
    TypeError for other pixel types.

    >>> resize(np.array([[0, 100], [50, 250]], np.uint8), 1, 1, "box")
    array([[100]], dtype=uint8)
    >>> resize(np.arange(64.0).reshape(8, 8), 4, 4, "matlab_bicubic").shape
    (4, 4)
    """
    chosen = find_kernel(kernel)
    _check(image, width, height, chosen)
    if image.shape[:2] == (height, width):
        return image.copy()
    planes = np.ascontiguousarray(image[:, :, None] if image.ndim == 2 else image)
    resized = chosen.resize(planes, width, height)
    return resized[:, :, 0] if image.ndim == 2 else resized


def crop_to_multiple(image: Pixels, factor: int) -> Pixels:
    """The image without the remainder at the right and bottom, so that LR is exactly HR/factor.

    A view, not a copy. Raises RecipeError where a side is shorter than ``factor``.

    >>> crop_to_multiple(np.zeros((10, 9, 3)), 4).shape
    (8, 8, 3)
    """
    height, width = image.shape[0] // factor * factor, image.shape[1] // factor * factor
    if not height or not width:
        raise RecipeError(
            f"{image.shape[1]} x {image.shape[0]} px cannot be reduced by {factor}", "use a larger image"
        )
    return image[:height, :width]


def find_kernel(name: str) -> Kernel:
    """The kernel of that name.

    >>> find_kernel("lancsoz")
    Traceback (most recent call last):
    groundglass.errors.RecipeError: 'lancsoz' is not a kernel
    """
    if name in KERNELS:
        return KERNELS[name]
    close = nearest(name, KERNELS)
    hint = f"did you mean '{close}'?" if close else f"one of {', '.join(KERNELS)}"
    raise RecipeError(f"{name!r} is not a kernel", hint)


def _check(image: Pixels, width: int, height: int, kernel: Kernel) -> None:
    if image.dtype.name not in ("uint8", "float32", "float64"):
        raise TypeError(f"pixels must be uint8, float32 or float64, not {image.dtype}")
    if image.ndim not in (2, 3) or image.size == 0:
        raise TypeError(f"an image is height x width or height x width x channels, not {image.shape}")
    if width < 1 or height < 1:
        raise RecipeError(
            f"an image of {width} x {height} px cannot be made", "both sides must be at least 1 px"
        )
    if not kernel.upscales and (height > image.shape[0] or width > image.shape[1]):
        raise RecipeError(
            f"{kernel.name} does not upscale: {image.shape[1]} x {image.shape[0]} to {width} x {height} px",
            "use matlab_bicubic or lanczos, or a smaller size",
        )


def cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic with a = -1/2 (Keys 1981, equation 15), as MATLAB's imresize has it.

    >>> cubic(np.array([0.0, 0.5, 1.0, 1.5, 2.0])).tolist()
    [1.0, 0.5625, 0.0, -0.0625, 0.0]
    """
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def cubic_weights(length: int, new: int) -> _Weights:
    """The pixels of a line of ``length`` that make each of the ``new`` ones, and their shares (rows sum to 1).

    Positions may be outside 0..length-1: the line continues there as its mirror image. When shrinking, the
    kernel is widened by length/new (antialiasing); MATLAB, imresize.m, function contributions.

    >>> positions, weights = cubic_weights(8, 4)
    >>> positions[0].tolist()
    [-3, -2, -1, 0, 1, 2, 3, 4]
    """
    scale = new / length
    shrink = min(scale, 1.0)
    width = 4.0 / shrink
    centre = (np.arange(1, new + 1)) / scale + 0.5 * (1 - 1 / scale)
    left = np.floor(centre - width / 2)
    # Two taps more than the kernel is wide, as in imresize.m; those without weight are dropped at the end.
    positions = left[:, None] + np.arange(int(np.ceil(width)) + 2)
    weights = shrink * cubic(shrink * (centre[:, None] - positions))
    weights /= weights.sum(axis=1, keepdims=True)
    # MATLAB counts pixels from 1.
    return _without_empty_taps(positions.astype(np.int64) - 1, weights)


def area_weights(length: int, new: int) -> _Weights:
    """The pixels of a line under each new pixel, and the share of it that each covers (rows sum to 1).

    >>> area_weights(3, 2)[1].round(3).tolist()
    [[0.667, 0.333], [0.333, 0.667]]
    """
    edges = np.arange(new + 1) * (length / new)
    left, right = edges[:-1, None], edges[1:, None]
    positions = np.floor(left) + np.arange(int(np.ceil(length / new)) + 1)
    covered = np.minimum(right, positions + 1) - np.maximum(left, positions)
    weights = np.where(positions < length, np.clip(covered, 0.0, None), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return _without_empty_taps(positions.astype(np.int64), weights)


def _without_empty_taps(positions: NDArray[np.int64], weights: NDArray[np.float64]) -> _Weights:
    used = np.flatnonzero((weights != 0).any(axis=0))
    taps = slice(int(used[0]), int(used[-1]) + 1)
    return np.ascontiguousarray(positions[:, taps]), np.ascontiguousarray(weights[:, taps])


def _mirror(positions: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Positions outside the line folded back into it, the edge pixel repeated."""
    folded = positions % (2 * length)
    return np.where(folded < length, folded, 2 * length - 1 - folded)


def _matlab_bicubic(image: Pixels, width: int, height: int) -> Pixels:
    """MATLAB resizes first along the dimension that shrinks most, and rounds uint8 after each."""
    if width / image.shape[1] < height / image.shape[0]:
        turned = np.ascontiguousarray(image.transpose(1, 0, 2))
        return np.ascontiguousarray(_separable(turned, height, width, cubic_weights, True).transpose(1, 0, 2))
    return _separable(image, width, height, cubic_weights, True)


def _area(image: Pixels, width: int, height: int) -> Pixels:
    if image.shape[0] % height == 0 and image.shape[1] % width == 0:
        return _box(image, width, height)  # in whole numbers, so halves round as they should
    return _separable(image, width, height, area_weights, False)


def _separable(
    image: Pixels, width: int, height: int, weights: Callable[[int, int], _Weights], whole_steps: bool
) -> Pixels:
    rows, row_weights = weights(image.shape[0], height)
    columns, column_weights = weights(image.shape[1], width)
    pad = max(0, -int(columns.min()), int(columns.max()) + 1 - image.shape[1])
    starts = columns[:, 0] + pad
    whole = image.dtype == np.uint8
    out = np.empty((height, width, image.shape[2]), image.dtype)
    rows = _mirror(rows, image.shape[0])
    resample(image, rows, row_weights, starts, column_weights, pad, whole and whole_steps, whole, out)
    return out


def _box(image: Pixels, width: int, height: int) -> Pixels:
    if image.shape[0] % height or image.shape[1] % width:
        raise RecipeError(
            f"box needs whole factors: {image.shape[1]} x {image.shape[0]} px into {width} x {height}",
            "use the kernel 'area', or crop first",
        )
    factor_y, factor_x = image.shape[0] // height, image.shape[1] // width
    if image.dtype != np.uint8:
        blocks = image.reshape(height, factor_y, width, factor_x, image.shape[2])
        return blocks.mean(axis=(1, 3), dtype=np.float64).astype(image.dtype)

    out = np.empty((height, width, image.shape[2]), np.uint8)
    block_means(image, factor_y, factor_x, out)
    return out


def _lanczos(image: Pixels, width: int, height: int) -> Pixels:
    from PIL import Image as Pillow

    def one(pixels: Pixels) -> Pixels:
        return np.asarray(Pillow.fromarray(pixels).resize((width, height), Pillow.Resampling.LANCZOS))

    if image.dtype == np.uint8 and image.shape[2] == 3:
        return one(image)
    # Pillow resizes floating-point samples in images of one channel only.
    planes = image if image.dtype == np.uint8 else image.astype(np.float32)
    channels = [one(np.ascontiguousarray(planes[:, :, c])) for c in range(image.shape[2])]
    return np.stack(channels, axis=2).astype(image.dtype)


KERNELS: dict[str, Kernel] = {
    kernel.name: kernel
    for kernel in (
        Kernel(
            "matlab_bicubic",
            _matlab_bicubic,
            "Cubic (a = -1/2), widened by the factor when shrinking, edges mirrored: most test sets' LR.",
            True,
            "MATLAB imresize(image, scale, 'bicubic')",
        ),
        Kernel(
            "lanczos",
            _lanczos,
            "Windowed sinc, three lobes, widened when shrinking: as in Real-ESRGAN's multiscale script.",
            True,
            "Pillow Image.resize(size, LANCZOS)",
        ),
        Kernel(
            "box",
            _box,
            "The mean of each block of whole pixels; whole factors only.",
            False,
            "Pillow Image.reduce",
        ),
        Kernel(
            "area",
            _area,
            "The mean under each new pixel, border pixels by the share covered; any smaller size.",
            False,
            "OpenCV INTER_AREA",
        ),
    )
}
"""Every kernel that a recipe may name."""
