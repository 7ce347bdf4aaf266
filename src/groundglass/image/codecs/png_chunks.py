"""A PNG's chunks, read without inflating the pixels (PNG specification, third edition)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from groundglass.errors import ImageError
from groundglass.image.codecs.stated_colour import Chromaticities, StatedColour, of_code_points, of_gamma

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
_COLOUR_CHUNKS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_LARGEST_PROFILE = 16 << 20


@dataclass
class PngChunks:
    """The facts that the chunks state.

    spans         (type, start, end) of the whole chunks that the pixels need
    transparent   the one grey value or colour that is transparent, as stored; empty where there is none
    icc, colour   the colour space by the chunk with precedence, both None for sRGB
    """

    width: int = 0
    height: int = 0
    mode: str = ""
    bit_depth: int = 0
    icc: bytes | None = None
    colour: StatedColour | None = None
    exif: bytes | None = None
    alpha: bool = False
    transparent: tuple[int, ...] = ()
    frames: int = 1
    spans: list[tuple[bytes, int, int]] = field(default_factory=list[tuple[bytes, int, int]])
    warnings: list[str] = field(default_factory=list[str])
    complete: bool = False

    def warn(self, word: str) -> None:
        """Note a warning once."""
        if word not in self.warnings:
            self.warnings.append(word)


def read_chunks(data: bytes) -> PngChunks:
    """Read a PNG's chunks. A break in the pixel data is left to `check_pixel_chunks`, so the header can still
    be read.

    Raises ImageError: ``truncated`` or ``corrupt`` where there is no sound IHDR, ``unsupported`` methods.
    """
    chunks = PngChunks()
    _take_header(data, chunks)
    colours: dict[bytes, bytes] = {}
    at = 8
    while at + 12 <= len(data) and not chunks.complete:
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            break
        if kind in _PIXEL_CHUNKS:
            chunks.spans.append((kind, at, end))
        elif kind in _COLOUR_CHUNKS:
            # The first chunk of a kind counts, as for libpng.
            colours.setdefault(kind, data[at + 8 : end - 4])
        _take(kind, data, at, end, chunks)
        at = end
    _take_colour(colours, chunks)
    _note_end(data, at, chunks)
    return chunks


def _take_header(data: bytes, chunks: PngChunks) -> None:
    head = data[8:33]
    if len(head) < 25:
        raise ImageError("truncated", "ends inside its header")
    if head[4:8] != b"IHDR" or zlib.crc32(head[4:21]) != int.from_bytes(head[21:25], "big"):
        raise ImageError("corrupt", "no sound IHDR chunk")
    chunks.width, chunks.height = int.from_bytes(head[8:12], "big"), int.from_bytes(head[12:16], "big")
    chunks.bit_depth = head[16]
    if head[17] not in _MODES or head[16] not in (1, 2, 4, 8, 16):
        raise ImageError("corrupt", f"colour type {head[17]} with {head[16]} bits")
    if head[18] or head[19] or head[20] > 1:
        raise ImageError("unsupported", "a compression, filter or interlace method that PNG does not define")
    chunks.mode = _MODES[head[17]]
    chunks.alpha = "A" in chunks.mode


def _take(kind: bytes, data: bytes, at: int, end: int, chunks: PngChunks) -> None:
    if kind == b"tRNS":
        chunks.alpha = True
        count = {"L": 1, "RGB": 3}.get(chunks.mode, 0)
        if count and end - at == 12 + 2 * count:
            ones = (1 << chunks.bit_depth) - 1  # the bits above the depth mean nothing
            values = struct.unpack_from(f">{count}H", data, at + 8)
            chunks.transparent = tuple(value & ones for value in values)
    elif kind == b"IEND":
        chunks.complete = True
    elif kind == b"acTL" and end - at >= 20:
        chunks.frames = max(1, int.from_bytes(data[at + 8 : at + 12], "big"))
    elif kind == b"eXIf":
        chunks.exif = data[at + 8 : end - 4]


def _take_colour(colours: dict[bytes, bytes], chunks: PngChunks) -> None:
    """cICP before iCCP before sRGB before gAMA and cHRM (PNG specification, section 4.3)."""
    if b"iCCP" in colours:
        chunks.icc = _inflate_profile(colours[b"iCCP"])
        if chunks.icc is None:
            chunks.warn("bad_icc")
    code_points = colours.get(b"cICP", b"")
    if len(code_points) == 4:
        primaries, transfer, matrix, full_range = code_points
        chunks.colour = of_code_points(primaries, transfer, full_range=bool(full_range), where="cICP")
        known = chunks.colour is None or chunks.colour.is_known
        if known and matrix == 0:  # a PNG's samples are RGB: other coefficients make no sense
            chunks.icc = None
            return
        chunks.colour = chunks.colour or StatedColour(f"RGB by matrix {matrix} (cICP)", None)
        if chunks.icc is None and b"sRGB" not in colours:
            return
    chunks.colour = None if b"sRGB" in colours else _of_gamma(colours)


def _of_gamma(colours: dict[bytes, bytes]) -> StatedColour | None:
    gamma, corners = colours.get(b"gAMA", b""), colours.get(b"cHRM", b"")
    chromaticities: Chromaticities | None = None
    if len(corners) == 32:
        wx, wy, rx, ry, gx, gy, bx, by = (
            int.from_bytes(corners[at : at + 4], "big") / 100_000 for at in range(0, 32, 4)
        )
        chromaticities = (rx, ry, gx, gy, bx, by, wx, wy)
    return of_gamma(int.from_bytes(gamma, "big") / 100_000 if len(gamma) == 4 else None, chromaticities)


def _inflate_profile(payload: bytes) -> bytes | None:
    name_end = payload.find(b"\0")
    if name_end < 0:
        return None
    try:
        # Bounded: a few bytes can inflate to gigabytes.
        return zlib.decompressobj().decompress(payload[name_end + 2 :], _LARGEST_PROFILE) or None
    except zlib.error:
        return None


def _note_end(data: bytes, at: int, chunks: PngChunks) -> None:
    if not chunks.complete:
        chunks.warn("no_end_marker")
    elif at < len(data):
        chunks.warn("trailing_bytes")


def check_pixel_chunks(data: bytes, chunks: PngChunks) -> None:
    """Compare the checksums of the chunks that hold pixels.

    Raises ImageError: ``corrupt`` where one does not match, ``truncated`` where there is no pixel data.
    """
    for kind, start, end in chunks.spans:
        if zlib.crc32(memoryview(data)[start + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ImageError("corrupt", f"checksum of a {kind.decode()} chunk does not match")
    if not any(kind == b"IDAT" for kind, _, _ in chunks.spans):
        raise ImageError("truncated" if not chunks.complete else "corrupt", "no pixel data")


def only_pixels(data: bytes, chunks: PngChunks) -> bytes:
    """The same image without metadata, since decoders stop at damaged or huge metadata, and without the
    transparent value: Pillow reads it as one of 8 bits (`samples_to_8bit` applies it to the samples).
    """
    # A missing end is only a warning here, but decoders need the chunk.
    end = b"" if chunks.complete else b"\0\0\0\0IEND\xaeB`\x82"
    skipped = b"tRNS" if chunks.mode in ("L", "RGB") else b""
    kept = (data[start:stop] for kind, start, stop in chunks.spans if kind != skipped)
    return b"".join([SIGNATURE, *kept, end])
