"""Every distortion, written out, and the one call for all of them. Importing this loads no pixel library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundglass.degradations.banding import Banding, banding
from groundglass.degradations.blur import (
    Defocus,
    GaussianBlur,
    MotionBlur,
    defocus,
    gaussian_blur,
    motion_blur,
)
from groundglass.degradations.clipping import Clipping, clipping
from groundglass.degradations.compression import Avif, WebP, avif, webp
from groundglass.degradations.crop import Crop, crop
from groundglass.degradations.jpeg import Jpeg, jpeg
from groundglass.degradations.kernels import KernelBlur, Sinc, kernel_blur, sinc
from groundglass.degradations.letterbox import Letterbox, letterbox
from groundglass.degradations.mirror import Mirror, mirror
from groundglass.degradations.noise import GaussianNoise, ShotNoise, gaussian_noise, shot_noise
from groundglass.degradations.old_photo import Fading, Scratches, fading, scratches
from groundglass.degradations.overlay import LogoOverlay, TextOverlay, logo_overlay, text_overlay
from groundglass.degradations.poisson import PoissonNoise, poisson_noise
from groundglass.degradations.resize import (
    FalseResolution,
    ResizeTo,
    Scale,
    false_resolution,
    resize_to,
    scale,
)
from groundglass.degradations.screens import (
    ChromaSubsampling,
    Dither,
    Halo,
    Moire,
    Palette,
    Pixelate,
    Screentone,
    chroma_subsampling,
    dither,
    halo,
    moire,
    palette,
    pixelate,
    screentone,
)
from groundglass.degradations.sensor_noise import (
    CorrelatedNoise,
    FilmGrain,
    IsoNoise,
    SignalNoise,
    correlated_noise,
    film_grain,
    iso_noise,
    signal_noise,
)
from groundglass.degradations.settings import Pixels
from groundglass.degradations.sharpen import MaskedSharpen, Sharpen, masked_sharpen, sharpen
from groundglass.degradations.video import Video, video
from groundglass.degradations.weather import (
    Haze,
    LensBlur,
    LowLight,
    Rain,
    Snow,
    haze,
    lens_blur,
    low_light,
    rain,
    snow,
)


@dataclass(frozen=True)
class Distortion:
    """A plain function of (image, settings, random stream), and the record of its settings.

    ``settings()`` without arguments is neutral: the image comes back unchanged. ``extra`` is the optional package that
    all other settings need.
    """

    name: str
    settings: type[Any]
    apply: Callable[[Pixels, Any, np.random.Generator], Pixels]
    extra: str = ""


DISTORTIONS: dict[str, Distortion] = {
    one.name: one
    for one in (
        Distortion("gaussian_blur", GaussianBlur, gaussian_blur),
        Distortion("motion_blur", MotionBlur, motion_blur),
        Distortion("defocus", Defocus, defocus),
        Distortion("gaussian_noise", GaussianNoise, gaussian_noise),
        Distortion("shot_noise", ShotNoise, shot_noise),
        Distortion("jpeg", Jpeg, jpeg),
        Distortion("false_resolution", FalseResolution, false_resolution),
        Distortion("scale", Scale, scale),
        Distortion("crop", Crop, crop),
        Distortion("sharpen", Sharpen, sharpen),
        Distortion("banding", Banding, banding),
        Distortion("clipping", Clipping, clipping),
        Distortion("letterbox", Letterbox, letterbox),
        Distortion("text_overlay", TextOverlay, text_overlay),
        Distortion("logo_overlay", LogoOverlay, logo_overlay),
        Distortion("mirror", Mirror, mirror),
        Distortion("kernel_blur", KernelBlur, kernel_blur),
        Distortion("sinc", Sinc, sinc),
        Distortion("lens_blur", LensBlur, lens_blur),
        Distortion("resize_to", ResizeTo, resize_to),
        Distortion("poisson_noise", PoissonNoise, poisson_noise),
        Distortion("correlated_noise", CorrelatedNoise, correlated_noise),
        Distortion("signal_noise", SignalNoise, signal_noise),
        Distortion("iso_noise", IsoNoise, iso_noise),
        Distortion("film_grain", FilmGrain, film_grain),
        Distortion("webp", WebP, webp),
        Distortion("avif", Avif, avif),
        Distortion("video", Video, video, extra="video"),
        Distortion("masked_sharpen", MaskedSharpen, masked_sharpen),
        Distortion("halo", Halo, halo),
        Distortion("chroma_subsampling", ChromaSubsampling, chroma_subsampling),
        Distortion("palette", Palette, palette),
        Distortion("dither", Dither, dither),
        Distortion("screentone", Screentone, screentone),
        Distortion("moire", Moire, moire),
        Distortion("pixelate", Pixelate, pixelate),
        Distortion("haze", Haze, haze),
        Distortion("rain", Rain, rain),
        Distortion("snow", Snow, snow),
        Distortion("low_light", LowLight, low_light),
        Distortion("scratches", Scratches, scratches),
        Distortion("fading", Fading, fading),
    )
}
"""Distortions by name."""

_APPLY = {one.settings: one.apply for one in DISTORTIONS.values()}


def distort(rgb: Pixels, settings: Any, random: np.random.Generator) -> Pixels:
    """The image with one distortion, or with several in sequence.

    rgb       H×W×3 uint8; it is not changed, and shares no memory with the result
    settings  one record of this catalog, or a sequence of them: done in that order
    random    all randomness comes from it: equal streams give equal pixels (`groundglass.random_streams`)

    Gives H×W×3 uint8 of the same size (except for `Scale`, `ResizeTo` and `Crop`).
    Raises TypeError for other pixels or settings.

    >>> grey = np.full((16, 16, 3), 100, np.uint8)
    >>> random = np.random.default_rng(0)
    >>> distort(grey, Letterbox(rows=0.25), random)[[0, 8], 0].tolist()
    [[0, 0, 0], [100, 100, 100]]
    >>> distort(grey, (Banding(2), Mirror(across=True)), random).max()
    np.uint8(0)
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise TypeError(f"an image is H×W×3 uint8, not {rgb.shape} {rgb.dtype}")
    chain: Sequence[Any] = settings if isinstance(settings, tuple | list) else (settings,)
    # An empty chain must also give the caller pixels of its own.
    made = rgb.copy() if not chain else rgb
    for one in chain:
        if type(one) not in _APPLY:
            raise TypeError(f"{type(one).__name__} is not the settings of a distortion")
        made = _APPLY[type(one)](made, one, random)
    return made
