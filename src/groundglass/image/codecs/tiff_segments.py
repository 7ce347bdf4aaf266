"""The samples of a TIFF, as stored: strips or tiles, in planes or not, band by band, so that memory stays small.

libtiff, inside Pillow, undoes the compressions. It receives the segments as plain bytes, so their meaning never
matters to it; their meaning is read here, from the directory's declarations. Deflate goes through zlib, which also
compares checksums.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.errors import ImageError
from groundglass.image.codecs import pillow
from groundglass.image.codecs.tiff_declared import (
    DEFLATE,
    NONE,
    OLD_DEFLATE,
    WITH_PREDICTOR,
    TiffImage,
)

_BAND = 8 << 20
_LARGEST_DEFLATED = 512 << 20
_LARGEST_OTHER = 340 << 20  # Pillow takes no image of more than 357 million bytes
_CHUNK = 1 << 16
_HORIZONTAL, _FLOATING = 2, 3
Bytes = npt.NDArray[np.uint8]
Piece = bytes | memoryview


def bands(data: bytes, image: TiffImage) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """(first row, rows×W×samples) down the image, in the machine's byte order and of the declared kind.

    Raises ImageError: ``truncated``, ``corrupt``, ``unsupported``.
    """
    image = _cut_small(image)
    planes = image.samples if image.planar else 1
    per_plane = image.across * image.down
    if len(image.offsets) < planes * per_plane or (
        len(image.counts) < planes * per_plane and image.compression != NONE
    ):
        raise ImageError("corrupt", "strips or tiles are missing")
    tall = image.segment[1]
    taken = max(1, _BAND // max(1, tall * _row_bytes(image) * image.across * planes))
    for first in range(0, image.down, taken):
        numbers = range(first * image.across, min(first + taken, image.down) * image.across)
        wanted = min(image.height - first * tall, taken * tall)
        stored = [
            _side_by_side(_samples(data, image, range(start + numbers.start, start + numbers.stop)), image)
            for start in range(0, planes * per_plane, per_plane)
        ]
        # A single segment may be larger than a band, so its rows are also given in parts.
        few = max(1, _BAND // (_row_bytes(image) * image.across * planes))
        for row in range(0, wanted, few):
            parts = [plane[row : min(row + few, wanted), : image.width] for plane in stored]
            yield first * tall + row, parts[0] if planes == 1 else np.concatenate(parts, axis=2)


def working_bytes(image: TiffImage) -> int:
    """Peak memory of `bands` in bytes: segments as the decoder gives them, copied, and with
    their predictor undone."""
    if image.compression == NONE and not image.tiled:
        return 2 * _BAND
    planes = image.samples if image.planar else 1
    row_of_segments = image.segment[1] * _row_bytes(image) * image.across * planes
    return 3 * max(_BAND, row_of_segments)


def _cut_small(image: TiffImage) -> TiffImage:
    """Strips without compression as many small ones, since each row can be read alone. Others must not be huge.

    Raises ImageError ``too_large``.
    """
    long = _row_bytes(image)
    tall, most = image.segment[1], max(1, _BAND // long)
    if image.compression != NONE or image.tiled:
        deflated = image.compression in (DEFLATE, OLD_DEFLATE)
        if tall * long > (_LARGEST_DEFLATED if deflated else _LARGEST_OTHER):
            raise ImageError("too_large", f"a strip or tile of {tall * long >> 20} MB without compression")
        return image
    planes = image.samples if image.planar else 1
    if tall <= most or len(image.offsets) < planes * image.down:
        return image
    least = most if image.down == 1 else max(rows for rows in range(1, most + 1) if tall % rows == 0)
    starts: list[int] = []
    counts: list[int] = []
    for number in range(planes * image.down):
        rows = _rows_in(image, number)
        stated = image.counts[number] if number < len(image.counts) else 0
        left = stated or rows * long
        offset = image.offsets[number]
        for row in range(0, rows, least):
            starts.append(offset + row * long if offset else 0)
            counts.append(max(1, min(left - row * long, min(least, rows - row) * long)))
    return replace(image, segment=(image.width, least), offsets=tuple(starts), counts=tuple(counts))


def _side_by_side(segments: npt.NDArray[Any], image: TiffImage) -> npt.NDArray[Any]:
    """Segments (n, rows, width, samples) put together as rows×W×samples."""
    _, tall, wide, samples = segments.shape
    grid = segments.reshape(-1, image.across, tall, wide, samples).swapaxes(1, 2)
    return grid.reshape(-1, image.across * wide, samples)


def _row_samples(image: TiffImage) -> int:
    return image.segment[0] * (1 if image.planar else image.samples)


def _row_bytes(image: TiffImage) -> int:
    return -(-_row_samples(image) * image.bits // 8)


def _rows_in(image: TiffImage, number: int) -> int:
    """Rows of a segment: the last strip may be shorter, tiles never are."""
    row = number % (image.across * image.down) // image.across
    return image.segment[1] if image.tiled else min(image.segment[1], image.height - row * image.segment[1])


def _samples(data: bytes, image: TiffImage, numbers: range) -> npt.NDArray[Any]:
    """The segments with these numbers, each filled up to full height: (n, rows, width, samples)."""
    tall, long = image.segment[1], _row_bytes(image)
    rows = [_rows_in(image, number) for number in numbers]
    packed = [_packed(data, image, number, count * long) for number, count in zip(numbers, rows, strict=True)]
    if image.compression in (DEFLATE, OLD_DEFLATE):
        packed = [_inflated(piece, count * long) for piece, count in zip(packed, rows, strict=True)]
    elif image.compression != NONE:
        packed = [_through_libtiff(packed, image.compression, long, tall, sum(rows))]
    # The last strip is filled up, so that all have one height; `bands` cuts the filling off.
    if missing := (len(rows) * tall - sum(rows)) * long:
        packed.append(bytes(missing))
    plain = packed[0] if len(packed) == 1 else b"".join(packed)
    lines = np.frombuffer(plain, np.uint8).reshape(-1, long)
    values = _without_predictor(lines, image)
    return values.reshape(len(rows), tall, image.segment[0], -1)


def _packed(data: bytes, image: TiffImage, number: int, plain: int) -> Piece:
    """A segment's bytes as stored in the file; ``plain`` is their number without compression."""
    start = image.offsets[number]
    stated = image.counts[number] if number < len(image.counts) else 0
    count = plain if image.compression == NONE and stated in (0, plain) else stated
    if start <= 0 or count <= 0:
        raise ImageError("corrupt", f"segment {number} is missing")
    if start + count > len(data):
        raise ImageError("truncated", f"segment {number} reaches beyond the end")
    if image.compression == NONE and count < plain:
        raise ImageError("truncated", f"segment {number} has {count} bytes, needs {plain}")
    return memoryview(data)[start : start + (plain if image.compression == NONE else count)]


def _inflated(piece: Piece, plain: int) -> bytes:
    """A deflated segment's first bytes. It is read to its end, where its checksum is: some programs pad the last
    strip.
    """
    unpacker = zlib.decompressobj()
    try:
        out = unpacker.decompress(piece, plain)
        spare = 2 * plain + _CHUNK
        while (
            not unpacker.eof and spare > 0 and (more := unpacker.decompress(unpacker.unconsumed_tail, _CHUNK))
        ):
            spare -= len(more)
    except zlib.error as error:
        raise ImageError("corrupt", f"deflate: {error}") from error
    if spare <= 0:
        raise ImageError("corrupt", "a deflated segment holds far more than its part of the image")
    if len(out) < plain or not unpacker.eof:
        raise ImageError("truncated", f"a deflated segment gives {len(out)} of {plain} bytes")
    return out


def _through_libtiff(packed: list[Piece], compression: int, long: int, tall: int, rows: int) -> bytes:
    """Segments of one compression as the strips of a grey image, each byte a pixel."""
    starts = np.cumsum([8, *(len(piece) for piece in packed)]).tolist()
    tags = (
        (256, [long]),
        (257, [rows]),
        (258, [8]),
        (259, [compression]),
        (262, [1]),
        (273, starts[:-1]),
        (277, [1]),
        (278, [tall]),
        (279, [len(piece) for piece in packed]),
    )
    lists = starts[-1] + 2 + 12 * len(tags) + 4
    directory, tail = struct.pack("<H", len(tags)), b""
    for tag, values in tags:
        directory += struct.pack("<HHI", tag, 4, len(values))
        directory += struct.pack("<I", values[0] if len(values) == 1 else lists + len(tail))
        tail += struct.pack(f"<{len(values)}I", *values) if len(values) > 1 else b""
    grey = b"".join([b"II*\0", struct.pack("<I", starts[-1]), *packed, directory, bytes(4), tail])
    image = pillow.open_image(grey, "TIFF")
    with pillow.as_image_errors():
        image.load()
        return image.tobytes()


def _without_predictor(lines: Bytes, image: TiffImage) -> npt.NDArray[Any]:
    """Lines of bytes as lines of samples; differences to the previous sample are added up."""
    predictor = image.predictor if image.compression in WITH_PREDICTOR else 1
    step = 1 if image.planar else image.samples
    if predictor == _FLOATING and image.kind == "f":
        return _floats_of_planes(lines, image.bits // 8, step)
    if predictor not in (1, _HORIZONTAL) or (predictor == _HORIZONTAL and image.bits % 8):
        raise ImageError("unsupported", f"a TIFF with predictor {predictor} for {image.bits} bits")
    if image.bits not in (8, 16, 32, 64):
        return _unpacked(lines, image.bits, _row_samples(image))
    kind = "u" if predictor == _HORIZONTAL else image.kind
    values = lines.view(f"{image.order}{kind}{image.bits // 8}")
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if predictor == _HORIZONTAL:
        pixels = values.reshape(len(values), -1, step)
        values = np.add.accumulate(pixels, axis=1, dtype=pixels.dtype).reshape(len(values), -1)
    return values.view(f"{image.kind}{image.bits // 8}")


def _floats_of_planes(lines: Bytes, size: int, step: int) -> npt.NDArray[Any]:
    """Predictor 3: a line holds all first bytes, then all second bytes …, each as a difference to the one before."""
    added = np.add.accumulate(lines.reshape(len(lines), -1, step), axis=1, dtype=np.uint8)
    planes = added.reshape(len(lines), size, -1)
    together = np.ascontiguousarray(planes.swapaxes(1, 2)).view(f">f{size}")
    return together[..., 0].astype(f"f{size}")


def _unpacked(lines: Bytes, bits: int, samples: int) -> npt.NDArray[np.uint16]:
    """Samples of 9 to 15 bits, one after the other, highest bit first."""
    ones = np.unpackbits(lines, axis=1, count=samples * bits).reshape(len(lines), samples, bits)
    values = np.zeros((len(lines), samples), np.uint16)
    for bit in range(bits):
        values = (values << 1 | ones[..., bit]).astype(np.uint16)
    return values
