"""Decides which files are images before they are read in full: by the ending of the name, and if that is not enough, by
their first bytes.

A file with an image's ending is a row, whatever its content: a broken one has a reason. Any other file is an
image only if its first bytes are an image's; notes, tables and videos are neither images nor failures.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from groundglass.errors import ImageError
from groundglass.files.locators import read_head
from groundglass.image.codecs.detect_format import format_of
from groundglass.sources.archive_members import Member

_IMAGES = """
    jpg jpeg jpe jfif jif mpo png apng webp gif bmp dib tif tiff ico icns jxl jp2 j2k j2c jpc jpf jpx jph heic heics
    heif heifs hif avif avifs ppm pgm pbm pnm pam pfm psd psb qoi
    exr hdr dds tga pcx sgi rgb xbm xpm jxr wdp hdp jls fits fit dcm dpx cin webp2 flif bpg
    dng cr2 cr3 crw nef nrw arw srf sr2 orf rw2 raf pef srw raw rwl 3fr fff iiq mef mos mrw erf kdc dcr x3f
"""
ENDINGS = frozenset(_IMAGES.split())
"""Endings of image files, in lower case; also of formats that cannot be read, since their content is an image."""
_OTHERS = """
    txt caption captions json jsonl cls csv tsv md rst log yaml yml toml ini cfg xml xmp aae pp3 dop url webloc lnk
    html htm pdf svg doc docx xls xlsx py ipynb sh npy npz pt pth ckpt safetensors onnx bin parquet arrow db sqlite
    zip tar gz 7z rar mp4 mov avi mkv webm m4v mts mp3 wav flac m4a part crdownload tmp bak lock md5 sha256
    sha256sum
"""
OTHERS = frozenset(_OTHERS.split())
"""Endings of files that are not images, used if the first bytes cannot be read."""
_HEAD = 1024
_READERS = 16
"""The number of files that are opened at once: on a network drive each read costs a round trip."""
_DOCUMENTS = (b"%PDF", b"<svg", b"<?xml")
_BACKUP = re.compile(r"~\d*$")
"""The suffix that programs append to the name of a backup."""
# Without the system's own lists, so that every machine decides in the same way.
_TYPES = mimetypes.MimeTypes(filenames=())


def ending_of(name: str) -> str:
    """A name's last ending in lower case; empty if there is none.

    >>> ending_of("a.b/c.TAR.GZ"), ending_of("a.b/c"), ending_of(".hidden")
    ('gz', '', '')
    """
    stem, _, ending = name.rpartition("/")[2].rpartition(".")
    return ending.lower() if stem.strip(".") else ""


def has_image_ending(name: str) -> bool:
    """Whether a file counts as an image by its name alone.

    >>> [has_image_ending(name) for name in ("a.JPG", "a.jpg~", "a.jpg~2", "a.txt", "a")]
    [True, True, True, False, False]
    """
    return _BACKUP.sub("", ending_of(name)) in ENDINGS


def are_images(members: Sequence[Member]) -> list[bool]:
    """For each file, whether it is an image, or may be one: then its row says why that is unknown."""
    asked = [member for member in members if not has_image_ending(member.name) and member.error is None]
    with ThreadPoolExecutor(_READERS) as readers:
        found = dict(zip(map(id, asked), readers.map(_begins_as_image, asked, chunksize=64), strict=True))
    return [found[id(member)] if id(member) in found else _by_name(member) for member in members]


def _by_name(member: Member) -> bool:
    if not member.name or has_image_ending(member.name):
        return True
    return member.error != "not_an_image" and not _is_of_others(member.name)


def _is_of_others(name: str) -> bool:
    kind = _TYPES.guess_type(f"a.{ending_of(name)}")[0] or ""
    return ending_of(name) in OTHERS or kind.startswith(("text/", "video/", "audio/", "application/"))


def _begins_as_image(member: Member) -> bool:
    try:
        head = read_head(member.locator, _HEAD)
        if head.startswith(_DOCUMENTS) or (_is_of_others(member.name) and _is_plain_text(head)):
            # A caption may also begin with "BM" or "P1".
            return False
        format_of(head)
    except ImageError as error:
        return error.reason == "unsupported" or (
            error.reason not in ("not_an_image", "empty") and not _is_of_others(member.name)
        )
    return True


def _is_plain_text(head: bytes) -> bool:
    """Whether the bytes are text in some encoding: they contain no control characters."""
    return not any(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
