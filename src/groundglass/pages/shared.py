"""The files that all pages load."""

from __future__ import annotations

from importlib.resources import files

SHARED = ("tokens.css", "theme.js")
"""The colours and sizes, and the script that restores the chosen theme before anything is drawn."""


def shared_bytes(name: str) -> bytes:
    """A file of `SHARED`.

    >>> b"--accent" in shared_bytes("tokens.css")
    True
    """
    return files("groundglass.pages").joinpath("static", name).read_bytes()
