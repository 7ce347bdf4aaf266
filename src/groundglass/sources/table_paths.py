"""The file that a table's text names: a path in the style of Linux, Windows or macOS, or a ``file://`` URL."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""The start of a URL; a single letter would be a Windows drive."""
_DRIVE = re.compile(r"(file:///?)?[A-Za-z]:[\\/]")
_HERE = ("", "localhost")


class NamedFile(NamedTuple):
    """The file that a table's text names: its path, size and time, or the reason why there is none."""

    path: bytes
    bytes: int | None = None
    mtime_ns: int | None = None
    error: str | None = None
    detail: str | None = None


def is_remote(text: str) -> bool:
    """Whether it is the URL of something that must be downloaded first.

    >>> is_remote("https://example.org/a.jpg"), is_remote("file:///a.jpg"), is_remote("C://a.jpg")
    (True, False, False)
    """
    return bool(URL.match(text)) and not text.lower().startswith("file:")


def named_file(folder: bytes, text: str | None) -> NamedFile:
    """The file that a table in ``folder`` names. The path as written is tried first.

    If there is no such file, the text is read as a Windows path (``img\\a.jpg``) or a URL (``file:///img/a%20b.jpg``),
    and letters with accents are looked up in both Unicode forms, since macOS uses another one than other systems.
    """
    if not text:
        return NamedFile(folder, error="vanished", detail="the table names no file here")
    if "\0" in text:
        return NamedFile(folder, error="unsafe_name", detail="the name contains a zero byte")
    if is_remote(text):
        return NamedFile(folder, error="unsupported", detail="a URL; groundglass does not download yet")
    path = os.path.join(folder, os.fsencode(text))
    found = _stated(path)
    if found.error != "vanished":
        return found
    for other in _other_readings(text):
        parts = [part for part in other.split(b"/") if part]
        spelled = _spelled(b"/" if other.startswith(b"/") else folder, parts)
        if spelled is not None:
            return _stated(spelled)
    drive = "a path with a Windows drive: write it relative to the table's folder"
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
    """Other meanings of a text that does not name an existing file."""
    url = _of_url(text)
    if url is not None:
        return [url]
    accents = [] if text.isascii() else [os.fsencode(text)]
    return [*accents, os.fsencode(text.replace("\\", "/"))] if "\\" in text else accents


def _of_url(text: str) -> bytes | None:
    """The path of a ``file:`` URL; None if it is not one, or names another machine."""
    if not text.lower().startswith("file:"):
        return None
    try:
        parts = urlsplit(text.replace("\\", "/").replace("?", "%3F").replace("#", "%23"))
    except ValueError:
        return None
    return unquote_to_bytes(parts.path) if parts.netloc.lower() in _HERE else None


def _spelled(folder: bytes, parts: Sequence[bytes]) -> bytes | None:
    """The path below a folder in the disk's spelling, which may use another Unicode form for accents."""
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
