"""Weather, darkness and optics in linear light: haze, rain, snow, low light, lens blur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.degradations.blur import line
from groundglass.degradations.light import from_linear, smooth_field, to_linear
from groundglass.degradations.sensor_noise import white
from groundglass.degradations.settings import Pixels, within
from groundglass.libraries import cv2


@dataclass(frozen=True)
class LensBlur:
    """Out of focus: a point becomes the polygon of the aperture, and bright points stay bright.

    radius       of the polygon, px, 0 to 60; neutral 0
    blades       its corners, 3 to 12
    highlights   how much brighter than white a clipped light was, 1 (not at all) to 20
    """

    radius: float = 0.0
    blades: int = 6
    highlights: float = 1.0

    def __post_init__(self) -> None:
        within("radius", self.radius, 0, 60)
        within("blades", self.blades, 3, 12)
        within("highlights", self.highlights, 1, 20)


@dataclass(frozen=True)
class Haze:
    """Light scattered in the air (Koschmieder): I = J t + A (1 - t), t = exp(-β d), over an invented depth d.

    density    β, 0 to 5: at a depth of 1, which is the farthest; neutral 0
    airlight   A, linear light, 0.2 to 1
    near       depth of the lower edge, 0 to 1; the upper edge has 1, with soft hills between
    """

    density: float = 0.0
    airlight: float = 0.8
    near: float = 0.2

    def __post_init__(self) -> None:
        within("density", self.density, 0, 5)
        within("airlight", self.airlight, 0.2, 1)
        within("near", self.near, 0, 1)


@dataclass(frozen=True)
class Rain:
    """Drops that fall while the shutter is open: streaks of added light.

    amount     share of the pixels in which a streak begins, 0 to 0.1; neutral 0
    length     of a streak, px, 2 to 200
    angle      from the vertical, degrees, -60 to 60
    brightness linear light that a streak adds, 0 to 1
    """

    amount: float = 0.0
    length: float = 20.0
    angle: float = 10.0
    brightness: float = 0.3

    def __post_init__(self) -> None:
        within("amount", self.amount, 0, 0.1)
        within("length", self.length, 2, 200)
        within("angle", self.angle, -60, 60)
        within("brightness", self.brightness, 0, 1)


@dataclass(frozen=True)
class Snow:
    """Flakes of several sizes that cover the scene behind them.

    amount    share of the pixels in which a flake has its centre, 0 to 0.1; neutral 0
    size      of the largest flakes, px, 1 to 30
    opacity   of a flake, 0 to 1
    """

    amount: float = 0.0
    size: float = 3.0
    opacity: float = 0.8

    def __post_init__(self) -> None:
        within("amount", self.amount, 0, 0.1)
        within("size", self.size, 1, 30)
        within("opacity", self.opacity, 0, 1)


@dataclass(frozen=True)
class LowLight:
    """Too little light, then the sensor's noise; brightened again or not.

    stops      of light that are missing, 0 to 10; neutral 0
    noise      variance of photon noise at full light, in 1/1000 of white², 0 to 10
    brighten   share of the missing stops that the camera gives back, 0 to 1
    """

    stops: float = 0.0
    noise: float = 0.2
    brighten: float = 0.0

    def __post_init__(self) -> None:
        within("stops", self.stops, 0, 10)
        within("noise", self.noise, 0, 10)
        within("brighten", self.brighten, 0, 1)


def lens_blur(rgb: Pixels, settings: LensBlur, random: np.random.Generator) -> Pixels:
    """The mean of linear light under a polygon, borders mirrored; its rotation is random."""
    angle = random.uniform(0, 2 * np.pi)
    if settings.radius == 0:
        return rgb.copy()
    light = to_linear(rgb)
    if settings.highlights > 1:
        # From 0.9 on, light grows steeply, because the file has lost how bright it was.
        light = light * (1 + (settings.highlights - 1) * np.clip((light - 0.9) / 0.1, 0, 1) ** 2)
    weights = aperture(settings.radius, settings.blades, angle)
    return from_linear(np.asarray(cv2.filter2D(light, -1, weights, borderType=cv2.BORDER_REFLECT_101)))


def haze(rgb: Pixels, settings: Haze, random: np.random.Generator) -> Pixels:
    """J t + A (1 - t) in linear light."""
    height, width = rgb.shape[:2]
    hills = smooth_field(height, width, 4, random)
    if settings.density == 0:
        return rgb.copy()
    slope = np.linspace(1, settings.near, height, dtype=np.float32)[:, None]
    depth = np.clip(slope + 0.3 * (1 - settings.near) * (hills - 0.5), 0, 1)
    passed = np.exp(-settings.density * depth)[..., None].astype(np.float32)
    return from_linear(to_linear(rgb) * passed + np.float32(settings.airlight) * (1 - passed))


def rain(rgb: Pixels, settings: Rain, random: np.random.Generator) -> Pixels:
    """Linear light plus points smeared along the drops' path; near drops are brighter than far ones."""
    drops = _points(rgb.shape[:2], settings.amount, random)
    if settings.amount == 0:
        return rgb.copy()
    path = line(settings.length, 90 + settings.angle)
    # Brightest in the middle of a streak: its peak, not its sum, is the brightness.
    streaks = np.asarray(cv2.filter2D(drops, -1, path / path.max(), borderType=cv2.BORDER_CONSTANT))
    return from_linear(to_linear(rgb) + np.float32(settings.brightness) * np.clip(streaks, 0, 1)[..., None])


def snow(rgb: Pixels, settings: Snow, random: np.random.Generator) -> Pixels:
    """White over the scene in linear light, with the opacity of soft discs of three sizes."""
    flakes = [_points(rgb.shape[:2], settings.amount * share, random) for share in (0.6, 0.3, 0.1)]
    if settings.amount == 0:
        return rgb.copy()
    cover = np.zeros(rgb.shape[:2], np.float32)
    for points, size in zip(flakes, (0.4, 0.7, 1.0), strict=True):
        reach = int(np.ceil(settings.size * size))
        rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        soft = np.clip(1 - np.hypot(rows, columns) / (settings.size * size + 0.5), 0, 1).astype(np.float32)
        disc = np.asarray(cv2.filter2D(points, -1, np.sqrt(soft), borderType=cv2.BORDER_CONSTANT))
        cover = np.maximum(cover, np.clip(disc, 0, 1))
    cover = (np.float32(settings.opacity) * cover)[..., None]
    return from_linear(to_linear(rgb) * (1 - cover) + cover)


def low_light(rgb: Pixels, settings: LowLight, random: np.random.Generator) -> Pixels:
    """(x 2^-stops + n) 2^(stops · brighten); the variance of n is proportional to the light that is left."""
    noise = white(rgb.shape, random)
    if settings.stops == 0:
        return rgb.copy()
    light = to_linear(rgb) * np.float32(2.0**-settings.stops)
    full = settings.noise / 1000
    # A hundredth of white's variance at full light is the noise of reading, which no darkness takes away.
    light += np.sqrt(np.float32(full) * light + np.float32((full / 10) ** 2)) * noise
    return from_linear(light * np.float32(2.0 ** (settings.stops * settings.brighten)))


def aperture(radius: float, blades: int, angle: float) -> npt.NDArray[np.float64]:
    """Weights of a regular polygon with soft rims; the sum is 1.

    >>> float(aperture(3, 6, 0).sum().round(6))
    1.0
    """
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    wedge = 2 * np.pi / blades
    around = (np.arctan2(rows, columns) - angle) % wedge - wedge / 2
    # Distance from the middle, measured across the nearest side.
    away = np.hypot(rows, columns) * np.cos(around)
    weights = np.clip(radius * np.cos(wedge / 2) + 0.5 - away, 0, 1)
    return weights / weights.sum()


def _points(shape: tuple[int, ...], share: float, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """Zeros, and at this share of the places a strength from 0.3 to 1."""
    count = int(random.binomial(shape[0] * shape[1], share))
    plane = np.zeros(shape[0] * shape[1], np.float32)
    plane[random.integers(0, len(plane), count)] = random.uniform(0.3, 1, count)
    return plane.reshape(shape[0], shape[1])
