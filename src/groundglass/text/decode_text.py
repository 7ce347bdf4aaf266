"""Decodes text files: the encodings that occur in people's captions and tables."""

from __future__ import annotations

import re
from typing import NamedTuple

WINDOWS = "cp1252"
"""The codec for text that is neither UTF-8 nor UTF-16: a guess, which should be reported to the user."""
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
"""Byte order marks and their codecs. UTF-32 is first, because its mark begins like UTF-16's."""
_OF_UTF_16 = 0.4
"""A text without a mark is UTF-16 if more than this share of every second byte is zero."""
_HIGH = re.compile(rb"[\x80-\xff]")
_LETTERS = re.compile(rb"[A-Za-z\x80-\xff]")


class Text(NamedTuple):
    """A text, and its codec: ``utf-8``, ``utf-8-sig``, ``utf-16…``, ``utf-32`` or `WINDOWS` (a guess)."""

    text: str
    encoding: str


def decode_text(data: bytes) -> Text:
    """A text file's content without byte order marks.

    Raises ValueError if it is not text, or if its encoding cannot be detected.

    >>> decode_text(b"\\xef\\xbb\\xbfcaf\\xc3\\xa9").text, decode_text(b"a fine caf\\xe9")
    ('café', Text(text='a fine café', encoding='cp1252'))
    >>> decode_text("a cat".encode("utf-16")).text
    'a cat'
    """
    encoding = encoding_of(data)
    try:
        return Text(data.decode(encoding).lstrip("\ufeff"), encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"it begins as {_in_words(encoding)}, but later bytes are not valid in it"
        ) from error


def encoding_of(data: bytes) -> str:
    """The codec for a whole file's bytes: by its mark; UTF-8 if it is valid; UTF-16 by its zero bytes; else `WINDOWS`.

    A text with mostly non-ASCII letters is not accepted as Windows-1252: it is probably Cyrillic, Chinese or Japanese,
    and would become nonsense. Raises ValueError for it, and for data that is not text.

    >>> [encoding_of(data) for data in (b"a", b"\\xff\\xfea\\0", b"a\\0b\\0", b"\\0a\\0b", b"a fine caf\\xe9")]
    ['utf-8', 'utf-16', 'utf-16-le', 'utf-16-be', 'cp1252']
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if b"\0" in data:
        half = len(data) / 2
        for encoding, zeros in (("utf-16-le", data[1::2].count(0)), ("utf-16-be", data[::2].count(0))):
            if zeros > _OF_UTF_16 * half:
                return encoding
        raise ValueError("it holds zero bytes, so it is not text")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _windows(data)
    return "utf-8"


def _windows(data: bytes) -> str:
    try:
        # Five byte values are undefined in it, so some files are refused here already.
        data.decode(WINDOWS)
    except UnicodeDecodeError as error:
        raise ValueError("it is neither UTF-8, UTF-16 nor Windows-1252") from error
    if 2 * len(_HIGH.findall(data)) > len(_LETTERS.findall(data)):
        raise ValueError("it is not UTF-8, and most of its letters would be accented in Windows-1252")
    return WINDOWS


def _in_words(encoding: str) -> str:
    return encoding.upper().removesuffix("-SIG")
