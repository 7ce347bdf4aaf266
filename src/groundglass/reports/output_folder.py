"""Checks the place of a page: it must be empty, or hold a page of groundglass."""

from __future__ import annotations

from pathlib import Path

from groundglass.errors import RecipeError

MARK = b'<meta name="generator" content="groundglass">'
"""Every page of groundglass has this near its beginning."""


def check_folder(folder: Path) -> Path:
    """The folder, if a page may be written into it. Raises RecipeError if something else is there."""
    if folder.is_dir() and any(folder.iterdir()) and not _ours(folder / "index.html"):
        raise _taken(folder)
    if folder.exists() and not folder.is_dir():
        raise _taken(folder)
    return folder


def check_file(path: Path, option: str = "-o") -> Path:
    """The path, if a page may be written to it. Raises RecipeError if something else is there.

    ``option`` is the one that names another place.
    """
    if path.is_dir() or (path.exists() and not _ours(path)):
        raise _taken(path, option)
    return path


def _taken(path: Path, option: str = "-o") -> RecipeError:
    return RecipeError(
        f"{path} exists and is not a report of groundglass",
        f"nothing is overwritten: give another place with {option}",
    )


def _ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK in file.read(2000)
    except OSError:
        return False
