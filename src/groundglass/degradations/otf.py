"""The second-order degradations of Real-ESRGAN as trainers write them in their options, and their chain.

`otf_options` reads the options and writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, pi
from typing import Any, Literal

from groundglass.degradations.chains import (
    Chain,
    Choose,
    Draw,
    Maybe,
    OneOf,
    Poisson,
    ResizeBy,
    Step,
    Uniform,
    Whole,
)

Range = tuple[float, float]
KERNELS = ("iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso")
MODES = {
    "area": "area",
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "nearest-exact": "nearest",
    "lanczos": "lanczos",
}
PUBLISHED_MODES = (("area", 1.0), ("bilinear", 1.0), ("bicubic", 1.0))


@dataclass(frozen=True)
class Order:
    """One pass of blur, resize, noise and JPEG, in the words of Real-ESRGAN's options.

    blur_prob    probability of the blur, 0 to 1
    kernels      (word of `KERNELS`, weight)
    sides        smallest and largest side of a kernel, px, both odd
    sinc_prob    probability of a sinc kernel instead
    resize_prob  weights of growing, shrinking and keeping the size
    modes        (mode, weight): area, bilinear, bicubic, nearest-exact, lanczos
    gaussian_noise_prob   probability of Gaussian noise; else it is Poisson noise
    jpeg_prob    probability of JPEG
    """

    blur_prob: float
    kernels: tuple[tuple[str, float], ...]
    sides: tuple[int, int]
    sinc_prob: float
    blur_sigma: Range
    betag_range: Range
    betap_range: Range
    resize_prob: tuple[float, float, float]
    resize_range: Range
    modes: tuple[tuple[str, float], ...]
    gaussian_noise_prob: float
    noise_range: Range
    poisson_scale_range: Range
    gray_noise_prob: float
    jpeg_prob: float
    jpeg_range: Range


@dataclass(frozen=True)
class Otf:
    """Both passes, the final sinc filter and resize, and the scale.

    usm_radius     range of the radius of the unsharp mask before all else, in Real-ESRGAN's px; None: there is none
    final_modes    of the resize to the final size
    keep_resizes   whether the second pass, where it keeps the size, resizes to the final one (not in traiNNer-redux)
    """

    scale: int
    first: Order
    second: Order
    final_sinc_prob: float
    final_sides: tuple[int, int]
    final_modes: tuple[tuple[str, float], ...] = PUBLISHED_MODES
    usm_radius: Range | None = None
    keep_resizes: bool = True


def chain_of(otf: Otf) -> Chain:
    """The chain: blur, resize, noise, JPEG; again; then JPEG and [final size, sinc] in one of both orders.

    The second resize is a factor of the final size, as in Real-ESRGAN. Each step rounds to 8 bits.
    """
    second = otf.second
    final = Chain((ResizeBy(1 / otf.scale, _mode(otf.final_modes), "photo"), *_final_sinc(otf)))
    save = _jpeg(second)
    return Chain(
        (
            *_usm(otf.usm_radius),
            _blur(otf.first),
            _resize(otf.first, 1, "current", False),
            _noise(otf.first),
            _jpeg(otf.first),
            _blur(second),
            _resize(second, otf.scale, "photo", otf.keep_resizes),
            _noise(second),
            Choose((Chain((final, save)), Chain((save, final)))),
        )
    )


def _usm(radius: Range | None) -> tuple[Step, ...]:
    """Real-ESRGAN's radius r is the side of a kernel; OpenCV's rule for its deviation is 0.3 ((r - 1)/2 - 1) + 0.8."""
    if radius is None:
        return ()
    # An even side becomes the next odd one.
    low, high = (0.3 * ((side + (side % 2 == 0) - 1) / 2 - 1) + 0.8 for side in radius)
    return (Step("masked_sharpen", {"amount": 0.5, "sigma": Uniform(low, high)}),)


def _blur(order: Order) -> Maybe:
    parts = [_kernel(order, name) for name, _ in order.kernels]
    gaussian = Choose(tuple(parts), tuple(weight for _, weight in order.kernels))
    blur = Choose((_sinc(order.sides), gaussian), (order.sinc_prob, 1 - order.sinc_prob))
    return Maybe(order.blur_prob, blur)


def _kernel(order: Order, name: str) -> Step:
    settings: dict[str, Any] = {"sigma_x": Uniform(*order.blur_sigma), "side": Whole(*order.sides, step=2)}
    if name.endswith("aniso"):
        settings |= {"sigma_y": Uniform(*order.blur_sigma), "angle": Uniform(-180.0, 180.0)}
    if name.startswith("generalized"):
        settings |= {"shape": "generalised", "beta": _around_1(order.betag_range)}
    elif name.startswith("plateau"):
        settings |= {"shape": "plateau", "beta": _around_1(order.betap_range)}
    return Step("kernel_blur", settings)


def _around_1(ends: Range) -> Draw:
    """Below and above 1 with equal probability, as BasicSR draws beta."""
    low, high = ends
    if low > 1 or high < 1:
        return Uniform(low, high)
    return OneOf((Uniform(low, 1.0), Uniform(1.0, high)))


def _sinc(sides: tuple[int, int]) -> Choose:
    """Small kernels cannot hold a low frequency: below 13 px the cutoff begins at π/3, else at π/5."""
    low, high = sides
    small = Step("sinc", {"side": Whole(low, max(low, min(high, 11)), 2), "cutoff": Uniform(pi / 3, pi)})
    large = Step("sinc", {"side": Whole(min(high, max(low, 13)), high, 2), "cutoff": Uniform(pi / 5, pi)})
    counts = len(range(low, min(high, 11) + 1, 2)), len(range(max(low, 13), high + 1, 2))
    return Choose((small, large), tuple(map(float, counts)))


def _final_sinc(otf: Otf) -> tuple[Maybe, ...]:
    if otf.final_sinc_prob == 0:
        return ()
    step = Step("sinc", {"side": Whole(*otf.final_sides, step=2), "cutoff": Uniform(pi / 3, pi)})
    return (Maybe(otf.final_sinc_prob, step),)


def _resize(order: Order, scale: int, of: Literal["current", "photo"], keep_resizes: bool) -> Choose:
    low, high = order.resize_range
    mode = _mode(order.modes)
    grow = ResizeBy(Uniform(1 / scale, high / scale), mode, of)
    shrink = ResizeBy(Uniform(low / scale, 1 / scale), mode, of)
    keep = ResizeBy(1 / scale, mode, of) if keep_resizes else None
    return Choose((grow, shrink, keep), order.resize_prob)


def _mode(modes: tuple[tuple[str, float], ...]) -> OneOf:
    return OneOf(tuple(MODES[mode] for mode, _ in modes), tuple(weight for _, weight in modes))


def _noise(order: Order) -> Choose:
    grey = OneOf((True, False), (order.gray_noise_prob, 1 - order.gray_noise_prob))
    gaussian = Step("gaussian_noise", {"sigma": Uniform(*order.noise_range), "grey": grey})
    poisson = Poisson(Uniform(*order.poisson_scale_range), grey)
    return Choose((gaussian, poisson), (order.gaussian_noise_prob, 1 - order.gaussian_noise_prob))


def _jpeg(order: Order) -> Maybe:
    low, high = order.jpeg_range
    quality = Whole(max(1, ceil(low)), min(100, max(ceil(low), floor(high))))
    return Maybe(order.jpeg_prob, Step("jpeg", {"quality": quality}))
