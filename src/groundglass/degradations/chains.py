"""Chains of degradations: their settings are drawn at random, and the drawn ones are recorded.

    Chain((Step("gaussian_blur", {"sigma": Uniform(0.2, 3)}), Maybe(0.5, Step("jpeg", {"quality": Whole(30, 95)}))))

is a description. `degrade` draws from it, and returns the pixels and the list of what was applied. `replay` makes the
same pixels from that list, bit for bit: each step has the seed of its own random stream in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any, Literal, cast

import numpy as np

from groundglass.degradations.catalog import DISTORTIONS, distort
from groundglass.degradations.poisson import photon_levels
from groundglass.degradations.settings import Pixels, within
from groundglass.errors import RecipeError
from groundglass.text.suggest import did_you_mean


@dataclass(frozen=True)
class Uniform:
    """Any number from ``low`` to ``high``, each as likely."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _ordered(self.low, self.high)

    def draw(self, random: np.random.Generator) -> float:
        return float(random.uniform(self.low, self.high))


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``, both included; ``step`` apart."""

    low: int
    high: int
    step: int = 1

    def __post_init__(self) -> None:
        _ordered(self.low, self.high)

    def draw(self, random: np.random.Generator) -> int:
        return self.low + self.step * int(random.integers((self.high - self.low) // self.step + 1))


@dataclass(frozen=True)
class OneOf:
    """One of the values, with these weights; all alike without them. A value may itself be drawn."""

    values: tuple[Any, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _weighted(self.values, self.weights)

    def draw(self, random: np.random.Generator) -> Any:
        return _value(self.values[_pick(len(self.values), self.weights, random)], random)


Draw = Uniform | Whole | OneOf


@dataclass(frozen=True)
class Step:
    """One degradation of the catalog. A setting is a value, or is drawn; a setting that is absent has its default.

    Raises RecipeError for a name that is not in the catalog, a setting that it does not have, or a range whose ends
    the degradation refuses.
    """

    name: str
    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.name not in DISTORTIONS:
            raise RecipeError(
                f"{self.name!r} is not a degradation", did_you_mean(self.name, DISTORTIONS).strip()
            )
        record = DISTORTIONS[self.name].settings
        known = [field.name for field in fields(record)]
        # Checked together with each end: the range of a setting may depend on another one.
        fixed = {
            key: one for key, one in self.settings.items() if not isinstance(one, Uniform | Whole | OneOf)
        }
        for key, value in self.settings.items():
            if key not in known:
                raise RecipeError(f"{self.name} has no setting {key!r}", did_you_mean(key, known).strip())
            for end in _ends(value):
                _checked(self.name, fixed | {key: end})


@dataclass(frozen=True)
class ResizeBy:
    """Resized by a factor of the image's size so far, or of the photo's size.

    factor   drawn; 1 changes nothing
    kernel   a word of `degradations.resize.TRAINERS_KERNELS`, or drawn
    of       "current", or "photo": the size that the first step of the chain had
    """

    factor: float | Draw
    kernel: str | Draw
    of: Literal["current", "photo"] = "current"


@dataclass(frozen=True)
class Poisson:
    """Poisson noise as Real-ESRGAN adds it: the photons at white follow from the image's number of values."""

    scale: float | Draw
    grey: bool | Draw = False


@dataclass(frozen=True)
class Chain:
    """All parts, one after the other."""

    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Choose:
    """One of the parts, with these weights; all alike without them. A part that is None changes nothing."""

    parts: tuple[Any, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _weighted(self.parts, self.weights)


@dataclass(frozen=True)
class Maybe:
    """The part with a probability of 0 to 1; else nothing."""

    probability: float
    part: Any

    def __post_init__(self) -> None:
        within("probability", self.probability, 0, 1)


@dataclass(frozen=True)
class Applied:
    """A degradation as it was applied.

    name       of the catalog
    settings   all of them, as plain values
    stream     the seed of the random stream that the step alone used
    """

    name: str
    settings: dict[str, Any]
    stream: int


def degrade(rgb: Pixels, part: Any, random: np.random.Generator) -> tuple[Pixels, list[Applied]]:
    """The image after a part (a step, or a chain of them), and the list of what was applied.

    rgb      H×W×3 uint8; it is not changed
    random   all settings are drawn from it, and the seed of each step's own stream

    >>> grey = np.full((32, 32, 3), 90, np.uint8)
    >>> part = Chain((Step("gaussian_noise", {"sigma": Uniform(1, 9)}), Maybe(0, Step("mirror", {"across": True}))))
    >>> made, applied = degrade(grey, part, np.random.default_rng(0))
    >>> [one.name for one in applied], bool((replay(grey, applied) == made).all())
    (['gaussian_noise'], True)
    """
    applied: list[Applied] = []
    made = _degraded(rgb, part, random, rgb.shape[:2], applied)
    return (made if applied else rgb.copy()), applied


def _degraded(
    rgb: Pixels, part: Any, random: np.random.Generator, photo: tuple[int, ...], applied: list[Applied]
) -> Pixels:
    """The image after a part; what was applied is added to the list. Each setting is drawn when its turn comes."""
    match part:
        case None:
            return rgb
        case Step() | ResizeBy() | Poisson():
            drawn = _concrete(part, rgb, photo, random)
            if drawn is None:
                return rgb
            name, settings = drawn
            one = Applied(name, dict(vars(settings)), int(random.integers(2**53)))
            applied.append(one)
            return _apply(rgb, settings, one.stream)
        case Chain():
            for inner in part.parts:
                rgb = _degraded(rgb, inner, random, photo, applied)
            return rgb
        case Choose():
            chosen = part.parts[_pick(len(part.parts), part.weights, random)]
            return _degraded(rgb, chosen, random, photo, applied)
        case Maybe():
            if random.random() >= part.probability:
                return rgb
            return _degraded(rgb, part.part, random, photo, applied)
        case _:
            raise TypeError(f"{type(part).__name__} is not a part of a chain")


def replay(rgb: Pixels, applied: Sequence[Applied]) -> Pixels:
    """The image after exactly these steps: the same pixels as `degrade` gave, bit for bit.

    Raises RecipeError for a step that the catalog does not have, or settings out of range.
    """
    made = rgb.copy()
    for one in applied:
        made = _apply(made, _checked(one.name, one.settings), one.stream)
    return made


def as_applied(plain: Any) -> list[Applied]:
    """The steps of a record that was read from JSON. Raises RecipeError if it does not have their form."""
    try:
        return [Applied(str(one["name"]), dict(one["settings"]), int(one["stream"])) for one in plain]
    except (TypeError, KeyError, ValueError) as error:
        raise RecipeError("a step of the record has not the keys name, settings and stream") from error


def _apply(rgb: Pixels, settings: Any, seed: int) -> Pixels:
    return distort(rgb, settings, cast(np.random.Generator, _Stream(seed)))


class _Stream:
    """A generator that is made when it is first used: most steps of a chain draw nothing."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __getattr__(self, name: str) -> Any:
        made = self.__dict__["_made"] = self.__dict__.get("_made") or np.random.default_rng(self._seed)
        return getattr(made, name)


def _checked(name: str, settings: Mapping[str, Any]) -> Any:
    """The record of these settings."""
    if name not in DISTORTIONS:
        raise RecipeError(f"{name!r} is not a degradation", did_you_mean(name, DISTORTIONS).strip())
    try:
        return DISTORTIONS[name].settings(**settings)
    except TypeError as error:
        raise RecipeError(f"{name}: {error}") from error


def _concrete(
    step: Step | ResizeBy | Poisson, rgb: Pixels, photo: tuple[int, ...], random: np.random.Generator
) -> tuple[str, Any] | None:
    """The name of the step and the record of its settings, all drawn; None if it changes nothing."""
    match step:
        case Step(name, settings):
            values = {key: _value(one, random) for key, one in settings.items()}
        case Poisson(scale, grey):
            name = "poisson_noise"
            levels = photon_levels(rgb)
            values = {"scale": _value(scale, random), "grey": _value(grey, random), "levels": levels}
        case ResizeBy(factor, kernel, of):
            name = "resize_to"
            by = _value(factor, random)
            height, width = photo if of == "photo" else rgb.shape[:2]
            # Rounded first, because 3 · (1/3) may come out a little under 1.
            height, width = (max(1, int(round(side * by, 6))) for side in (height, width))
            values = {"width": width, "height": height, "kernel": _value(kernel, random)}
            if (height, width) == rgb.shape[:2]:
                return None
    return name, _checked(name, values)


def _value(one: Any, random: np.random.Generator) -> Any:
    return one.draw(random) if isinstance(one, Uniform | Whole | OneOf) else one


def _ends(value: Any) -> tuple[Any, ...]:
    match value:
        case Uniform(low, high) | Whole(low, high):
            return low, high
        case OneOf(values):
            return tuple(end for one in values for end in _ends(one))
        case _:
            return (value,)


def _pick(count: int, weights: tuple[float, ...], random: np.random.Generator) -> int:
    if not weights:
        return int(random.integers(count))
    edges = list(accumulate(weights))
    return min(bisect_right(edges, random.random() * edges[-1]), count - 1)


def _ordered(low: float, high: float) -> None:
    if not low <= high:
        raise RecipeError(f"a range goes from the smaller to the larger number, not from {low:g} to {high:g}")


def _weighted(values: tuple[Any, ...], weights: tuple[float, ...]) -> None:
    if not values:
        raise RecipeError("there must be at least one value to choose from")
    if weights and (len(weights) != len(values) or min(weights) < 0 or sum(weights) <= 0):
        raise RecipeError(
            f"{len(values)} values need as many weights, at least 0 and not all 0, not {list(weights)}"
        )
