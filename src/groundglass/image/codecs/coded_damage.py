"""Damage that decoders of WebP, AVIF, HEIC, JPEG 2000, QOI, PSD and ICO show as pixels, found in the coded bytes.

Their decoders continue where the data is gone: they read filling as pixels, or paint the rest in one colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from groundglass.errors import ImageError
from groundglass.image.codecs import filled_runs, iso_items, pillow, png_chunks


def refuse(data: bytes, format: str) -> None:
    """Raises ImageError ``truncated`` or ``corrupt`` where the coded pixels show damage; other formats pass."""
    if (check := _CHECKS.get(format)) is not None:
        check(data)


_ISO_END = 4
"""Bytes 00 or FF. Of 1,108 whole files that libaom and x265 made, with and without alpha, none ended in even one."""


def _iso(data: bytes) -> None:
    for item in iso_items.coded_items(data):
        for start, end in item.extents:
            filled_runs.refuse(memoryview(data)[start:end], "the coded image")
        if item.extents:
            start, end = item.extents[-1]
            _refuse_end(data[start:end], _ISO_END)


def _refuse_end(coded: bytes, longest: int) -> None:
    filling = filled_runs.run_at_end(coded)
    if filling >= longest and coded[-1] in (0x00, 0xFF):
        raise ImageError("truncated", f"the coded image ends in {filling} bytes {coded[-1]:02X}")


_NEEDED = 16
_SMALL = 200


def _webp(data: bytes) -> None:
    """An intact image needs its coded bytes to the last few, and the decoder reports missing ones. If it shows an image
    with 16 bytes less, it has lost its way earlier: it reads other symbols than were written, and finishes too soon.

    A run of zeros alone does not prove damage: flat images end in hundreds of them.
    Measured: none of 1,056 whole files, all of 157 lossy and 54 of 121 lossless ones that were plainly damaged.
    """
    for kind, coded in _webp_images(data):
        if len(coded) > _SMALL and _shows(kind, coded[:-_NEEDED]):
            filling = filled_runs.run_at_end(coded)
            if filling >= filled_runs.LONGEST:
                raise ImageError("truncated", f"the coded image ends in {filling} bytes {coded[-1]:02X}")
            raise ImageError("corrupt", "the image does not need all of its coded bytes")


def _webp_images(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The coded image; the first one of an animation."""
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in (b"VP8 ", b"VP8L"):
            yield kind, data[at + 8 : at + 8 + length]
            return
        at += 8 + 16 if kind == b"ANMF" else 8 + length + (length & 1)


def _shows(kind: bytes, coded: bytes) -> bool:
    body = b"WEBP" + kind + len(coded).to_bytes(4, "little") + coded + bytes(len(coded) & 1)
    try:
        pillow.open_image(b"RIFF" + len(body).to_bytes(4, "little") + body, "WEBP").load()
    except Exception:  # decoders raise almost anything where bytes are missing
        return False
    return True


def _jpeg2000(data: bytes) -> None:
    """FF followed by more than 8F is never data (ITU-T T.800, B.10.1), so the end marker is found from the end."""
    # The decoder shows a cut-off file as an image with less detail, so the end marker is checked.
    start = data.find(b"\xff\x4f\xff\x51")
    if start >= 0 and data.rfind(b"\xff\xd9", start) < 0:
        raise ImageError("truncated", "no end marker")


def _qoi(data: bytes) -> None:
    if data.rfind(b"\0\0\0\0\0\0\0\1") < 0:
        raise ImageError("truncated", "no end marker")


_PACKBITS_RUN = 256


def _psd(data: bytes) -> None:
    """The merged image of a PSD comes last; in PackBits, the lengths of its rows come before it."""
    channels, height = int.from_bytes(data[12:14], "big"), int.from_bytes(data[14:18], "big")
    at = 26
    for _ in range(3):  # palette, resources, layers
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    if int.from_bytes(data[at : at + 2], "big") != 1:
        return
    start = at + 2 + 2 * channels * height
    lengths = data[at + 2 : start]
    stated = 256 * sum(lengths[::2]) + sum(lengths[1::2])
    if start + stated > len(data):
        raise ImageError("truncated", f"{start + stated - len(data)} bytes of the merged image are missing")
    filled_runs.refuse(memoryview(data)[start : start + stated], "the merged image", _PACKBITS_RUN)


def _ico(data: bytes) -> None:
    """Icons are stored as PNGs, among others: each must be intact, like any PNG."""
    for entry in range(6, 6 + 16 * int.from_bytes(data[4:6], "little"), 16):
        size, start = (int.from_bytes(data[at : at + 4], "little") for at in (entry + 8, entry + 12))
        png = data[start : start + size]
        if png.startswith(png_chunks.SIGNATURE):
            chunks = png_chunks.read_chunks(png)
            png_chunks.check_pixel_chunks(png, chunks)
            if not chunks.complete:
                raise ImageError("truncated", "the PNG inside ends early")


_CHECKS: dict[str, Callable[[bytes], None]] = {
    "AVIF": _iso,
    "HEIF": _iso,
    "WEBP": _webp,
    "JPEG2000": _jpeg2000,
    "QOI": _qoi,
    "PSD": _psd,
    "ICO": _ico,
}
