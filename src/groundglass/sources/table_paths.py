"""The file that a table's text names: a path, as Linux, Windows or macOS writes it, or a ``file://`` URL."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""How a URL begins; a single letter is a drive of Windows."""
_DRIVE = re.compile(r"(file:///?)?[A-Za-z]:[\\/]")
_HERE = ("", "localhost")


class NamedFile(NamedTuple):
    """What a table's text names: the path, its size and time, or why there is none."""

    path: bytes
    bytes: int | None = None
    mtime_ns: int | None = None
    error: str | None = None
    detail: str | None = None


def is_remote(text: str) -> bool:
    """Whether it is a URL of something that first has to be fetched.

    >>> is_remote("https://example.org/a.jpg"), is_remote("file:///a.jpg"), is_remote("C://a.jpg")
    (True, False, False)
    """
    return bool(URL.match(text)) and not text.lower().startswith("file:")


def named_file(folder: bytes, text: str | None) -> NamedFile:
    """The file that a table in ``folder`` names. The path as it is written comes first.

    Where there is no such file, the text is read as Windows (``img\\a.jpg``) or a URL (``file:///img/a%20b.jpg``)
    writes it, and letters with accents are looked for in both of Unicode's spellings, as macOS writes the other one.
    """
    if not text:
        return NamedFile(folder, error="vanished", detail="the table names no file here")
    if "\0" in text:
        return NamedFile(folder, error="unsafe_name", detail="the name holds a zero byte")
    if is_remote(text):
        return NamedFile(folder, error="unsupported", detail="a URL; downloading comes in a later version")
    path = os.path.join(folder, os.fsencode(text))
    found = _stated(path)
    if found.error != "vanished":
        return found
    for other in _other_readings(text):
        parts = [part for part in other.split(b"/") if part]
        spelled = _spelled(b"/" if other.startswith(b"/") else folder, parts)
        if spelled is not None:
            return _stated(spelled)
    drive = "a path with a drive of Windows: write it from the table's folder"
    return found._replace(detail=drive) if _DRIVE.match(text) else found


def _stated(path: bytes) -> NamedFile:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return NamedFile(path, error="vanished", detail="there is no such file")
    except OSError as error:
        return NamedFile(path, error="unreadable", detail=error.strerror)
    if not stat.S_ISREG(found.st_mode):
        return NamedFile(path, error="not_an_image", detail="not a regular file")
    return NamedFile(path, found.st_size, found.st_mtime_ns)


def _other_readings(text: str) -> list[bytes]:
    """What else a text can mean, that is not the name of a file as it stands."""
    url = _of_url(text)
    if url is not None:
        return [url]
    accents = [] if text.isascii() else [os.fsencode(text)]
    return [*accents, os.fsencode(text.replace("\\", "/"))] if "\\" in text else accents


def _of_url(text: str) -> bytes | None:
    """The path of a ``file:`` URL; None where it is none, or of another machine."""
    if not text.lower().startswith("file:"):
        return None
    try:
        parts = urlsplit(text.replace("\\", "/").replace("?", "%3F").replace("#", "%23"))
    except ValueError:
        return None
    return unquote_to_bytes(parts.path) if parts.netloc.lower() in _HERE else None


def _spelled(folder: bytes, parts: Sequence[bytes]) -> bytes | None:
    """The path below a folder as the disk has it, where accents may be put together in another way."""
    if not parts:
        return folder
    text = os.fsdecode(parts[0])
    forms = () if text.isascii() else ("NFC", "NFD")
    names = [parts[0], *(os.fsencode(unicodedata.normalize(form, text)) for form in forms)]
    for path in (os.path.join(folder, name) for name in names):
        found = _spelled(path, parts[1:]) if b"\0" not in path and os.path.lexists(path) else None
        if found is not None:
            return found
    return None
