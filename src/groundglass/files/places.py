"""Folders that a recipe or a command names."""

from __future__ import annotations

from pathlib import Path


def place_of(folder: str | Path) -> Path:
    """The folder as an absolute path, taken from the working folder; it need not be there.

    >>> place_of("kept") == Path.cwd() / "kept"
    True
    """
    return Path(folder).expanduser().absolute()


def lies_in(inner: str | Path, outer: str | Path) -> bool:
    """Whether a folder is another one, or lies somewhere below it, links followed.

    >>> lies_in("photos/kept", "photos"), lies_in("photos", "photos/kept"), lies_in("photos2", "photos")
    (True, False, False)
    """
    return place_of(inner).resolve().is_relative_to(place_of(outer).resolve())
