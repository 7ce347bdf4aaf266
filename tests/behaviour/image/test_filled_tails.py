"""Coded data that was overwritten or cut inside its container is a row with a reason, and nobody prints about it."""

from __future__ import annotations

import io
import random
import struct
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image.codecs import filled_runs, iso_items, libtiff
from groundglass.image.frame import open_frame

PHOTO = testing.photo(240, 176, seed=8)
TIFF_COMPRESSIONS = ["jpeg", "tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd"]
FAX = ["group3", "group4", "tiff_ccitt"]


def _tiff(compression: str, **settings: Any) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(PHOTO)
    if compression in FAX:
        picture = picture.convert("1")
    picture.save(file, "TIFF", compression=compression, **settings)
    return file.getvalue()


def _strips(data: bytes) -> Iterator[tuple[int, int]]:
    tags: Any = Image.open(io.BytesIO(data)).tag_v2  # type: ignore[attr-defined]
    yield from zip(tags[273], tags[279], strict=True)


def _refused(data: bytes) -> bool:
    """True where it is damaged; any other reason is a failure."""
    try:
        _ = open_frame(data).rgb
    except ImageError as error:
        if error.reason not in ("truncated", "corrupt"):
            raise
        return True
    return False


@pytest.mark.parametrize("compression", [*TIFF_COMPRESSIONS, *FAX])
def test_every_strip_of_a_tiff_whose_second_half_is_zeros_is_damage(
    compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = _tiff(compression)
    _ = open_frame(data).rgb
    for start, count in _strips(data):
        damaged = bytearray(data)
        damaged[start + count // 2 : start + count] = bytes(count - count // 2)
        assert _refused(bytes(damaged))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compression", ["jpeg", "tiff_adobe_deflate", "lzma", *FAX])
def test_sixty_damaged_strips_are_sixty_errors(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = _tiff(compression)
    strips = list(_strips(data))
    for seed in range(60):
        chance = random.Random(seed)
        start, count = strips[seed % len(strips)]
        at, size = start + chance.randint(count // 8, count // 2), min(200, count // 3)
        damaged = data[:at] + chance.randbytes(size) + data[at + size :]
        assert _refused(damaged), f"seed {seed}"
    assert capfd.readouterr() == ("", "")


def test_deflate_is_read_on_to_its_checksum() -> None:
    """Of one bit, only the checksum at the very end tells; libtiff stops before it."""
    data = _tiff("tiff_adobe_deflate")
    for start, count in _strips(data):
        damaged = bytearray(data)
        damaged[start + count - 1] ^= 1
        assert _refused(bytes(damaged))


@pytest.mark.parametrize("compression", ["jpeg", "tiff_lzw", "group4"])
def test_a_strip_that_lies_beyond_the_end_is_truncated(compression: str) -> None:
    data = _tiff(compression)
    start, count = list(_strips(data))[-1]
    moved = data.replace(struct.pack("<I", start), struct.pack("<I", len(data) - count // 2))
    assert moved != data
    with pytest.raises(ImageError, match="truncated"):
        _ = open_frame(moved).rgb


def test_what_libtiff_says_reaches_only_the_thread_that_asked() -> None:
    sound = _tiff("jpeg")
    start, count = next(_strips(sound))
    damaged = sound[: start + count // 2] + bytes(count // 2) + sound[start + count // 2 * 2 :]
    heard: dict[bool, list[list[str]]] = {True: [], False: []}

    def listen(is_sound: bool) -> None:
        for _ in range(30):
            heard[is_sound].append(libtiff.complaints(sound if is_sound else damaged, True))

    threads = [threading.Thread(target=listen, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard[True] == [[]] * 60
    assert all(said and "JPEGLib" in said[0] for said in heard[False])


TAILS = {
    "webp": ("WEBP", {"quality": 85}),
    "webp without skipping": ("WEBP", {"quality": 100, "method": 0}),
    "webp-lossless": ("WEBP", {"lossless": True}),
    "avif": ("AVIF", {"quality": 80, "speed": 9}),
    "heic": ("HEIF", {"quality": 80}),
    "jxl": ("JXL", {"quality": 85, "effort": 3}),
    "jpeg2000": ("JPEG2000", {}),
    "qoi": ("QOI", {}),
    "png": ("PNG", {}),
}
EXTRAS = {"heic": "pillow_heif", "jxl": "pillow_jxl"}


def _encoded(kind: str, picture: np.ndarray) -> bytes:
    format, settings = TAILS[kind]
    if kind in EXTRAS:
        plugin = pytest.importorskip(EXTRAS[kind])
        if kind == "heic":
            plugin.register_heif_opener()
    return testing.encoded(picture, format, **settings)


@pytest.mark.parametrize("byte", [b"\0", b"\xff"], ids=["00", "FF"])
@pytest.mark.parametrize("kind", TAILS)
def test_a_filled_tail_is_damage(kind: str, byte: bytes) -> None:
    for seed in (1, 3):
        picture = testing.photo(160 + 13 * seed, 130, seed)
        if seed == 3:
            picture[90:] = 255
        data = _encoded(kind, picture)
        _ = open_frame(data).rgb
        for share in (0.05, 0.2, 0.5):
            filled = max(200, int(len(data) * share))
            assert _refused(data[:-filled] + byte * filled), f"seed {seed}, {share:.0%}"


@pytest.mark.parametrize("kind", TAILS)
def test_flat_pictures_are_no_damage(kind: str) -> None:
    """Some encoders write a flat part as a long run of zeros: that is the picture."""
    for value in (0, 128, 255):
        _ = open_frame(_encoded(kind, testing.flat(256, 192, value))).rgb
        half = testing.photo(256, 192)
        half[80:] = value
        _ = open_frame(_encoded(kind, half)).rgb


def test_a_psd_whose_merged_picture_is_cut_or_filled_is_damage() -> None:
    rows = b"".join(b"\x81" + bytes((row,)) for row in range(64)) * 3
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 128, 8, 3) + bytes(12)
    data = head + b"\0\1" + b"\0\2" * 64 * 3 + rows
    assert open_frame(data).rgb.shape == (64, 128, 3)
    assert _refused(data[:-5])
    assert _refused(data[:-300] + bytes(300))


def test_coded_items_of_an_avif_are_found() -> None:
    data = testing.encoded(PHOTO, "AVIF", quality=70)
    (item,) = iso_items.coded_items(data)
    assert item.kind == b"av01"
    assert item.extents[-1][1] == len(data)
    assert iso_items.coded_items(data[:40]) == []


def test_a_run_is_told_from_an_ordinary_end() -> None:
    filled_runs.refuse(b"ab" * 99 + bytes(filled_runs.LONGEST - 1), "it")
    with pytest.raises(ImageError, match="truncated: it ends in 64 bytes 00"):
        filled_runs.refuse(b"ab" + bytes(64), "it")
    with pytest.raises(ImageError, match="corrupt"):
        filled_runs.refuse(b"ab" + bytes(64) + b"c", "it")
