"""The extras that a chain needs, so that a missing one stops the work before its first image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundglass.degradations.catalog import DISTORTIONS
from groundglass.degradations.chains import Applied, Chain, Choose, Maybe, Step
from groundglass.errors import MissingExtra
from groundglass.extras import is_installed


def check_installed(part: Any) -> None:
    """Raise MissingExtra if any step of a part needs an extra that is not installed.

    part   of a chain, or a list of applied steps

    >>> check_installed(Step("gaussian_blur", {"sigma": 2}))
    """
    for name, extra in extras_of(part).items():
        if not is_installed(extra):
            raise MissingExtra(f"the degradation '{name}'", extra)


def extras_of(part: Any) -> dict[str, str]:
    """The extra of each degradation of a part that needs one.

    >>> extras_of([Applied("video", {}, 0), Applied("jpeg", {}, 0)])
    {'video': 'video'}
    """
    names = (name for name in _names(part) if name in DISTORTIONS)
    return {name: extra for name in names if (extra := DISTORTIONS[name].extra)}


def _names(part: Any) -> Iterator[str]:
    match part:
        case Step(name) | Applied(name):
            yield name
        case Chain(parts) | Choose(parts) | [*parts]:
            for one in parts:
                yield from _names(one)
        case Maybe(_, inner):
            yield from _names(inner)
        case _:
            return
