"""The file that a locator points to, and whether it is still the same file."""

from __future__ import annotations

import os

INSIDE = b"\0"


def file_of(locator: bytes) -> bytes:
    """The path of the file that holds the bytes.

    >>> file_of(b"/a.jpg"), file_of(b"/a.tar\\0part 00000000000512 3")
    (b'/a.jpg', b'/a.tar')
    """
    return locator.partition(INSIDE)[0]


def identity_of(path: bytes) -> tuple[int, ...]:
    """Distinguishes a file from one that replaced it under the same name."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
