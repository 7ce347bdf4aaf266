"""Files that state their colours without an ICC profile, made by changing the bytes of files that encoders write."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from groundglass import testing

LOSSLESS = ("PNG", "JXL", "JPEG2000")


def stated(rgb: np.ndarray, format: str, primaries: int, transfer: int) -> bytes:
    """The samples as a file whose H.273 code points say what they mean."""
    if format == "PNG":
        return with_chunks(testing.png(rgb), (b"cICP", bytes([primaries, transfer, 0, 1])))
    if format == "AVIF":
        data = testing.encoded(rgb, "AVIF", quality=100, subsampling="4:4:4")
        return _with_nclx(data, primaries, transfer)
    if format == "HEIF":
        return heic(rgb, color_primaries=primaries, transfer_characteristics=transfer)
    if format == "JPEG2000":
        body = struct.pack(">3B3HB", 5, 0, 0, primaries, transfer, 0, 0x80)
        return with_colr(testing.encoded(rgb, "JPEG2000", irreversible=False), body)
    return jxl(rgb, primaries, transfer)


def heic(rgb: np.ndarray, **settings: int) -> bytes:
    import pillow_heif

    file = io.BytesIO()
    image = pillow_heif.from_pillow(Image.fromarray(rgb))
    image.save(file, quality=100, chroma=444, matrix_coefficients=0, full_range_flag=1, **settings)
    return file.getvalue()


def with_chunks(png: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Chunks put in behind the header of a PNG."""
    added = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return png[:33] + added + png[33:]


def icc_chunk(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"profile\0\0" + zlib.compress(profile)


def gamma_chunk(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(gamma * 100_000))


def corners_chunk(red: tuple[float, float], green: tuple[float, float], blue: tuple[float, float]):
    white = (0.3127, 0.3290)
    numbers = (round(v * 100_000) for xy in (white, red, green, blue) for v in xy)
    return b"cHRM", struct.pack(">8I", *numbers)


def _with_nclx(data: bytes, primaries: int, transfer: int) -> bytes:
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">2H", primaries, transfer) + data[at + 4 :]


def with_colr(jp2: bytes, *bodies: bytes) -> bytes:
    """A JP2 with these colr boxes instead of its own."""
    head = jp2.index(b"jp2h") - 4
    old = jp2.index(b"colr") - 4
    old_length = int.from_bytes(jp2[old : old + 4], "big")
    boxes = b"".join(struct.pack(">I", 8 + len(body)) + b"colr" + body for body in bodies)
    length = int.from_bytes(jp2[head : head + 4], "big") + len(boxes) - old_length
    return jp2[:head] + struct.pack(">I", length) + jp2[head + 4 : old] + boxes + jp2[old + old_length :]


def jxl(rgb: np.ndarray, primaries: int, transfer: int) -> bytes:
    """A lossless JPEG XL of 8 bits: its header is written anew with an enumerated colour space, before the frame.

    ISO/IEC 18181-1, annexes A.2 (size), A.5 (metadata) and A.6 (colour encoding).
    """
    import pillow_jxl  # noqa: F401  (registers the format)

    data = testing.encoded(rgb, "JXL", lossless=True)
    assert data[:2] == b"\xff\x0a"
    grey = rgb.ndim == 2
    source = _BitReader(data[2:])
    bits = source.copied_size()
    head = source.copied(9)  # no extra fields, 8 bits, no extra channels, not lossy
    assert head == [0, 0, 0, 0, 0, 1, 0, 0, 0]
    was = source.copied(13 if grey else 1)
    assert was == ([0, 0, 1, 0, 1, 0, 0, *_enumerated(13)] if grey else [1]), "the encoder wrote sRGB"
    colour = [0, 0, *_enumerated(int(grey)), *_enumerated(1)]  # no ICC; RGB or grey; D65
    colour += [] if grey else _enumerated({1: 1, 9: 9, 12: 11}[primaries])
    colour += [0, *_enumerated(transfer), *_enumerated(1)]  # no gamma, curve, intent
    source.at += 2 * grey  # the intent
    tail = source.copied(3)  # no extensions, the usual transform
    assert tail == [0, 0, 1]
    bits += [*head, *colour, *tail]
    bits += [0] * (-len(bits) % 8)
    return data[:2] + np.packbits(bits, bitorder="little").tobytes() + data[2 + (source.at + 7) // 8 :]


def _bits_of(value: int, count: int) -> list[int]:
    return [value >> i & 1 for i in range(count)]


def _enumerated(value: int) -> list[int]:
    """U32(0, 1, 2 + u(4), 18 + u(6))."""
    if value < 2:
        return _bits_of(value, 2)
    return (
        [*_bits_of(2, 2), *_bits_of(value - 2, 4)]
        if value < 18
        else [*_bits_of(3, 2), *_bits_of(value - 18, 6)]
    )


class _BitReader:
    def __init__(self, data: bytes) -> None:
        self.value, self.at = int.from_bytes(data[:64], "little"), 0

    def take(self, count: int) -> int:
        found = self.value >> self.at & ((1 << count) - 1)
        self.at += count
        return found

    def copied(self, count: int) -> list[int]:
        return _bits_of(self.take(count), count)

    def copied_size(self) -> list[int]:
        """The size header as it stands."""
        small = self.take(1)
        bits = [small]

        def length() -> list[int]:
            if small:
                return self.copied(5)
            choice = self.take(2)
            return [*_bits_of(choice, 2), *self.copied((9, 13, 18, 30)[choice])]

        bits += length()
        ratio = self.take(3)
        bits += _bits_of(ratio, 3)
        return bits if ratio else [*bits, *length()]
