"""The common names of files that this program does not read as images.

Formats of images that cannot be read are `unsupported`; anything else is `not_an_image`. If such a file has an image's
name, the reason of its row says what it is.
"""

from __future__ import annotations

from groundglass.errors import ImageError

_UNREAD_FORMATS = (
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"DDS ", "DDS, a texture"),
    (b"\xabKTX ", "KTX, a texture"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"\x01\xda", "SGI"),
    (b"\0\0\2\0", "CUR, a mouse pointer"),
    (b"icns", "ICNS, icons of macOS"),
    (b"PF\n", "PFM, floating-point samples"),
    (b"Pf\n", "PFM, floating-point samples"),
    (b"PF4\n", "PFM, floating-point samples"),
    (b"P7\n", "PAM"),
    (b"Y\xa6j\x95", "Sun raster"),
    (b"farbfeld", "farbfeld"),
    (b"FLIF", "FLIF"),
    (b"BPG\xfb", "BPG"),
    (b"gimp xcf", "XCF, a GIMP project"),
    (b"AT&TFORM", "DjVu, a document"),
    (b"SIMPLE  =", "FITS"),
    (b"\x8aMNG\r\n", "MNG, an animation"),
    (b"\x8bJNG\r\n", "JNG"),
    (b"\xd7\xcd\xc6\x9a", "WMF, a drawing"),
    (b"\x97JB2\r\n", "JBIG2"),
    (b"/* XPM", "XPM"),
    (b"%PDF", "PDF, a document"),
    (b"%!PS", "PostScript, a document"),
    (b"\xc5\xd0\xd3\xc6", "EPS, a drawing"),
    (b"FUJIFILMCCD-RAW", "camera raw (Fujifilm RAF)"),
    (b"IIRO", "camera raw (Olympus ORF)"),
    (b"IIRS", "camera raw (Olympus ORF)"),
    (b"MMOR", "camera raw (Olympus ORF)"),
    (b"IIU\0", "camera raw (Panasonic RW2)"),
    (b"FOVb", "camera raw (Sigma X3F)"),
    (b"\0MRM", "camera raw (Minolta MRW)"),
    (b"II\x1a\0\0\0HEAPCCDR", "camera raw (Canon CRW)"),
    (b"ARRI\x12\x34\x56\x78", "camera raw (ARRIRAW)"),
)
"""Formats of images, drawings and documents that groundglass does not read, by their first bytes."""

_OTHERS = (
    (
        b"version https://git-lfs.github.com",
        "a Git LFS pointer: the file itself was not downloaded (git lfs pull)",
    ),
    (b"PK\3\4", "a ZIP archive"),
    (b"PK\5\6", "an empty ZIP archive"),
    (b"7z\xbc\xaf'\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ\0", "compressed by xz"),
    (b"(\xb5/\xfd", "compressed by Zstandard"),
    (b'\x04"M\x18', "compressed by LZ4"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (b"\0\0\1\xba", "a video (MPEG)"),
    (b"\0\0\1\xb3", "a video (MPEG)"),
    (b"FLV\1", "a video (Flash)"),
    (b"0&\xb2u\x8ef\xcf\x11", "a video (Windows Media)"),
    (b"OggS", "a sound or video (Ogg)"),
    (b"ID3", "a sound (MP3)"),
    (b"fLaC", "a sound (FLAC)"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"\x89HDF\r\n\x1a\n", "a table of HDF5"),
    (b"PAR1", "a table of Parquet"),
    (b"SQLite format 3\0", "a database of SQLite"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program of Windows"),
    (b"bplist00", "settings of macOS"),
    (b"\0\5\x16\7", "a companion file of macOS (AppleDouble), without the image"),
    (b"\0\0\0\1Bud1", "a folder's settings of macOS (.DS_Store)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document, or Thumbs.db of Windows"),
)
"""Other files that may have an image's name, by their first bytes."""

_RIFF = {b"AVI ": "a video (AVI)", b"WAVE": "a sound (WAV)", b"ACON": "an animated mouse pointer"}
_VIDEO_BRANDS = (
    b"isom",
    b"iso2",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"qt  ",
    b"dash",
)
_VIDEO_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip")


def refuse(data: bytes) -> ImageError:
    """The error for bytes that begin like none of the formats read here.

    >>> str(refuse(b"<!DOCTYPE html><title>Not found"))
    'not_an_image: a web page (HTML)'
    >>> str(refuse(b"DDS |"))
    'unsupported: DDS, a texture'
    """
    for magic, name in _UNREAD_FORMATS:
        if data.startswith(magic):
            # An uncompressed TGA may begin with the bytes of a mouse pointer.
            return ImageError("unsupported", "TGA" if name.startswith("CUR") and _is_tga(data) else name)
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return ImageError("not_an_image", name)
    if data[:4] == b"RIFF":
        return ImageError("not_an_image", _RIFF.get(data[8:12], f"a RIFF file of kind {data[8:12]!r}"))
    if data[4:8] in _VIDEO_BOXES:
        return ImageError("not_an_image", "a video (MP4 or QuickTime)")
    return _by_structure(data) or _text(data) or ImageError("not_an_image", _beginning(data))


def refuse_media(brand: bytes) -> ImageError:
    """The error for an ISO media file of this main brand, which is neither AVIF nor HEIF."""
    if brand == b"crx ":
        return ImageError("unsupported", "camera raw (Canon CR3)")
    if brand in _VIDEO_BRANDS or brand[:2] == b"3g":
        return ImageError("not_an_image", "a video (MP4 or QuickTime)")
    if brand in (b"M4A ", b"M4B "):
        return ImageError("not_an_image", "a sound (MP4)")
    return ImageError("not_an_image", f"a media file of kind {brand!r}")


def _by_structure(data: bytes) -> ImageError | None:
    """Formats without a mark at their beginning."""
    if data[128:132] == b"DICM":
        return ImageError("unsupported", "DICOM")
    if data[40:44] == b" EMF" and data[:4] == b"\1\0\0\0":
        return ImageError("unsupported", "EMF, a drawing")
    if (
        data[:1] == b"\n"
        and data[1:2] in b"\0\2\3\4\5"
        and data[2:3] in b"\0\1"
        and data[3:4] in b"\1\2\4\10"
    ):
        return ImageError("unsupported", "PCX")
    if _is_tga(data):
        return ImageError("unsupported", "TGA")
    if data.startswith(b"#define ") and b"_width " in data[:200]:
        return ImageError("unsupported", "XBM")
    if data[257:262] == b"ustar":
        return ImageError("not_an_image", "a tar archive")
    if data[:188:188] == b"G" and data[188:189] == b"G" and data[376:377] == b"G":
        return ImageError("not_an_image", "a video (MPEG transport stream)")
    return None


def _is_tga(data: bytes) -> bool:
    """Truevision's mark at the end, or a header with consistent fields: TGA has no mark at its beginning."""
    if data[-18:] == b"TRUEVISION-XFILE.\0":
        return True
    if len(data) < 18 or data[1] > 1 or data[2] not in (1, 2, 3, 9, 10, 11):
        return False
    mapped, kind, bits = data[1], data[2] & 7, data[16]
    width, height = int.from_bytes(data[12:14], "little"), int.from_bytes(data[14:16], "little")
    if not width or not height or bits not in ((8, 16) if kind != 2 else (15, 16, 24, 32)):
        return False
    if (
        mapped != (kind == 1)
        or (not mapped and any(data[3:8]))
        or (mapped and data[7] not in (15, 16, 24, 32))
    ):
        return False
    table = int.from_bytes(data[5:7], "little") * (-(-data[7] // 8))
    pixels = len(data) - 18 - data[0] - table
    return pixels > 0 and (data[2] > 3 or pixels >= width * height * (-(-bits // 8)))


_CODINGS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def _text(data: bytes) -> ImageError | None:
    """The error for text: a web page, a drawing, a server's answer, or just text."""
    coding = _CODINGS.get(data[:2], "utf-8")
    try:
        words = data[:1024].decode(coding, "ignore" if len(data) > 1024 else "strict")
    except UnicodeDecodeError:
        return None
    words = words.lstrip("\ufeff\0 \t\r\n")
    if not words or any(ord(letter) < 32 and letter not in "\t\r\n\f" for letter in words):
        return None
    low = words.lower()
    if "<svg" in low:
        return ImageError("unsupported", "SVG, a drawing")
    if low.startswith("<!doctype html") or "<html" in low or "<head" in low or "<body" in low:
        return ImageError("not_an_image", "a web page (HTML)")
    if low.startswith(("<?xml", "<!doctype")):
        return ImageError("not_an_image", "XML")
    if low[0] in "{[":
        return ImageError("not_an_image", "text (JSON)")
    return ImageError("not_an_image", "text")


def _beginning(data: bytes) -> str:
    if not any(data):
        return f"{len(data)} bytes, all zero"
    return f"begins with {data[:8].hex(' ')}"
