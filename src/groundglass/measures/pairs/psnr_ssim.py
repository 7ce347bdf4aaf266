"""Fidelity of a restored image to its reference: PSNR and SSIM, under the two protocols of the literature.

A score without its protocol means nothing: whether luma is rounded, whether the border is cut and whether the
LR was a file each moves the mean by .01 to .1 dB. So the protocol's name is part of every score made here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.image.resize import crop_to_multiple, resize
from groundglass.libraries import cv2

Pixels = NDArray[Any]
Plane = NDArray[np.float64]

WINDOW, SIGMA, K1, K2 = 11, 1.5, 0.01, 0.03
"""SSIM's Gaussian window (px), its standard deviation (px) and its two stabilisers (Wang et al. 2004)."""
STRIP = 256
"""Rows that are compared at a time, so that memory depends on an image's width and not on its area."""


@dataclass(frozen=True)
class Fidelity:
    """Two scores and the protocol they were made under.

    psnr       dB, higher is better; infinite for equal images
    ssim       -1..1, higher is better
    protocol   a word of `PROTOCOLS`
    """

    psnr: float
    ssim: float
    protocol: str


@dataclass(frozen=True)
class Protocol:
    """How images become the planes that are compared.

    luma       the plane of a uint8 image that is scored
    baseline   bicubic upscaling of the reduced image: (image, scale) -> image to be scored
    upscaled   the same with all channels of the image
    meaning    one sentence
    """

    name: str
    luma: Callable[[Pixels], Plane]
    baseline: Callable[[Pixels, int], Pixels]
    upscaled: Callable[[Pixels, int], Pixels]
    meaning: str


def psnr(reference: Pixels, restored: Pixels, peak: float = 255.0) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(peak² / MSE)``; higher is better.

    Infinite for equal images. Raises ValueError where they differ in shape.

    >>> round(psnr(np.zeros((4, 4)), np.full((4, 4), 16.0)), 3)
    24.048
    """
    _check_shapes(reference, restored)
    total = sum(
        float(np.square(reference[rows].astype(np.float64) - restored[rows]).sum())
        for rows in _strips(len(reference))
    )
    return float(10 * np.log10(peak**2 * reference.size / total)) if total else float("inf")


def ssim(reference: Pixels, restored: Pixels, peak: float = 255.0) -> float:
    """Structural similarity, -1..1, higher is better, 1 for equal images; mean over pixels and channels.

    Wang et al., Image quality assessment: from error visibility to structural similarity, 2004, equation 13:
    an 11 x 11 Gaussian window (σ 1.5) at every place where it fits. Raises ValueError where the shapes differ
    or a side is under 11 px.

    >>> ramp = np.arange(256.0).reshape(16, 16)
    >>> ssim(ramp, ramp)
    1.0
    """
    _check_shapes(reference, restored)
    if min(reference.shape[:2]) < WINDOW:
        raise ValueError(
            f"SSIM needs {WINDOW} x {WINDOW} px, not {reference.shape[1]} x {reference.shape[0]}"
        )
    if reference.ndim == 3:
        return float(
            np.mean([ssim(reference[:, :, c], restored[:, :, c], peak) for c in range(reference.shape[2])])
        )
    overlap, total = WINDOW - 1, 0.0
    places = (reference.shape[0] - overlap) * (reference.shape[1] - overlap)
    for rows in _strips(reference.shape[0] - overlap):
        windows = slice(rows.start, rows.stop + overlap)
        one, other = reference[windows].astype(np.float64), restored[windows].astype(np.float64)
        luminance, contrast_structure = ssim_terms(one, other, peak)
        total += float((luminance * contrast_structure).sum())
    return total / places


def _strips(height: int) -> Iterator[slice]:
    """Slices of at most `STRIP` rows that cover ``height`` rows."""
    return (slice(start, min(start + STRIP, height)) for start in range(0, height, STRIP))


def ssim_terms(x: Plane, y: Plane, peak: float) -> tuple[Plane, Plane]:
    """The luminance term and the product of contrast and structure, at every place where the window fits.

    >>> ramp = np.arange(256.0).reshape(16, 16)
    >>> [term.shape for term in ssim_terms(ramp, ramp, 255)]
    [(6, 6), (6, 6)]
    """
    C1, C2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    variance_x = _window_mean(x * x) - mean_x**2
    variance_y = _window_mean(y * y) - mean_y**2
    covariance = _window_mean(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2 * covariance + C2) / (variance_x + variance_y + C2)
    return luminance, structure


def _window_mean(plane: Plane) -> Plane:
    margin = WINDOW // 2
    window = cv2.getGaussianKernel(WINDOW, SIGMA, cv2.CV_64F)
    means = cv2.sepFilter2D(plane, cv2.CV_64F, window, window)
    # Only windows that fit: the border would otherwise depend on how it is filled.
    return cast(Plane, means[margin:-margin, margin:-margin])


def rgb_to_y(rgb: Pixels, rounded: bool = False) -> Pixels:
    """The luma that super-resolution papers score: MATLAB's rgb2ycbcr (ITU-R BT.601), 16..235.

    ``rgb`` is H x W x 3 with values 0..255. Gives H x W float64, or uint8 where ``rounded``.

    >>> rgb_to_y(np.full((1, 1, 3), 255, np.uint8)).round(6)
    array([[235.]])
    >>> rgb_to_y(np.zeros((1, 1, 3), np.uint8), rounded=True)
    array([[16]], dtype=uint8)
    """
    luma = np.empty(rgb.shape[:2], np.uint8 if rounded else np.float64)
    for rows in _strips(len(rgb)):
        exact = 16.0 + rgb[rows].astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255
        luma[rows] = np.floor(exact + 0.5) if rounded else exact
    return luma


def score(reference: Pixels, restored: Pixels, border: int, protocol: str) -> Fidelity:
    """PSNR and SSIM of luma, ``border`` px cut off every side, under a protocol of `PROTOCOLS`.

    Both are uint8, H x W or H x W x 3, of the same size. Raises RecipeError for an unknown protocol,
    ValueError where the sizes differ.
    """
    luma = find_protocol(protocol).luma
    return _compared(luma(reference), luma(restored), border, protocol)


def rgb_score(reference: Pixels, restored: Pixels, border: int, protocol: str) -> Fidelity:
    """The same of all channels; a grey image counts as three equal ones."""
    if reference.ndim != restored.ndim:
        reference, restored = _as_rgb(reference), _as_rgb(restored)
    return _compared(reference, restored, border, protocol)


def _compared(reference: Pixels, restored: Pixels, border: int, protocol: str) -> Fidelity:
    _check_shapes(reference, restored)
    inner = slice(border, -border or None)
    one, other = reference[inner, inner], restored[inner, inner]
    return Fidelity(psnr(one, other), ssim(one, other), protocol)


def bicubic_score(reference: Pixels, scale: int, protocol: str, border: int | None = None) -> Fidelity:
    """The score of reducing by ``scale`` and upscaling again, both by matlab_bicubic: the field's baseline.

    ``reference`` is uint8, H x W or H x W x 3; it is first cropped to a multiple of ``scale``. ``border`` px are cut
    off every side, by default ``scale``.
    """
    whole = crop_to_multiple(reference, scale)
    baseline = find_protocol(protocol).baseline(whole, scale)
    return score(whole, baseline, scale if border is None else border, protocol)


def upscaled_to(lq: Pixels, width: int, height: int) -> Pixels:
    """LQ in the size of HQ by matlab_bicubic, uint8: the field's baseline of a reduced image that is a file of 8 bits.

    >>> upscaled_to(np.full((4, 4, 3), 90, np.uint8), 8, 8)[0, 0].tolist()
    [90, 90, 90]
    """
    return _as_bytes(resize(lq.astype(np.float64), width, height, "matlab_bicubic"))


def find_protocol(name: str) -> Protocol:
    """The protocol of that name. Raises RecipeError where there is none."""
    if name not in PROTOCOLS:
        raise RecipeError(f"{name!r} is not a protocol", f"one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def _check_shapes(reference: Pixels, restored: Pixels) -> None:
    if reference.shape != restored.shape:
        raise ValueError(f"images of different shape: {reference.shape} and {restored.shape}")


def _classic_plane(image: Pixels) -> Pixels:
    """Rounded luma; a grey image is its own luma."""
    return image if image.ndim == 2 else rgb_to_y(image, rounded=True)


def _classic_baseline(image: Pixels, scale: int) -> Pixels:
    """Luma reduced and upscaled."""
    return _classic_upscaled(_classic_plane(image), scale)


def _classic_upscaled(image: Pixels, scale: int) -> Pixels:
    """The small image stays float; the result is rounded and clipped. Channel by channel, to save memory."""
    if image.ndim == 3:
        return np.stack([_classic_upscaled(image[:, :, c], scale) for c in range(image.shape[2])], axis=2)
    height, width = image.shape
    small = resize(image.astype(np.float64), width // scale, height // scale, "matlab_bicubic")
    return _as_bytes(resize(small, width, height, "matlab_bicubic"))


def _as_bytes(image: Plane) -> Pixels:
    return np.clip(np.floor(image + 0.5), 0, 255).astype(np.uint8)


def _as_rgb(image: Pixels) -> Pixels:
    return np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image


def _network_plane(image: Pixels) -> Plane:
    return rgb_to_y(_as_rgb(image))


def _network_baseline(image: Pixels, scale: int) -> Pixels:
    """Both the small and the large image are rounded once, as BasicSR's float port of imresize does.

    (MATLAB itself also rounds uint8 between its two passes, as `resize` does; that would cost .008 dB at x2.)
    """
    if image.ndim == 3:
        return np.stack([_network_baseline(image[:, :, c], scale) for c in range(image.shape[2])], axis=2)
    height, width = image.shape
    small = _as_bytes(resize(image.astype(np.float64), width // scale, height // scale, "matlab_bicubic"))
    return _as_bytes(resize(small.astype(np.float64), width, height, "matlab_bicubic"))


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "classic",
            _classic_plane,
            _classic_baseline,
            _classic_upscaled,
            "Luma rounded to uint8, grey files as they are, LR never rounded: the tables of SRCNN to EDSR.",
        ),
        Protocol(
            "network",
            _network_plane,
            _network_baseline,
            _network_baseline,
            "LR and result are RGB files of 8 bits, luma in float: how networks are scored (BasicSR).",
        ),
    )
}
"""Both protocols cut `scale` px off every side and take the mean over images."""
