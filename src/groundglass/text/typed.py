"""Programs as a user types them: by name if the shell finds them, else by a short path."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


def as_typed(program: str | Path, links: bool = False) -> str:
    """A program as it can be typed here: its name if the shell finds the same program by it, else its path.

    With ``links``, a link to the program counts as the program. (Not for Python: an environment's is often a link to
    another's.) The path is relative if the program is below the working folder, and quoted for a shell.

    >>> as_typed("/no/such folder/tool")
    "'/no/such folder/tool'"
    """
    path = _absolute(program)
    found = shutil.which(path.name)
    if found is not None and (
        _absolute(found) == path or (links and Path(found).resolve() == path.resolve())
    ):
        return path.name
    return shlex.quote(short_path(path))


def _absolute(path: str | Path) -> Path:
    """The path without `..`; links are not followed."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - pathlib either keeps `..` or follows links


def short_path(path: Path) -> str:
    """An absolute path as it is shown: relative if it is below the working folder.

    >>> short_path(Path.cwd() / "photos/a.jpg"), short_path(Path("/a.jpg")), short_path(Path.cwd())
    ('photos/a.jpg', '/a.jpg', '.')
    """
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def python() -> str:
    """This Python as it can be typed: `python3`, or `.venv/bin/python`."""
    names = ("python", "python3")
    beside = [Path(sys.executable).with_name(name) for name in names]
    known = [as_typed(path) for path in beside if path.exists()]
    return next((word for word in known if word in names), as_typed(sys.executable))
