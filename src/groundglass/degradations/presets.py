"""Chains by name. Those of Real-ESRGAN have the numbers of its published options; their sources are named."""

from __future__ import annotations

from dataclasses import dataclass, replace

from groundglass.degradations.chains import Chain, Choose, Maybe, OneOf, Step, Uniform, Whole
from groundglass.degradations.otf import KERNELS, Order, Otf, chain_of
from groundglass.errors import RecipeError
from groundglass.text.suggest import did_you_mean


@dataclass(frozen=True)
class Preset:
    """A chain with a name.

    meaning   one sentence
    source    a web address or a paper; "" for our own
    scale     how many times smaller the result is
    otf       the options of a trainer that describe the same chain; None if they cannot
    """

    name: str
    meaning: str
    source: str
    scale: int
    chain: Chain
    otf: Otf | None = None


_WEIGHTS = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
_FIRST = Order(
    blur_prob=1.0,
    kernels=tuple(zip(KERNELS, _WEIGHTS, strict=True)),
    sides=(7, 21),
    sinc_prob=0.1,
    blur_sigma=(0.2, 3.0),
    betag_range=(0.5, 4.0),
    betap_range=(1.0, 2.0),
    resize_prob=(0.2, 0.7, 0.1),
    resize_range=(0.15, 1.5),
    modes=(("area", 1.0), ("bilinear", 1.0), ("bicubic", 1.0)),
    gaussian_noise_prob=0.5,
    noise_range=(1.0, 30.0),
    poisson_scale_range=(0.05, 3.0),
    gray_noise_prob=0.4,
    jpeg_prob=1.0,
    jpeg_range=(30.0, 95.0),
)
_SECOND = replace(
    _FIRST,
    blur_prob=0.8,
    blur_sigma=(0.2, 1.5),
    resize_prob=(0.3, 0.4, 0.3),
    resize_range=(0.3, 1.2),
    noise_range=(1.0, 25.0),
    poisson_scale_range=(0.05, 2.5),
)
_X4 = Otf(
    scale=4, first=_FIRST, second=_SECOND, final_sinc_prob=0.8, final_sides=(7, 21), usm_radius=(50.0, 50.0)
)
_X2 = replace(_X4, scale=2)
_OPTIONS = "https://github.com/xinntao/Real-ESRGAN/blob/master/options/"

_SAVED = Choose(
    (
        Step("jpeg", {"quality": Whole(30, 95), "subsampling": OneOf(("4:2:0", "4:4:4"))}),
        Step("webp", {"quality": Whole(30, 95)}),
        Step("avif", {"quality": Whole(30, 90)}),
    ),
    (0.6, 0.3, 0.1),
)


def _clip(codec: str, best: int, worst: int) -> Step:
    settings = {"codec": codec, "crf": Whole(best, worst), "frames": Whole(1, 7), "motion": Uniform(0.0, 2.0)}
    return Step("video", settings | {"effort": "fast"})


PRESETS: dict[str, Preset] = {
    one.name: one
    for one in (
        Preset(
            "realesrgan-x4plus",
            "Real-ESRGAN's second-order chain, four times smaller",
            _OPTIONS + "train_realesrgan_x4plus.yml",
            4,
            chain_of(_X4),
            _X4,
        ),
        Preset(
            "realesrgan-x2plus",
            "Real-ESRGAN's second-order chain, two times smaller",
            _OPTIONS + "train_realesrgan_x2plus.yml",
            2,
            chain_of(_X2),
            _X2,
        ),
        Preset(
            "saved-twice",
            "an image of the web: saved lossily, resized, saved lossily again",
            "",
            1,
            Chain((_SAVED, Maybe(0.5, Step("false_resolution", {"factor": Uniform(1.0, 2.0)})), _SAVED)),
        ),
        Preset(
            "camera",
            "a small camera: blur, noise of a high ISO, sharpening with halos, JPEG",
            "",
            1,
            Chain(
                (
                    Choose(
                        (
                            Step("lens_blur", {"radius": Uniform(0.5, 2.0)}),
                            Step("motion_blur", {"length": Uniform(1.0, 6.0), "angle": Uniform(0.0, 180.0)}),
                        )
                    ),
                    Choose(
                        (
                            Step("iso_noise", {"iso": Uniform(200.0, 12_800.0)}),
                            Step("signal_noise", {"shot": Uniform(0.05, 1.5), "read": Uniform(0.5, 6.0)}),
                            Step(
                                "correlated_noise", {"sigma": Uniform(1.0, 12.0), "length": Uniform(0.5, 2.0)}
                            ),
                        )
                    ),
                    Maybe(0.6, Step("halo", {"amount": Uniform(0.2, 1.5), "radius": Uniform(0.8, 3.0)})),
                    Step("jpeg", {"quality": Whole(60, 97)}),
                )
            ),
        ),
        Preset(
            "streamed-video",
            "a frame of a streamed video: H.264, HEVC, VP9 or AV1, often upscaled (extra 'video')",
            "",
            1,
            Chain(
                (
                    Maybe(0.5, Step("false_resolution", {"factor": Uniform(1.0, 2.0)})),
                    Choose(
                        (
                            _clip("h264", 20, 40),
                            _clip("hevc", 22, 42),
                            _clip("vp9", 30, 58),
                            _clip("av1", 30, 60),
                        ),
                        (0.5, 0.2, 0.15, 0.15),
                    ),
                )
            ),
        ),
        Preset(
            "old-video",
            "a frame of a DVD or an early video file: soft, MPEG-2 or MPEG-4 (extra 'video')",
            "",
            1,
            Chain(
                (
                    Step("gaussian_blur", {"sigma": Uniform(0.3, 1.2)}),
                    Maybe(0.5, Step("halo", {"amount": Uniform(0.2, 1.5), "radius": Uniform(0.8, 2.0)})),
                    Choose((_clip("mpeg2", 2, 16), _clip("mpeg4", 2, 20))),
                )
            ),
        ),
        Preset(
            "old-photo",
            "a scanned print: faded, scratched, with film grain",
            "",
            1,
            Chain(
                (
                    Step("gaussian_blur", {"sigma": Uniform(0.4, 1.5)}),
                    Step("film_grain", {"strength": Uniform(3.0, 18.0), "size": Uniform(0.6, 1.6)}),
                    Step("fading", {"amount": Uniform(0.2, 0.8), "warmth": Uniform(0.2, 0.9)}),
                    Step("scratches", {"count": Whole(1, 15), "width": Whole(1, 3)}),
                    Maybe(0.7, Step("jpeg", {"quality": Whole(60, 95)})),
                )
            ),
        ),
    )
}
"""Presets by name."""


def find_preset(name: str) -> Preset:
    """The preset of that name.

    >>> find_preset("realesrgan-x4").name
    Traceback (most recent call last):
    groundglass.errors.RecipeError: there is no preset 'realesrgan-x4'
    """
    if name in PRESETS:
        return PRESETS[name]
    hint = did_you_mean(name, PRESETS).strip() or f"one of {', '.join(PRESETS)}"
    raise RecipeError(f"there is no preset {name!r}", hint)
