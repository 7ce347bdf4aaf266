"""A file as its folder or archive lists it, and which members of archives are refused by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 1 << 30
"""A member that declares more is refused: no picture that passes the other limits is that large."""

SUSPICIOUS_BYTES, SUSPICIOUS_RATIO = 64 << 20, 100
"""A member that is this large and this much packed is a zip bomb, or empty paper."""


@dataclass(frozen=True)
class Member:
    """A file in a folder or an archive, or the reason why it, or what follows it, cannot be read.

    name      below the folder or in the archive, with ``/``; empty for the archive itself
    locator   where its bytes lie; the archive's path where it has none
    detail    more of the error; of an archive without an error, a remark for people
    mtime_ns  when the file, or the archive that holds it, was last changed
    """

    name: str
    locator: bytes
    size: int | None = None
    error: str | None = None
    detail: str | None = None
    mtime_ns: int | None = None


def clean(name: str) -> str:
    """A member's name without ``./``; bytes that are not text are shown as \\xNN.

    >>> clean("./a/./b.jpg"), clean("../b")
    ('a/b.jpg', '../b')
    """
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return re.sub(r"(^|(?<=/))\./+", "", shown)


def unsafe(name: str) -> str | None:
    """Why a name is refused, or None. Nothing is unpacked here, but who made such a name meant harm.

    >>> unsafe("a/b.jpg"), unsafe("a/../../b"), unsafe("C:/b")
    (None, "the name holds '..'", 'the name begins with a drive letter')
    """
    if not name.strip("/"):
        return "there is no name"
    if name.startswith("/"):
        return "the name is an absolute path"
    if re.match(r"[A-Za-z]:", name):
        return "the name begins with a drive letter"
    if "\\" in name:
        return "the name holds a backslash"
    if any(ord(letter) < 32 for letter in name):
        return "the name holds a control character"
    return "the name holds '..'" if ".." in name.split("/") else None


def too_large(packed: int, size: int) -> str | None:
    """Why a member of this declared size is not unpacked, or None."""
    if size > MOST_BYTES:
        return f"declares {size:,} bytes, limit {MOST_BYTES:,}"
    if size > SUSPICIOUS_BYTES and size > packed * SUSPICIOUS_RATIO:
        return f"{packed:,} bytes declare to become {size:,}"
    return None


def free_path(path: Path) -> Path:
    """The path, or one like it where something lies there already: what a hint names overwrites nothing."""
    count, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{count}{path.suffix}")
        count += 1
    return free
