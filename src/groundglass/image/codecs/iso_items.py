"""The places of the coded images in an AVIF or HEIC file (ISO/IEC 14496-12, boxes `iinf` and `iloc`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

CODED = (b"av01", b"hvc1", b"avc1")
_IN_FILE, _IN_IDAT = 0, 1
_MOST_ITEMS = 1 << 16


@dataclass(frozen=True)
class Item:
    """A coded image, a tile of one, or its alpha. ``extents``: (start, end) in the file, in their order."""

    kind: bytes
    extents: tuple[tuple[int, int], ...]


def coded_items(data: bytes) -> list[Item]:
    """All coded items with a place stated in a way that is read here; [] where the file's boxes make no sense."""
    try:
        return list(_items(data))
    except (IndexError, ValueError):
        return []


def _items(data: bytes) -> Iterator[Item]:
    meta = next(((start, end) for kind, start, end in _boxes(data, 0, len(data)) if kind == b"meta"), None)
    if meta is None:
        return
    inner = {kind: (start, end) for kind, start, end in _boxes(data, meta[0] + 4, meta[1])}
    if b"iinf" not in inner or b"iloc" not in inner:
        return
    kinds = _kinds(data, *inner[b"iinf"])
    idat = inner.get(b"idat", (0, 0))[0]
    for name, extents in _places(data, *inner[b"iloc"], idat):
        if kinds.get(name) in CODED:
            yield Item(kinds[name], extents)


def _boxes(data: bytes, at: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start of payload, end) of the boxes between two places."""
    while at + 8 <= stop:
        length, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif length == 0:  # to the end
            length = stop - at
        if length < head:
            return
        yield kind, at + head, min(at + length, stop)
        at += length


def _kinds(data: bytes, start: int, stop: int) -> dict[int, bytes]:
    count_size = 2 if data[start] == 0 else 4
    found: dict[int, bytes] = {}
    for kind, at, _ in _boxes(data, start + 4 + count_size, stop):
        if kind == b"infe" and data[at] >= 2:
            size = 2 if data[at] == 2 else 4
            name = int.from_bytes(data[at + 4 : at + 4 + size], "big")
            found[name] = data[at + 6 + size : at + 10 + size]
    return found


class _Numbers:
    """Takes big-endian numbers from a box."""

    def __init__(self, data: bytes, at: int, stop: int) -> None:
        self._data, self._at, self._stop = data, at, stop

    def take(self, size: int) -> int:
        if self._at + size > self._stop:
            raise ValueError("the box ends early")
        self._at += size
        return int.from_bytes(self._data[self._at - size : self._at], "big")


def _places(
    data: bytes, start: int, stop: int, idat: int
) -> Iterator[tuple[int, tuple[tuple[int, int], ...]]]:
    """Each item's number and extents; items stored in other files or in other items are skipped."""
    numbers = _Numbers(data, start, stop)
    version = numbers.take(1)
    numbers.take(3)
    sizes = numbers.take(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version in (1, 2) else 0
    # Bounded, since a damaged file may state billions of items.
    for _ in range(min(numbers.take(2 if version < 2 else 4), _MOST_ITEMS)):
        name = numbers.take(2 if version < 2 else 4)
        method = numbers.take(2) & 15 if version in (1, 2) else _IN_FILE
        elsewhere = numbers.take(2)
        base = numbers.take(base_size) + (idat if method == _IN_IDAT else 0)
        extents: list[tuple[int, int]] = []
        for _ in range(numbers.take(2)):
            numbers.take(index_size)
            at = base + numbers.take(offset_size)
            extents.append((at, min(at + (numbers.take(length_size) or len(data)), len(data))))
        if method in (_IN_FILE, _IN_IDAT) and not elsewhere:
            yield name, tuple(extents)
