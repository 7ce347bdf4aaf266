"""A file as its folder or archive lists it, and the rules that refuse members of archives by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 1 << 30
"""A member that declares more is refused: no image that passes the other limits is that large."""

SUSPICIOUS_BYTES, SUSPICIOUS_RATIO = 64 << 20, 100
"""A member that is this large and was compressed this much is a zip bomb, or a blank scan."""


@dataclass(frozen=True)
class Member:
    """A file in a folder or an archive, or the reason why it, or the rest of the archive, cannot be read.

    name      below the folder or in the archive, with ``/``; empty for the archive itself
    locator   the place of its bytes; the archive's path if it has none
    detail    details of the error; for an archive without an error, a remark for people
    mtime_ns  modification time of the file, or of the archive that holds it
    """

    name: str
    locator: bytes
    size: int | None = None
    error: str | None = None
    detail: str | None = None
    mtime_ns: int | None = None


def clean(name: str) -> str:
    """A member's name without ``./``; bytes that are not UTF-8 are shown as \\xNN.

    >>> clean("./a/./b.jpg"), clean("../b")
    ('a/b.jpg', '../b')
    """
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return re.sub(r"(^|(?<=/))\./+", "", shown)


def unsafe(name: str) -> str | None:
    """The reason to refuse a name, or None. Nothing is unpacked here, but such a name was made to do harm.

    >>> unsafe("a/b.jpg"), unsafe("a/../../b"), unsafe("C:/b")
    (None, "the name contains '..'", 'the name begins with a drive letter')
    """
    if not name.strip("/"):
        return "the name is empty"
    if name.startswith("/"):
        return "the name is an absolute path"
    if re.match(r"[A-Za-z]:", name):
        return "the name begins with a drive letter"
    if "\\" in name:
        return "the name contains a backslash"
    if any(ord(letter) < 32 for letter in name):
        return "the name contains a control character"
    return "the name contains '..'" if ".." in name.split("/") else None


def too_large(packed: int, size: int) -> str | None:
    """The reason why a member of this declared size is not unpacked, or None."""
    if size > MOST_BYTES:
        return f"declares {size:,} bytes, limit {MOST_BYTES:,}"
    if size > SUSPICIOUS_BYTES and size > packed * SUSPICIOUS_RATIO:
        return f"declares that {packed:,} bytes unpack to {size:,}"
    return None


def free_path(path: Path) -> Path:
    """The path, or a similar one if something exists there: a command in a hint must not overwrite anything."""
    count, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{count}{path.suffix}")
        count += 1
    return free
