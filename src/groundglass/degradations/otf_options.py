"""Options of trainers: the degradations of Real-ESRGAN's YAML, traiNNer-redux's YAML and neosr's TOML.

They share most keys. `from_options` reads any of them. `to_options` writes them, and returns a note for everything
that a trainer cannot express. The keys are those of Real-ESRGAN's published options, of traiNNer-redux's
`redux_options.py` (June 2026) and of neosr's `options/train_*_otf.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from groundglass.degradations.otf import KERNELS, MODES, PUBLISHED_MODES, Order, Otf, Range, chain_of
from groundglass.degradations.settings import within
from groundglass.errors import RecipeError

Trainer = Literal["realesrgan", "traiNNer-redux", "neosr"]
TRAINERS: tuple[Trainer, ...] = ("realesrgan", "traiNNer-redux", "neosr")


def from_options(options: Mapping[str, Any]) -> tuple[Otf, list[str]]:
    """The degradations that a trainer's options describe, and a note for everything that the chain here does not do.

    Keys of the degradations may be at the top, in ``datasets.train`` or in ``degradations`` (neosr).
    Raises RecipeError if none is there, or a value has the wrong form.
    """
    train = _mapping(_mapping(options.get("datasets")).get("train"))
    found = {**options, **train, **_mapping(options.get("degradations"))}
    if "resize_prob" not in found and "jpeg_range" not in found:
        raise RecipeError(
            "these options have no degradations",
            "expected keys such as resize_prob, noise_range and jpeg_range",
        )
    redux = "resize_mode_list" in found or "high_order_degradation" in found
    try:
        otf = Otf(
            scale=int(found.get("scale", 4)),
            first=_order(found, "", redux),
            second=_order(found, "2", redux),
            final_sinc_prob=float(found.get("final_sinc_prob", 0)),
            final_sides=_sides(found.get("final_kernel_range"), redux),
            final_modes=_modes(found, "3", redux),
            usm_radius=_usm_radius(found),
            keep_resizes=not redux,
        )
        within("scale", otf.scale, 1, 16)
        chain_of(otf)  # refuses what no degradation accepts
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise RecipeError(f"the options' degradations cannot be read: {error}") from error
    lines = "thicklines_prob: the chain here thickens no lines"
    return otf, [lines] if found.get("thicklines_prob") else []


def _usm_radius(found: Mapping[str, Any]) -> Range | None:
    if found.get("lq_usm"):
        low, high = found.get("lq_usm_radius_range", (1, 25))
        return float(low), float(high)
    # Real-ESRGAN makes LQ of the sharpened image whatever these keys say; its users know the switch by them.
    return (50.0, 50.0) if any(found.get(key) for key in ("gt_usm", "l1_gt_usm", "percep_gt_usm")) else None


def _order(found: Mapping[str, Any], number: str, redux: bool) -> Order:
    def value(name: str, default: Any) -> Any:
        return found.get(name + number, default)

    def pair(name: str, default: Range) -> Range:
        low, high = value(name, default)
        if low > high:
            raise ValueError(
                f"{name}{number} goes from the smaller to the larger number, not from {low} to {high}"
            )
        return float(low), float(high)

    def three(default: Sequence[float]) -> tuple[float, float, float]:
        up, down, keep = (float(one) for one in value("resize_prob", default))
        return up, down, keep

    # Absent keys have the trainer's own defaults: those of traiNNer-redux switch most degradations off.
    always = 0.0 if redux else 1.0
    blur = found.get("second_blur_prob", value("blur_prob", always)) if number else value("blur_prob", always)
    low, high = pair("resize_range", (0.6, 1.2) if number else (0.4, 1.5))
    if not low <= 1 <= high:
        raise ValueError(f"resize_range{number} is {low:g} to {high:g}, but must contain 1")
    names, weights = value("kernel_list", KERNELS), value("kernel_prob", (0.45, 0.25, 0.12, 0.03, 0.12, 0.03))
    for name in names:
        if name not in KERNELS:
            raise ValueError(f"kernel_list{number} has {name!r}, but must have words of {', '.join(KERNELS)}")
    return Order(
        blur_prob=float(blur),
        kernels=tuple((str(name), float(weight)) for name, weight in zip(names, weights, strict=True)),
        sides=_sides(value("kernel_range", None), redux),
        sinc_prob=float(value("sinc_prob", 0)),
        blur_sigma=pair("blur_sigma", (0.2, 1.0 if number else 2.0)),
        betag_range=pair("betag_range", (0.5, 4)),
        betap_range=pair("betap_range", (1, 2)),
        resize_prob=three((0.3, 0.4, 0.3) if number else (0.2, 0.7, 0.1)),
        resize_range=(low, high),
        modes=_modes(found, number, redux),
        gaussian_noise_prob=float(value("gaussian_noise_prob", 0)),
        noise_range=pair("noise_range", (0, 0)),
        poisson_scale_range=pair("poisson_scale_range", (0, 0)),
        gray_noise_prob=float(value("gray_noise_prob", 0)),
        jpeg_prob=float(value("jpeg_prob", 1)),
        jpeg_range=pair("jpeg_range", (75, 95)),
    )


def _modes(found: Mapping[str, Any], number: str, redux: bool) -> tuple[tuple[str, float], ...]:
    if not redux:
        return PUBLISHED_MODES
    names = found.get(f"resize_mode_list{number}", ["bilinear", "bicubic", "nearest-exact", "lanczos"])
    weights = found.get(f"resize_mode_prob{number}", [1.0] * len(names))
    for name in names:
        if name not in MODES:
            raise ValueError(
                f"resize_mode_list{number} has {name!r}, but must have words of {', '.join(MODES)}"
            )
    return tuple((str(name), float(weight)) for name, weight in zip(names, weights, strict=True))


def _sides(given: Any, redux: bool) -> tuple[int, int]:
    """Real-ESRGAN and neosr draw sides of 7 to 21 px whatever ``blur_kernel_size`` says."""
    low, high = given or ((5, 17) if redux else (7, 21))
    return int(low), int(high)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def to_options(otf: Otf, trainer: Trainer) -> tuple[dict[str, Any], list[str]]:
    """The options of a trainer, as plain data, and a note for everything that it does differently.

    The data have only the degradations' keys, in the places where the trainer reads them.
    """
    notes = _notes(otf, trainer)
    redux = trainer == "traiNNer-redux"
    passes, kernels = _pass_keys(otf, redux), _kernel_keys(otf, redux)
    if trainer == "neosr":
        return {"scale": otf.scale, "degradations": {**passes, **kernels}}, notes
    other: dict[str, Any] = {"gt_usm": otf.usm_radius is not None}
    if redux:
        other = {"high_order_degradation": True, "lq_usm": otf.usm_radius is not None}
        if otf.usm_radius is not None:
            other["lq_usm_radius_range"] = [int(side) for side in otf.usm_radius]
    return {"scale": otf.scale, **other, **passes, "datasets": {"train": kernels}}, notes


def _pass_keys(otf: Otf, redux: bool) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for number, order in (("", otf.first), ("2", otf.second)):
        if redux:
            keys[f"blur_prob{number}"] = order.blur_prob
        elif number:
            keys["second_blur_prob"] = order.blur_prob
        keys[f"resize_prob{number}"] = list(order.resize_prob)
        keys[f"resize_range{number}"] = list(order.resize_range)
        if redux:
            keys |= _mode_keys(number, order.modes)
        for name in ("gaussian_noise_prob", "noise_range", "poisson_scale_range", "gray_noise_prob"):
            value = getattr(order, name)
            keys[name + number] = list(value) if isinstance(value, tuple) else value
        if redux:
            keys[f"jpeg_prob{number}"] = order.jpeg_prob
        keys[f"jpeg_range{number}"] = list(order.jpeg_range)
    return keys | (_mode_keys("3", otf.final_modes) if redux else {})


def _mode_keys(number: str, modes: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    return {
        f"resize_mode_list{number}": [mode for mode, _ in modes],
        f"resize_mode_prob{number}": [weight for _, weight in modes],
    }


def _kernel_keys(otf: Otf, redux: bool) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for number, order in (("", otf.first), ("2", otf.second)):
        if not redux:
            keys[f"blur_kernel_size{number}"] = order.sides[1]
        keys[f"kernel_list{number}"] = [name for name, _ in order.kernels]
        keys[f"kernel_prob{number}"] = [weight for _, weight in order.kernels]
        if redux:
            keys[f"kernel_range{number}"] = list(order.sides)
        keys[f"sinc_prob{number}"] = order.sinc_prob
        for name in ("blur_sigma", "betag_range", "betap_range"):
            keys[name + number] = list(getattr(order, name))
    keys["final_sinc_prob"] = otf.final_sinc_prob
    return keys | ({"final_kernel_range": list(otf.final_sides)} if redux else {})


def _notes(otf: Otf, trainer: Trainer) -> list[str]:
    """A sentence for each difference between the chain here and the trainer's."""
    notes: list[str] = []
    if trainer == "traiNNer-redux":
        if otf.keep_resizes and otf.second.resize_prob[2]:
            notes.append(
                "traiNNer-redux leaves the size alone where the second pass keeps it; here it becomes the final one"
            )
        return notes
    every = (otf.first.modes, otf.second.modes, otf.final_modes)
    if any(_shares(modes) != _shares(PUBLISHED_MODES) for modes in every):
        notes.append(f"{trainer} always resizes by area, bilinear and bicubic, each as likely")
    if not otf.keep_resizes and otf.second.resize_prob[2]:
        notes.append(f"{trainer} resizes to the final size where the second pass keeps the size")
    if otf.first.blur_prob != 1:
        notes.append(
            f"{trainer} always blurs in the first pass; here the probability is {otf.first.blur_prob:g}"
        )
    if (otf.first.jpeg_prob, otf.second.jpeg_prob) != (1, 1):
        notes.append(f"{trainer} always saves as JPEG in both passes")
    if {otf.first.sides, otf.second.sides, otf.final_sides} != {(7, 21)}:
        notes.append(f"{trainer} always draws kernels of 7 to 21 px")
    if otf.usm_radius is not None and trainer == "neosr":
        notes.append("neosr has no unsharp mask of the ground truth before the degradations")
    if otf.usm_radius not in (None, (50.0, 50.0)) and trainer == "realesrgan":
        notes.append("realesrgan's unsharp mask always has the radius 50")
    return notes


def _shares(modes: tuple[tuple[str, float], ...]) -> dict[str, float]:
    total = sum(weight for _, weight in modes)
    return {mode: round(weight / total, 9) for mode, weight in modes if weight}
