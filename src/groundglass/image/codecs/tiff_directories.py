"""The directory of a TIFF that holds the image, and its declarations about the samples.

Pillow reads the directories. Previews and masks are skipped, camera raw is named and refused.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groundglass.errors import ImageError
from groundglass.image.codecs import pillow
from groundglass.image.codecs.tiff_declared import MASK, NONE, WEBP, TiffImage, declared, one, words_of
from groundglass.libraries import TiffImagePlugin

_CFA, _LINEAR_RAW = 32803, 34892
_RAW_COMPRESSIONS = (32767, 32769, 32770, 32867, 34713, 65000, 65535)
_MAKERS = {
    "NIKON": "Nikon NEF",
    "SONY": "Sony ARW",
    "PENTAX": "Pentax PEF",
    "RICOH": "Pentax PEF",
    "SAMSUNG": "Samsung SRW",
    "HASSELBLAD": "Hasselblad 3FR",
    "PHASE ONE": "Phase One IIQ",
    "LEAF": "Leaf MOS",
    "SEIKO EPSON": "Epson ERF",
    "EASTMAN KODAK": "Kodak DCR",
    "KODAK": "Kodak DCR",
}
Found = tuple[int, Any]
"""A directory: its offset and its tags, as Pillow reads them."""
_MOST_DIRECTORIES = 4096


@dataclass(frozen=True)
class TiffFile:
    """A TIFF and the directory of its image.

    image     what the directory declares, where its samples are read by `tiff_samples`; None: Pillow reads it
    data      the file's bytes, with that directory as the first
    tags      all that the directory says, as Pillow reads it
    frames    full images or pages in the file
    words     text for people: "RGB of 16 bits in LZW compression"
    """

    image: TiffImage | None
    data: bytes
    tags: Any
    frames: int
    words: str


def read_tiff(data: bytes) -> TiffFile:
    """Find the image of a TIFF: the first that is full, else the largest.

    Raises ImageError: ``unsupported`` for camera raw, for a preview alone, and for compressions without a decoder here.
    """
    with pillow.as_image_errors():
        chain = list(_chain(data))
        if not chain or _area(chain[0][1]) == 0:  # Pillow reports what is wrong with it
            return TiffFile(None, data, {}, 1, "")
        inside = [found for _, tags in chain for found in _sub_directories(data, tags)]
        _refuse_camera_raw(data, [tags for _, tags in (*chain, *inside)])
        offset, tags, frames = _chosen(chain, inside)
        words = words_of(tags)
        compression = int(one(tags, 259, NONE))
        if compression == WEBP or compression not in TiffImagePlugin.COMPRESSION_INFO:
            raise ImageError("unsupported", f"a TIFF of {words}")
        image = declared(offset, tags, "<" if data[:2] == b"II" else ">", frames)
    # Pillow and libtiff decode the first directory of a file.
    first = data if offset == chain[0][0] else _with_first(data, offset)
    return TiffFile(image, first, tags, frames, words)


def _chain(data: bytes) -> Iterator[Found]:
    """The directories that follow each other, as (offset, tags)."""
    offset = _first_offset(data)
    seen: set[int] = set()
    while offset and offset not in seen and offset + 2 <= len(data) and len(seen) < _MOST_DIRECTORIES:
        seen.add(offset)
        tags = _directory(data, offset)
        yield offset, tags
        offset = tags.next


def _directory(data: bytes, offset: int) -> Any:
    """A directory's tags. Those that cannot be read are left out."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if _is_big(data) else 8])
    stream = io.BytesIO(data)
    stream.seek(offset)
    try:
        tags.load(stream)
    except struct.error:  # ends inside the directory: the tags before the end count
        tags.next = 0
    return tags


def _sub_directories(data: bytes, tags: Any) -> Iterator[Found]:
    offsets = tags.get(330, ())
    for offset in (offsets if isinstance(offsets, tuple) else (offsets,))[:16]:
        if isinstance(offset, int) and 0 < offset < len(data) - 2:
            yield offset, _directory(data, offset)


def _is_big(data: bytes) -> bool:
    return data[2:4] in (b"+\0", b"\0+")


def _first_offset(data: bytes) -> int:
    order = "<" if data[:2] == b"II" else ">"
    if len(data) < 16:
        return 0
    return int(
        struct.unpack_from(order + ("Q" if _is_big(data) else "I"), data, 8 if _is_big(data) else 4)[0]
    )


def _with_first(data: bytes, offset: int) -> bytes:
    """The same file with this directory as its first."""
    order = "<" if data[:2] == b"II" else ">"
    if _is_big(data):
        return data[:8] + struct.pack(order + "Q", offset) + data[16:]
    return data[:4] + struct.pack(order + "I", offset) + data[8:]


def _chosen(chain: list[Found], inside: list[Found]) -> tuple[int, Any, int]:
    """Offset and tags of the directory to read, and how many full images there are.

    The first page of a document is read; a preview, declared or evident, gives way to the largest image.
    """
    pages = [found for found in chain if not _is_preview(found[1])]
    full = pages + [found for found in inside if not _is_preview(found[1])]
    if not full:
        raise ImageError("unsupported", "a TIFF that holds only a preview, not the full image")
    largest = max(full, key=lambda found: _area(found[1]))
    if _is_preview(chain[0][1]):
        return *largest, max(1, len(pages))
    if _looks_like_thumbnail(chain[0][1], largest[1]):
        return *largest, max(1, len(pages) - 1)
    return *chain[0], len(pages)


def _is_preview(tags: Any) -> bool:
    """A reduced copy or a mask of another image, or not an image at all."""
    return (
        _area(tags) == 0
        or bool(one(tags, 254, 0) & 0b101)
        or one(tags, 255, 1) == 2
        or one(tags, 262, 1) == MASK
    )


def _area(tags: Any) -> int:
    width, height = one(tags, 256, 0), one(tags, 257, 0)
    return width * height if isinstance(width, int) and isinstance(height, int) else 0


_THUMBNAIL_SIDE = 512


def _looks_like_thumbnail(first: Any, largest: Any) -> bool:
    """At most 512 px long, of the same shape, and at most half as long as the largest: an undeclared preview."""
    side = max(one(first, 256, 0), one(first, 257, 0))
    if side > _THUMBNAIL_SIDE or _area(largest) < 4 * _area(first):
        return False
    wanted = one(largest, 257, 1) * one(first, 256, 1) / one(largest, 256, 1)
    return abs(wanted - one(first, 257, 0)) <= 1


def _refuse_camera_raw(data: bytes, directories: list[Any]) -> None:
    """Raises ImageError ``unsupported`` for camera raw stored as a TIFF, with its name."""
    name = ""
    if 50706 in directories[0]:
        name = "DNG"
    elif data[8:10] == b"CR":
        name = "Canon CR2"
    elif any(
        one(tags, 262, 1) in (_CFA, _LINEAR_RAW) or one(tags, 259, NONE) in _RAW_COMPRESSIONS
        for tags in directories
    ):
        make = str(one(directories[0], 271, "")).upper()
        name = next((raw for maker, raw in _MAKERS.items() if make.startswith(maker)), "a sensor's mosaic")
    if name:
        raise ImageError("unsupported", f"camera raw ({name})")
