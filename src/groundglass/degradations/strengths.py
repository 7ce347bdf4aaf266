"""Each distortion at a low, a middle and a high strength: for sheets that show them, and for tests."""

from __future__ import annotations

from typing import Any, NamedTuple

from groundglass.degradations.banding import Banding
from groundglass.degradations.blur import Defocus, GaussianBlur, MotionBlur
from groundglass.degradations.clipping import Clipping
from groundglass.degradations.compression import Avif, WebP
from groundglass.degradations.crop import Crop
from groundglass.degradations.jpeg import Jpeg
from groundglass.degradations.kernels import KernelBlur, Sinc
from groundglass.degradations.letterbox import Letterbox
from groundglass.degradations.mirror import Mirror
from groundglass.degradations.noise import GaussianNoise, ShotNoise
from groundglass.degradations.old_photo import Fading, Scratches
from groundglass.degradations.overlay import LogoOverlay, TextOverlay
from groundglass.degradations.poisson import PoissonNoise
from groundglass.degradations.resize import FalseResolution, ResizeTo, Scale
from groundglass.degradations.screens import (
    ChromaSubsampling,
    Dither,
    Halo,
    Moire,
    Palette,
    Pixelate,
    Screentone,
)
from groundglass.degradations.sensor_noise import CorrelatedNoise, FilmGrain, IsoNoise, SignalNoise
from groundglass.degradations.sharpen import MaskedSharpen, Sharpen
from groundglass.degradations.video import Video
from groundglass.degradations.weather import Haze, LensBlur, LowLight, Rain, Snow


class Strengths(NamedTuple):
    """Settings of one distortion."""

    low: Any
    mid: Any
    high: Any


STRENGTHS: dict[str, Strengths] = {
    "gaussian_blur": Strengths(GaussianBlur(0.7), GaussianBlur(1.5), GaussianBlur(3)),
    "motion_blur": Strengths(MotionBlur(4, 30), MotionBlur(9, 30), MotionBlur(21, 30)),
    "defocus": Strengths(Defocus(1), Defocus(2.5), Defocus(6)),
    "gaussian_noise": Strengths(GaussianNoise(4), GaussianNoise(12), GaussianNoise(30)),
    "shot_noise": Strengths(ShotNoise(0.2), ShotNoise(1), ShotNoise(5)),
    "jpeg": Strengths(Jpeg(80), Jpeg(40), Jpeg(10)),
    "false_resolution": Strengths(FalseResolution(1.5), FalseResolution(2), FalseResolution(4)),
    "scale": Strengths(Scale(0.8), Scale(0.5), Scale(0.25)),
    "crop": Strengths(Crop(0.8), Crop(0.5), Crop(0.2)),
    "sharpen": Strengths(Sharpen(0.5), Sharpen(1.5), Sharpen(4)),
    "banding": Strengths(Banding(32), Banding(12), Banding(5)),
    "clipping": Strengths(Clipping(0.02, 0.02), Clipping(0.1, 0.1), Clipping(0.25, 0.25)),
    "letterbox": Strengths(Letterbox(0.05), Letterbox(0.12), Letterbox(0.25)),
    "text_overlay": Strengths(
        TextOverlay(0.05, opacity=0.4), TextOverlay(0.1, opacity=0.7), TextOverlay(0.2, "PROOF")
    ),
    "logo_overlay": Strengths(LogoOverlay(0.1, 0.4), LogoOverlay(0.2, 0.7), LogoOverlay(0.4)),
    "mirror": Strengths(Mirror(False), Mirror(True), Mirror(True)),
    "kernel_blur": Strengths(
        KernelBlur(1.2, 0.6, 30),
        KernelBlur(2.5, 1, 30, "generalised", 0.8),
        KernelBlur(4, 2, 30, "plateau", 2),
    ),
    "sinc": Strengths(Sinc(2.6), Sinc(1.8), Sinc(1)),
    "lens_blur": Strengths(LensBlur(1.5), LensBlur(4, 6, 3), LensBlur(9, 6, 8)),
    "resize_to": Strengths(ResizeTo(192, 192, "bicubic"), ResizeTo(128, 128), ResizeTo(64, 64, "nearest")),
    "poisson_noise": Strengths(PoissonNoise(0.5), PoissonNoise(1.2), PoissonNoise(2.5)),
    "correlated_noise": Strengths(CorrelatedNoise(3, 0.7), CorrelatedNoise(8), CorrelatedNoise(18, 1.5)),
    "signal_noise": Strengths(SignalNoise(0.2, 1), SignalNoise(1, 4), SignalNoise(5, 8)),
    "iso_noise": Strengths(IsoNoise(800), IsoNoise(6400), IsoNoise(51_200)),
    "film_grain": Strengths(FilmGrain(4, 0.6), FilmGrain(9), FilmGrain(18, 1.1)),
    "webp": Strengths(WebP(80), WebP(35), WebP(5)),
    "avif": Strengths(Avif(70), Avif(35), Avif(10)),
    "video": Strengths(Video("h264", 26), Video("h264", 36), Video("h264", 46)),
    "masked_sharpen": Strengths(MaskedSharpen(0.25), MaskedSharpen(0.5), MaskedSharpen(1.5)),
    "halo": Strengths(Halo(0.6), Halo(1.5), Halo(3, 3)),
    "chroma_subsampling": Strengths(
        ChromaSubsampling(2, 2), ChromaSubsampling(4, 4), ChromaSubsampling(8, 8, smooth=False)
    ),
    "palette": Strengths(Palette(128), Palette(32, dither=True), Palette(8)),
    "dither": Strengths(Dither(16), Dither(6), Dither(2)),
    "screentone": Strengths(Screentone(0.3, 4), Screentone(0.7, 5), Screentone(1, 7)),
    "moire": Strengths(Moire(0.08), Moire(0.2), Moire(0.5)),
    "pixelate": Strengths(Pixelate(2), Pixelate(5), Pixelate(12)),
    "haze": Strengths(Haze(0.2), Haze(0.6), Haze(1.6)),
    "rain": Strengths(Rain(0.001), Rain(0.004, 30), Rain(0.012, 40)),
    "snow": Strengths(Snow(0.001), Snow(0.003, 4), Snow(0.01, 5)),
    "low_light": Strengths(LowLight(1), LowLight(3), LowLight(5, 0.4)),
    "scratches": Strengths(Scratches(2, 1), Scratches(8), Scratches(20)),
    "fading": Strengths(Fading(0.3), Fading(0.6), Fading(0.95)),
}
"""By name, for every distortion of the catalog."""
