"""Chains as plain data, as a recipe and a record write them, and back.

    [{gaussian_blur: {sigma: [0.2, 3.0]}},                       a range: any number between, or whole numbers
     {maybe: 0.5, do: [{jpeg: {quality: [30, 95]}}]},            with a probability
     {choose: [{webp: {quality: 60}}, {jpeg: {quality: 80}}], weights: [1, 3]},   one of these; null changes nothing
     {resize_by: {factor: 0.25, kernel: {one_of: [area, bicubic]}, of: photo}},
     {poisson: {scale: [0.05, 3.0], grey: false}}]

A list in the place of a step is a chain. A setting is a value, a range [low, high], {from, to, every}, or
{one_of, weights}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from groundglass.degradations.catalog import DISTORTIONS
from groundglass.degradations.chains import (
    Chain,
    Choose,
    Maybe,
    OneOf,
    Poisson,
    ResizeBy,
    Step,
    Uniform,
    Whole,
)
from groundglass.errors import RecipeError
from groundglass.text.suggest import did_you_mean

Path = tuple[str | int, ...]
"""The keys and numbers that lead to a place in the plain data."""


class ChainError(RecipeError):
    """A plain chain that has no meaning; ``path`` leads to the place in it."""

    def __init__(self, path: Path, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.path = path


def read_chain(plain: Any) -> Chain:
    """The chain that plain data describes. Raises ChainError with the place of the first fault.

    >>> read_chain([{"jpeg": {"quality": [30, 95]}}]).parts[0].settings
    {'quality': Whole(low=30, high=95, step=1)}
    """
    if not isinstance(plain, list | tuple) or not plain:
        raise ChainError((), "a chain is a list of at least one degradation", "- jpeg: {quality: [30, 95]}")
    return Chain(tuple(_part(one, (number,)) for number, one in enumerate(plain)))


def plain_chain(part: Any) -> list[Any]:
    """The plain data of a chain: `read_chain` makes an equal chain of it.

    >>> plain_chain(Chain((Step("jpeg", {"quality": Whole(30, 95)}),)))
    [{'jpeg': {'quality': [30, 95]}}]
    """
    return [_plain(one) for one in part.parts] if isinstance(part, Chain) else [_plain(part)]


def resizes(part: Any) -> bool:
    """Whether any part of a chain may change an image's size."""
    match part:
        case Chain(parts) | Choose(parts):
            return any(resizes(one) for one in parts)
        case Maybe(_, inner):
            return resizes(inner)
        case Step(name):
            return name in ("resize_to", "scale", "crop")
        case _:
            return isinstance(part, ResizeBy)


def _part(plain: Any, path: Path) -> Any:
    if plain is None:
        return None
    if isinstance(plain, str):
        plain = {plain: {}}
    if isinstance(plain, list | tuple):
        return Chain(tuple(_part(one, (*path, number)) for number, one in enumerate(plain)))
    if not isinstance(plain, Mapping) or not plain:
        raise ChainError(path, f"{plain!r} is not a degradation", "write for example `jpeg: {quality: 60}`")
    for word, read in _WORDS.items():
        if word in plain:
            return read(plain, path)
    name, *more = map(str, plain)
    if more:
        raise ChainError(
            (*path, more[0]), f"`{name}` and `{more[0]}` are two steps", "begin each with a dash"
        )
    if name not in DISTORTIONS:
        hint = did_you_mean(name, [*DISTORTIONS, *_WORDS]).strip()
        raise ChainError((*path, name), f"there is no degradation '{name}'", hint)
    settings = _settings(plain[name], (*path, name))
    types = _types(name)
    for key in settings:
        if key not in types:
            hint = did_you_mean(key, types).strip() or f"it has {', '.join(types) or 'no settings'}"
            raise ChainError((*path, name, key), f"{name} has no setting '{key}'", hint)
    drawn = {key: _value(value, types[key], (*path, name, key)) for key, value in settings.items()}
    return _made(lambda: Step(name, drawn), (*path, name))


def _types(name: str) -> dict[str, str]:
    """The settings of a degradation and their types, as its record writes them."""
    return {field.name: str(field.type) for field in fields(DISTORTIONS[name].settings)}


def _maybe(plain: Mapping[str, Any], path: Path) -> Maybe:
    _only(plain, ("maybe", "do"), path)
    return _made(lambda: Maybe(float(plain["maybe"]), _part(plain["do"], (*path, "do"))), (*path, "maybe"))


def _choose(plain: Mapping[str, Any], path: Path) -> Choose:
    _only(plain, ("choose", "weights"), path, needed=1)
    parts = plain["choose"]
    if not isinstance(parts, list | tuple):
        raise ChainError((*path, "choose"), "`choose` is a list of degradations")
    made = tuple(_part(one, (*path, "choose", number)) for number, one in enumerate(parts))
    return _made(lambda: Choose(made, _weights(plain)), (*path, "choose"))


def _resize_by(plain: Mapping[str, Any], path: Path) -> ResizeBy:
    _only(plain, ("resize_by",), path)
    path = (*path, "resize_by")
    given = _settings(plain["resize_by"], path)
    _only(given, ("factor", "kernel", "of"), path, needed=2)
    factor = _value(given["factor"], "float", (*path, "factor"))
    kernel = _value(given["kernel"], "str", (*path, "kernel"))
    of = given.get("of", "current")
    if of not in ("current", "photo"):
        raise ChainError((*path, "of"), f"`of` is current or photo, not {of!r}")
    return _made(lambda: ResizeBy(factor, kernel, of), path)


def _poisson(plain: Mapping[str, Any], path: Path) -> Poisson:
    _only(plain, ("poisson",), path)
    path = (*path, "poisson")
    given = _settings(plain["poisson"], path)
    _only(given, ("scale", "grey"), path, needed=1)
    scale = _value(given["scale"], "float", (*path, "scale"))
    return _made(lambda: Poisson(scale, _value(given.get("grey", False), "bool", (*path, "grey"))), path)


_WORDS: Mapping[str, Callable[[Mapping[str, Any], Path], Any]] = {
    "maybe": _maybe,
    "choose": _choose,
    "resize_by": _resize_by,
    "poisson": _poisson,
}


def _settings(plain: Any, path: Path) -> Mapping[str, Any]:
    if plain is None:
        return {}
    if not isinstance(plain, Mapping):
        raise ChainError(path, f"the settings of {path[-1]} are `name: value`, not {plain!r}")
    return plain


def _only(plain: Mapping[str, Any], keys: Sequence[str], path: Path, needed: int | None = None) -> None:
    """Refuse other keys, and missing ones of the first ``needed`` (all)."""
    for key in plain:
        if key not in keys:
            raise ChainError(
                (*path, key), f"{keys[0]} has no key '{key}'", did_you_mean(str(key), keys).strip()
            )
    for key in keys[: len(keys) if needed is None else needed]:
        if key not in plain:
            of = keys[0] if keys[0] in plain and keys[0] != key else path[-1]
            raise ChainError(path, f"`{of}` needs `{key}`")


def _value(value: Any, kind: str, path: Path) -> Any:
    """A setting: a value, or how it is drawn. ``kind`` is the type of the setting as its record writes it."""
    whole = kind.startswith("int")
    if isinstance(value, list | tuple):
        if len(value) != 2 or not all(_is_number(end) for end in value):
            say = f"{path[-1]}: a range has two numbers, not {list(value)}"
            raise ChainError(path, say, "write [low, high], or {one_of: [a, b, c]}")
        return _made(lambda: _range(value[0], value[1], whole), path)
    if isinstance(value, Mapping):
        if "one_of" in value:
            _only(value, ("one_of", "weights"), path, needed=1)
            values = tuple(_value(one, kind, path) for one in value["one_of"])
            return _made(lambda: OneOf(values, _weights(value)), path)
        _only(value, ("from", "to", "every"), path, needed=2)
        return _made(lambda: Whole(value["from"], value["to"], value.get("every", 1)), path)
    return float(value) if kind.startswith("float") and _is_number(value) else value


def _range(low: Any, high: Any, whole: bool) -> Uniform | Whole:
    if whole and all(isinstance(end, int) for end in (low, high)):
        return Whole(low, high)
    return Uniform(float(low), float(high))


def _weights(plain: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(float(weight) for weight in plain.get("weights") or ())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _made(make: Callable[[], Any], path: Path) -> Any:
    try:
        return make()
    except ChainError:
        raise
    except RecipeError as error:
        raise ChainError(path, error.message, error.hint) from error
    except (TypeError, ValueError) as error:
        raise ChainError(path, str(error)) from error


def _plain(part: Any) -> Any:
    match part:
        case None:
            return None
        case Chain(parts):
            return [_plain(one) for one in parts]
        case Maybe(probability, inner):
            return {"maybe": probability, "do": _plain(inner)}
        case Choose(parts, weights):
            return {"choose": [_plain(one) for one in parts]} | _plain_weights(weights)
        case ResizeBy(factor, kernel, of):
            return {"resize_by": {"factor": _plain_value(factor), "kernel": _plain_value(kernel), "of": of}}
        case Poisson(scale, grey):
            return {"poisson": {"scale": _plain_value(scale), "grey": _plain_value(grey)}}
        case Step(name, settings):
            types = _types(name)
            return {name: {key: _plain_value(value, types[key]) for key, value in settings.items()}}
        case _:
            raise TypeError(f"{type(part).__name__} is not a part of a chain")


def _plain_value(value: Any, kind: str = "float") -> Any:
    match value:
        case Uniform(low, high):
            return [low, high]
        case Whole(low, high, 1) if kind.startswith("int"):
            return [low, high]
        case Whole(low, high, step):
            return {"from": low, "to": high, "every": step}
        case OneOf(values, weights):
            return {"one_of": [_plain_value(one, kind) for one in values]} | _plain_weights(weights)
        case _:
            return value


def _plain_weights(weights: tuple[float, ...]) -> dict[str, Any]:
    return {"weights": list(weights)} if weights else {}
