"""Prints and screens: fewer colours, dithering, screentone, moiré, mosaics of blocks, thin colours, halos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.degradations.settings import Pixels, as_bytes, within
from groundglass.libraries import Image, cv2


@dataclass(frozen=True)
class Halo:
    """Bright and dark rims along strong edges, as in-camera sharpening leaves them; weak texture stays.

    amount      how much of the difference to the blurred luma is added, 0 to 10; neutral 0
    radius      of the rim: standard deviation of the blur, px, 0.3 to 30
    threshold   a difference that stays without a rim, grey levels, 0 to 100
    """

    amount: float = 0.0
    radius: float = 2.0
    threshold: float = 4.0

    def __post_init__(self) -> None:
        within("amount", self.amount, 0, 10)
        within("radius", self.radius, 0.3, 30)
        within("threshold", self.threshold, 0, 100)


@dataclass(frozen=True)
class ChromaSubsampling:
    """Colours at a lower resolution than the luma, without any other loss.

    across   how many times fewer columns, 1 to 16; neutral 1
    down     how many times fewer rows, 1 to 16; neutral 1
    smooth   whether colours are interpolated back; else each one fills its block
    """

    across: int = 1
    down: int = 1
    smooth: bool = True

    def __post_init__(self) -> None:
        within("across", self.across, 1, 16)
        within("down", self.down, 1, 16)


@dataclass(frozen=True)
class Palette:
    """Reduced to a palette of the image's own colours, as in a GIF.

    colours   of the palette, 2 to 256; neutral None: all
    dither    whether errors spread to the neighbours (Floyd and Steinberg); else areas become flat
    """

    colours: int | None = None
    dither: bool = False

    def __post_init__(self) -> None:
        within("colours", 256 if self.colours is None else self.colours, 2, 256)


@dataclass(frozen=True)
class Dither:
    """Few levels with the ordered pattern of Bayer.

    levels   that each channel keeps, 2 to 256; neutral 256
    order    of the pattern: 1 (2×2), 2 (4×4) or 3 (8×8)
    """

    levels: int = 256
    order: int = 3

    def __post_init__(self) -> None:
        within("levels", self.levels, 2, 256)
        within("order", self.order, 1, 3)


@dataclass(frozen=True)
class Screentone:
    """Printed with dots: dark tones have large dots.

    strength   share of the printed image in the result, 0 to 1; neutral 0
    pitch      from dot to dot, px, 2 to 64
    angle      of the rows of dots, degrees; in colour the inks are 30° apart
    colour     whether each channel has its own screen; else the luma is printed in black
    """

    strength: float = 0.0
    pitch: float = 6.0
    angle: float = 45.0
    colour: bool = False

    def __post_init__(self) -> None:
        within("strength", self.strength, 0, 1)
        within("pitch", self.pitch, 2, 64)


@dataclass(frozen=True)
class Moire:
    """A photo of a screen: the pixels' grid beats with the grid of the screen's red, green and blue stripes.

    strength   contrast of the stripes, 0 to 1; neutral 0
    ratio      stripes for each pixel, 0.5 to 1.5: the nearer to 1, the wider the bands
    angle      between the two grids, degrees, -45 to 45
    bend       of the screen's grid at the image's corners, in stripes, 0 to 50
    """

    strength: float = 0.0
    ratio: float = 1.03
    angle: float = 2.0
    bend: float = 3.0

    def __post_init__(self) -> None:
        within("strength", self.strength, 0, 1)
        within("ratio", self.ratio, 0.5, 1.5)
        within("angle", self.angle, -45, 45)
        within("bend", self.bend, 0, 50)


@dataclass(frozen=True)
class Pixelate:
    """A mosaic of blocks, each of one colour.

    block   its side, px, 1 to 256; neutral 1
    """

    block: int = 1

    def __post_init__(self) -> None:
        within("block", self.block, 1, 256)


def halo(rgb: Pixels, settings: Halo, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """x + a d, d the luma minus its blur, brought nearer to 0 by the threshold."""
    if settings.amount == 0:
        return rgb.copy()
    luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
    edge = luma - cv2.GaussianBlur(luma, (0, 0), settings.radius, borderType=cv2.BORDER_REFLECT_101)
    edge = np.sign(edge) * np.maximum(np.abs(edge) - settings.threshold, 0)
    return as_bytes(rgb + np.float32(settings.amount) * edge[..., None])


def chroma_subsampling(rgb: Pixels, settings: ChromaSubsampling, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Cb and Cr averaged over blocks and brought back to the image's size."""
    if settings.across == settings.down == 1:
        return rgb.copy()
    height, width = rgb.shape[:2]
    planes = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), np.uint8)
    small = max(1, -(-width // settings.across)), max(1, -(-height // settings.down))
    back = cv2.INTER_LINEAR if settings.smooth else cv2.INTER_NEAREST
    thin = cv2.resize(planes[..., 1:], small, interpolation=cv2.INTER_AREA)
    planes[..., 1:] = cv2.resize(thin, (width, height), interpolation=back).reshape(height, width, 2)
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB), np.uint8)


def palette(rgb: Pixels, settings: Palette, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Every pixel with the nearest colour of a palette made by median cut."""
    if settings.colours is None:
        return rgb.copy()
    image = Image.fromarray(np.ascontiguousarray(rgb))
    colours = image.quantize(settings.colours, dither=Image.Dither.NONE)
    how = Image.Dither.FLOYDSTEINBERG if settings.dither else Image.Dither.NONE
    return np.array(image.quantize(palette=colours, dither=how).convert("RGB"), np.uint8)


def dither(rgb: Pixels, settings: Dither, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """x plus a threshold pattern of one step's height, rounded to the nearest level."""
    if settings.levels == 256:
        return rgb.copy()
    step = 255 / (settings.levels - 1)
    pattern = _tiled(_bayer(settings.order), rgb.shape[0], rgb.shape[1])
    return as_bytes(np.rint(rgb / step + pattern[..., None]) * step)


def screentone(rgb: Pixels, settings: Screentone, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Ink where the tone is darker than a screen of two crossed cosines; dots have soft rims of about a pixel."""
    if settings.strength == 0:
        return rgb.copy()
    grey = rgb if settings.colour else np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))[..., None]
    printed = np.empty(rgb.shape, np.float32)
    for channel in range(3):
        tone = grey[..., channel % grey.shape[2]].astype(np.float32) / 255
        angle = settings.angle + (30 * channel if settings.colour else 0)
        level = _ranks(_screen(rgb.shape[:2], settings.pitch, angle))
        printed[..., channel] = np.clip((tone - level) * settings.pitch / 2 + 0.5, 0, 1)
    return as_bytes((1 - settings.strength) * rgb + settings.strength * 255 * printed)


def moire(rgb: Pixels, settings: Moire, random: np.random.Generator) -> Pixels:
    """x (1 + s (cos φ - 1) / 2), φ the phase of the stripes at the pixel, a third apart between the channels."""
    start = random.uniform(0, 2 * np.pi)
    if settings.strength == 0:
        return rgb.copy()
    height, width = rgb.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    turn = np.deg2rad(settings.angle)
    across = settings.ratio * (np.cos(turn) * columns + np.sin(turn) * rows)
    radius = ((columns / width - 0.5) ** 2 + (rows / height - 0.5) ** 2) * 2
    phase = 2 * np.pi * (across + settings.bend * radius) + start
    shift = np.array([0, 2 * np.pi / 3, 4 * np.pi / 3], np.float32)
    stripes = (np.cos(phase[..., None] + shift) - 1) / 2
    return as_bytes(rgb * (1 + settings.strength * stripes))


def pixelate(rgb: Pixels, settings: Pixelate, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Blocks from the upper left; each has its mean colour. Those at the right and lower edge may be smaller."""
    if settings.block == 1:
        return rgb.copy()
    height, width = rgb.shape[:2]
    block = settings.block
    # Padded by repetition of the edge, so that all blocks are whole.
    padded = np.pad(rgb, ((0, -height % block), (0, -width % block), (0, 0)), mode="edge")
    size = padded.shape[1] // block, padded.shape[0] // block
    means = np.asarray(cv2.resize(padded, size, interpolation=cv2.INTER_AREA), np.uint8)
    whole = np.repeat(np.repeat(means, block, axis=0), block, axis=1)
    return np.ascontiguousarray(whole[:height, :width])


def _bayer(order: int) -> npt.NDArray[np.float64]:
    """Bayer's pattern of side 2^order, centred: -1/2 to 1/2.

    >>> _bayer(1).tolist()
    [[-0.375, 0.125], [0.375, -0.125]]
    """
    ranks = np.zeros((1, 1))
    for _ in range(order):
        ranks = np.block([[4 * ranks, 4 * ranks + 2], [4 * ranks + 3, 4 * ranks + 1]])
    return (ranks + 0.5) / ranks.size - 0.5


def _tiled(pattern: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float64]:
    times = -(-height // pattern.shape[0]), -(-width // pattern.shape[1])
    return np.tile(pattern, times)[:height, :width]


def _screen(shape: tuple[int, ...], pitch: float, angle: float) -> npt.NDArray[np.float32]:
    """Two crossed cosines, -1 to 1."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    turn = np.deg2rad(angle)
    u = (np.cos(turn) * columns + np.sin(turn) * rows) * (2 * np.pi / pitch)
    v = (np.cos(turn) * rows - np.sin(turn) * columns) * (2 * np.pi / pitch)
    return ((np.cos(u) + np.cos(v)) / 2).astype(np.float32)


def _ranks(screen: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The screen's values as thresholds that are spread evenly over 0 to 1, so that the mean tone is kept."""
    # The distribution of the mean of two cosines, on a fine grid of phases.
    cosines = np.cos((np.arange(256) + 0.5) * (np.pi / 256))
    sums = np.sort(((cosines[:, None] + cosines) / 2).ravel())[::64]
    return np.interp(screen, sums, np.linspace(0, 1, len(sums))).astype(np.float32)
