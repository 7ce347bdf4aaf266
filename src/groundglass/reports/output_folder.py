"""Where a page may be written: an empty place, or one that holds a page of ours."""

from __future__ import annotations

from pathlib import Path

from groundglass.errors import RecipeError

MARK = b'<meta name="generator" content="groundglass">'
"""What every page of ours has near its beginning."""


def check_folder(folder: Path) -> Path:
    """The folder, when a page may be written into it. Raises RecipeError when something else is there."""
    if folder.is_dir() and any(folder.iterdir()) and not _ours(folder / "index.html"):
        raise _taken(folder)
    if folder.exists() and not folder.is_dir():
        raise _taken(folder)
    return folder


def check_file(path: Path) -> Path:
    """The path, when a page may be written to it. Raises RecipeError when something else is there."""
    if path.is_dir() or (path.exists() and not _ours(path)):
        raise _taken(path)
    return path


def _taken(path: Path) -> RecipeError:
    return RecipeError(
        f"{path} is there already and is no report of groundglass",
        "nothing is overwritten: name another place with -o",
    )


def _ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK in file.read(2000)
    except OSError:
        return False
