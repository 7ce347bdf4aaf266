"""The licences that a release may contain: none that is unknown unless allowed, and none that forbids derivatives."""

from __future__ import annotations

import re
from collections.abc import Mapping

from groundglass.errors import RecipeError

_NO_DERIVATIVES = re.compile(r"(^|[-_ ])ND([-_ ]|$)", re.IGNORECASE)


def unknown_licences(licences: Mapping[str, str | None]) -> list[str]:
    """The sources without a stated licence, by name.

    >>> unknown_licences({"photos": "CC0-1.0", "frames": None, "web": " "})
    ['frames', 'web']
    """
    return [source for source, licence in licences.items() if not (licence or "").strip()]


def forbidden_licences(licences: Mapping[str, str | None]) -> list[str]:
    """The sources with a licence that forbids derivatives (ND), by name: no tile or LR may be passed on.

    >>> forbidden_licences({"a": "CC-BY-4.0", "b": "CC-BY-NC-ND-4.0", "c": None})
    ['b']
    """
    return [source for source, licence in licences.items() if _NO_DERIVATIVES.search(licence or "")]


def check_licences(licences: Mapping[str, str | None], allow_unknown: bool = False) -> None:
    """Refuse a release if its sources do not allow it.

    ``licences`` is {source name: SPDX id or None}.

    Raises RecipeError if a licence forbids derivatives, or is unknown while ``allow_unknown`` is false.

    >>> check_licences({"photos": None}, allow_unknown=True)
    >>> check_licences({"photos": "CC-BY-ND-4.0"})
    Traceback (most recent call last):
    groundglass.errors.RecipeError: the licence CC-BY-ND-4.0 of photos forbids derivatives
    """
    forbidden = forbidden_licences(licences)
    if forbidden:
        raise RecipeError(
            f"the licence {licences[forbidden[0]]} of {', '.join(forbidden)} forbids derivatives",
            "leave these sources out of the release; tiles, scales and LR images are derivatives",
        )
    unknown = unknown_licences(licences)
    if unknown and not allow_unknown:
        raise RecipeError(
            f"the licence of {', '.join(unknown)} is unknown",
            "state it (source: {folder: …, licence: CC-BY-4.0}), or write allow_unknown_licence: true",
        )
