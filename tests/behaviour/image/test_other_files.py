"""A file that is no picture for groundglass says what it is, whatever its name says."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image.frame import open_frame

PHOTO = Image.fromarray(testing.photo(40, 30))


def saved(format: str, mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    PHOTO.convert(mode).save(stream, format, **options)
    return stream.getvalue()


def archive(kind: str) -> bytes:
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w") as file:
            file.writestr("a.txt", "a")
    else:
        with tarfile.open(fileobj=stream, mode="w") as file:
            file.addfile(tarfile.TarInfo("a.txt"))
    return stream.getvalue()


def jpeg_ls() -> bytes:
    frame = struct.pack(">HBHHBBBB", 11, 8, 30, 40, 1, 1, 0x11, 0)
    return b"\xff\xd8\xff\xf7" + frame + b"\xff\xda\0\x08\1\1\0\0\0\0" + bytes(60) + b"\xff\xd9"


def psd(version: int, bits: int, mode: int) -> bytes:
    return b"8BPS" + struct.pack(">H6xHIIHH", version, 3, 30, 40, bits, mode) + bytes(12 + 2 + 40 * 30 * 12)


def media(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(40)


PICTURES = {
    "TGA": [
        saved("TGA"),
        saved("TGA")[:-26],
        saved("TGA", "L"),
        saved("TGA", "P"),
        saved("TGA", compression="tga_rle"),
        saved("TGA", compression="tga_rle")[:-26],
    ],
    "PCX": [saved("PCX"), saved("PCX", "L"), saved("PCX", "1")],
    "SGI": [saved("SGI"), saved("SGI", "L")],
    "DDS": [saved("DDS")],
    "PFM": [b"PF\n40 30\n-1.0\n" + bytes(14400), b"Pf\n40 30\n1.0\n" + bytes(4800)],
    "PAM": [b"P7\nWIDTH 4\nHEIGHT 4\n"],
    "JPEG-LS": [jpeg_ls()],
    "JPEG XR": [b"II\xbc\x01" + bytes(40)],
    "OpenEXR": [b"v/1\x01\x02\0\0\0"],
    "Radiance HDR": [b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 4\n"],
    "SVG": [b"<svg xmlns='x'>", b"<?xml version='1.0'?>\n<!-- a -->\n<svg xmlns='x'>", b"\xef\xbb\xbf <svg>"],
    "PDF": [saved("PDF")],
    "PostScript": [saved("EPS")],
    "ICNS": [saved("ICNS")],
    "CUR": [b"\0\0\2\0\1\0\x20\x20\0\0" + bytes(50)],
    "XBM": [saved("XBM", "1")],
    "DICOM": [bytes(128) + b"DICM" + bytes(40)],
    "PSB": [psd(2, 8, 3)],
    "Photoshop, RGB of 16 bits": [psd(1, 16, 3)],
    "Photoshop, multichannel": [psd(1, 8, 7)],
    "camera raw (Canon CR3)": [media(b"crx ")],
    "camera raw (Canon CR2)": [
        b"II*\0\x10\0\0\0CR\2\0"
        + bytes(4)
        + struct.pack("<H", 2)
        + struct.pack("<HHII", 256, 4, 1, 40)
        + struct.pack("<HHII", 257, 4, 1, 30)
        + bytes(4)
    ],
    "camera raw (Fujifilm RAF)": [b"FUJIFILMCCD-RAW 0201"],
    "camera raw (Olympus ORF)": [b"IIRO\x08\0\0\0"],
    "camera raw (Panasonic RW2)": [b"IIU\0\x18\0\0\0"],
    "camera raw (Sigma X3F)": [b"FOVb\0\0\2\0"],
}
OTHERS = {
    "a web page (HTML)": [
        b"<!DOCTYPE html><title>404</title>",
        b"\n\n<html><head>",
        b"<HTML>",
        "\ufeff<!doctype HTML>".encode(),
        "<html>".encode("utf-16"),
        b"<!-- saved from url --><html>" + b"x" * 5000,
    ],
    "a Git LFS pointer": [b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"],
    "a ZIP archive": [archive("zip")],
    "a tar archive": [archive("tar")],
    "compressed by gzip": [gzip.compress(b"a")],
    "compressed by xz": [lzma.compress(b"a")],
    "compressed by bzip2": [bz2.compress(b"a")],
    "a video (MP4 or QuickTime)": [
        media(b"mp42"),
        media(b"isom"),
        media(b"qt  "),
        b"\0\0\0\x6cmoov" + bytes(40),
    ],
    "a video (AVI)": [b"RIFF\0\0\0\0AVI LIST"],
    "a video (Matroska or WebM)": [b"\x1aE\xdf\xa3" + bytes(30)],
    "AppleDouble": [b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(60)],
    "text (JSON)": [b'{"error": "quota exceeded"}', b"[1, 2]"],
    "XML": [b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"],
    "text": [b"not found", b"BMW builds cars, and this is a text", "Grüße".encode()],
    "all zero": [bytes(4096)],
    "begins with 80 81": [bytes(range(128, 250))],
}


ALL = [
    pytest.param(reason, name, data, id=f"{name}-{number}")
    for reason, kinds in (("unsupported", PICTURES), ("not_an_image", OTHERS))
    for name, files in kinds.items()
    for number, data in enumerate(files)
]


@pytest.mark.parametrize(("reason", "name", "data"), ALL)
def test_a_file_says_what_it_is(reason: str, name: str, data: bytes) -> None:
    with pytest.raises(ImageError) as caught:
        _ = open_frame(data).rgb
    assert (caught.value.reason, name in caught.value.detail) == (reason, True), caught.value


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO"])
def test_pictures_are_still_pictures(format: str) -> None:
    assert open_frame(saved(format)).rgb.shape[2] == 3


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"\0\0\2\0", b"\n\5\1\x08", b"II*\0\x08\0\0\0", b"\0\0\x0a\0", b"<"]),
)
def test_any_bytes_are_a_row_with_a_reason(data: bytes, start: bytes) -> None:
    with pytest.raises(ImageError) as caught:
        _ = open_frame(start + data).rgb
    assert caught.value.reason in ("empty", "not_an_image", "unsupported", "truncated", "corrupt")


def test_noise_is_no_tga() -> None:
    """TGA has no mark at its beginning: few of all files may look like one."""
    rng = np.random.default_rng(2)
    names: list[str] = []
    for _ in range(3000):
        with pytest.raises(ImageError) as caught:
            open_frame(rng.bytes(600))
        names.append(caught.value.detail)
    assert names.count("TGA") <= 3
