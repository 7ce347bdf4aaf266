"""The JSON objects in the body of a reply: usually one; several if a server streams without being asked."""

from __future__ import annotations

import re
from typing import Any

from groundglass.calls.foreign import DoubledKey, decoder, load_json

UNPAID = (b"", b"<")
"""A body that begins so comes from something between here and the model: it is empty, or an HTML page."""
_EVENT = re.compile(rb"\A\s*(data|event|id|retry)?:")
_GAP = re.compile(r"\s*")


def pieces_of(body: bytes) -> list[dict[str, Any]]:
    """The objects of a body in order, without direct repeats; none if it holds only other values.

    They are read from one object, a list, objects one after the other, or server-sent events.
    Raises ValueError if it is not JSON, and DoubledKey.

    >>> pieces_of(b'data: {"a": 1}\\n\\ndata: {"b": 2}\\n\\ndata: [DONE]\\n\\n')
    [{'a': 1}, {'b': 2}]
    >>> pieces_of(b'{"a": 1}\\n{"a": 1}'), pieces_of(b"null")
    ([{'a': 1}], [])
    """
    found = _events(body) if _EVENT.match(body) else _values(body)
    pieces: list[dict[str, Any]] = []
    for one in found:
        if isinstance(one, dict) and (not pieces or one != pieces[-1]):
            pieces.append(one)
    return pieces


def _events(body: bytes) -> list[Any]:
    """The data of server-sent events; the lines of one event form one text."""
    found: list[Any] = []
    for event in re.split(r"\r?\n\r?\n", body.decode()):
        lines = [line[5:].strip() for line in event.splitlines() if line.startswith("data:")]
        text = "\n".join(lines)
        if text and text != "[DONE]":
            found.append(load_json(text))
    return found


def _values(body: bytes) -> list[Any]:
    try:
        whole = load_json(body)
    except DoubledKey:
        raise
    except ValueError as error:
        return _one_after_the_other(body, error)
    return whole if isinstance(whole, list) else [whole]


def _one_after_the_other(body: bytes, fault: ValueError) -> list[Any]:
    text, found, at = body.decode().strip(), [], 0
    if not text:
        raise fault
    while at < len(text):
        try:
            one, at = decoder().raw_decode(text, at)
        except RecursionError:
            raise fault from None
        found.append(one)
        gap = _GAP.match(text, at)
        at = gap.end() if gap else at
    return found
