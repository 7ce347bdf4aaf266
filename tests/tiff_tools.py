"""TIFFs written tag by tag, as no library writes them all: planes, tiles, any meaning, any depth."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INKS, LAB = 0, 1, 2, 3, 5, 8
NONE, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773
_LIBTIFF = {LZW: "tiff_lzw", PACKBITS: "packbits"}
_FORMATS = {"u": 1, "i": 2, "f": 3}


@dataclass(frozen=True)
class Layout:
    """How the samples are stored. ``bits``: fewer than the array's, packed; ``tile``: side in px, else strips."""

    photometric: int = RGB
    planar: bool = False
    tile: int = 0
    rows: int = 16
    extra: tuple[int, ...] = ()
    orientation: int = 1
    compression: int = NONE
    predictor: int = 1
    order: str = "<"
    bits: int = 0
    more: tuple[tuple[int, int, tuple[int, ...]], ...] = ()


def tiff(samples: np.ndarray, layout: Layout) -> bytes:
    """A file of one directory. ``samples``: H×W or H×W×samples."""
    return tiff_of_pages([(samples, layout)])


def tiff_of_pages(pages: Sequence[tuple[np.ndarray, Layout]], inside_first: Sequence[int] = ()) -> bytes:
    """A file of several directories, those of ``inside_first`` as sub-directories of the first."""
    order = pages[0][1].order
    out = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
    placed: dict[int, int] = {}
    link = 4  # where the offset of the next directory is written
    numbers = sorted(range(len(pages)), key=lambda number: number not in inside_first)
    for number in numbers:
        samples, layout = pages[number]
        if number == 0 and inside_first:
            offsets = tuple(placed[one] for one in inside_first)
            layout = replace(layout, more=(*layout.more, (330, 4, offsets)))
        start, end = _append(out, samples, layout)
        placed[number] = start
        if number not in inside_first:
            out[link : link + 4] = struct.pack(order + "I", start)
            link = end
    return bytes(out)


def tiff_directory_first(samples: np.ndarray, layout: Layout) -> tuple[bytes, int]:
    """The same image with its directory before its samples, and where the samples begin."""
    plain = tiff(samples, layout)
    order = layout.order
    (start,) = struct.unpack(order + "I", plain[4:8])
    begin = 8 + len(plain) - start
    begin += begin % 2
    out = bytearray(begin)
    tags = _append_samples(out, samples, layout)
    head = bytearray(plain[:4] + struct.pack(order + "I", 8))
    _append_directory(head, tags, order)
    return bytes(head.ljust(begin, b"\0") + out[begin:]), begin


def _append(out: bytearray, samples: np.ndarray, layout: Layout) -> tuple[int, int]:
    """Write segments and directory; where the directory begins, and where its link to the next one lies."""
    return _append_directory(out, _append_samples(out, samples, layout), layout.order)


def _append_samples(
    out: bytearray, samples: np.ndarray, layout: Layout
) -> list[tuple[int, int, Sequence[int]]]:
    """Write segments; the tags that describe them."""
    height, width = samples.shape[:2]
    stored = samples.reshape(height, width, -1)
    count = stored.shape[2]
    planes = [stored[..., at : at + 1] for at in range(count)] if layout.planar else [stored]
    offsets: list[int] = []
    sizes: list[int] = []
    for piece in (piece for plane in planes for piece in _pieces(plane, layout)):
        data = _compressed(piece, layout)
        offsets.append(len(out))
        sizes.append(len(data))
        out += data + bytes(len(data) % 2)
    bits = layout.bits or samples.dtype.itemsize * 8
    tags: list[tuple[int, int, Sequence[int]]] = [
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [bits] * count),
        (259, 3, [layout.compression]),
        (262, 3, [layout.photometric]),
        (274, 3, [layout.orientation]),
        (277, 3, [count]),
        (284, 3, [2 if layout.planar else 1]),
        (317, 3, [layout.predictor]),
        (339, 3, [_FORMATS[samples.dtype.kind]] * count),
        *([(338, 3, layout.extra)] if layout.extra else []),
        *(
            [(322, 3, [layout.tile]), (323, 3, [layout.tile]), (324, 4, offsets), (325, 4, sizes)]
            if layout.tile
            else [(273, 4, offsets), (278, 3, [layout.rows]), (279, 4, sizes)]
        ),
        *layout.more,
    ]
    return sorted({tag: (tag, kind, values) for tag, kind, values in tags}.values(), key=lambda tag: tag[0])


def _append_directory(
    out: bytearray, tags: Sequence[tuple[int, int, Sequence[int]]], order: str
) -> tuple[int, int]:
    start = len(out)
    body, tail = bytearray(struct.pack(order + "H", len(tags))), bytearray()
    lists = start + 2 + 12 * len(tags) + 4
    for tag, kind, values in tags:
        code = {1: "B", 2: "B", 3: "H", 4: "I"}[kind]
        raw = struct.pack(f"{order}{len(values)}{code}", *values)
        body += struct.pack(order + "HHI", tag, kind, len(values))
        if len(raw) <= 4:
            body += raw.ljust(4, b"\0")
        else:
            body += struct.pack(order + "I", lists + len(tail))
            tail += raw + bytes(len(raw) % 2)
    out += body + bytes(4) + tail
    return start, start + len(body)


def _pieces(plane: np.ndarray, layout: Layout) -> list[np.ndarray]:
    height, width, count = plane.shape
    if not layout.tile:
        return [plane[top : top + layout.rows] for top in range(0, height, layout.rows)]
    pieces = []
    for top in range(0, height, layout.tile):
        for left in range(0, width, layout.tile):
            piece = np.zeros((layout.tile, layout.tile, count), plane.dtype)
            part = plane[top : top + layout.tile, left : left + layout.tile]
            piece[: len(part), : part.shape[1]] = part
            pieces.append(piece)
    return pieces


def _compressed(piece: np.ndarray, layout: Layout) -> bytes:
    rows = np.frombuffer(_row_bytes(piece, layout), np.uint8).reshape(len(piece), -1)
    if layout.compression == DEFLATE:
        return zlib.compress(rows.tobytes())
    if layout.compression in _LIBTIFF:
        return _through_pillow(rows, _LIBTIFF[layout.compression])
    return rows.tobytes()


def _row_bytes(piece: np.ndarray, layout: Layout) -> bytes:
    """Rows of bytes, with differences where a predictor asks for them."""
    ordered: Any = piece.dtype.newbyteorder(layout.order)
    if layout.predictor == 2:
        raw = piece.view(f"u{piece.dtype.itemsize}")
        steps = np.concatenate([raw[:, :1], raw[:, 1:] - raw[:, :-1]], axis=1)
        return steps.astype(steps.dtype.newbyteorder(layout.order)).tobytes()
    if layout.predictor == 3:
        size, count = piece.dtype.itemsize, piece.shape[2]
        high_first = np.ascontiguousarray(piece.astype(piece.dtype.newbyteorder(">"))).view(np.uint8)
        planes = high_first.reshape(len(piece), -1, size).swapaxes(1, 2).reshape(len(piece), -1, count)
        return np.concatenate([planes[:, :1], planes[:, 1:] - planes[:, :-1]], axis=1).tobytes()
    if layout.bits % 8:
        ones = piece.reshape(len(piece), -1, 1) >> np.arange(layout.bits - 1, -1, -1) & 1
        return np.packbits(ones.reshape(len(piece), -1).astype(np.uint8), axis=1).tobytes()
    return piece.astype(ordered).tobytes()


def _through_pillow(rows: np.ndarray, compression: str) -> bytes:
    """The one strip that libtiff makes of these bytes."""
    stream = io.BytesIO()
    Image.fromarray(rows).save(stream, "TIFF", compression=compression, strip_size=1 << 30)
    with Image.open(stream) as image:
        (start,), (size,) = image.tag_v2[273], image.tag_v2[279]
    return stream.getvalue()[start : start + size]
