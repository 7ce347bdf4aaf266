"""Damaged files of every format that is read, made from a seed: the same number gives the same file."""

from __future__ import annotations

import importlib
import io
import random
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from groundglass import testing

FILES: dict[str, tuple[str, dict[str, Any]]] = {
    "jpeg": ("JPEG", {"quality": 88}),
    "jpeg-progressive": ("JPEG", {"quality": 88, "progressive": True}),
    "jpeg-restart": ("JPEG", {"quality": 88, "restart_marker_rows": 1}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"quality": 85}),
    "webp-lossless": ("WEBP", {"lossless": True}),
    "avif": ("AVIF", {"quality": 75, "speed": 9}),
    "heic": ("HEIF", {"quality": 75}),
    "jxl": ("JXL", {"quality": 85, "effort": 3}),
    "jxl-lossless": ("JXL", {"lossless": True, "effort": 2}),
    "jpeg2000": ("JPEG2000", {"irreversible": True, "quality_mode": "dB", "quality_layers": [42]}),
    "tiff": ("TIFF", {}),
    "tiff-deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "tiff-lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "tiff-packbits": ("TIFF", {"compression": "packbits"}),
    "tiff-jpeg": ("TIFF", {"compression": "jpeg"}),
    "tiff-fax4": ("TIFF", {"compression": "group4"}),
    "bmp": ("BMP", {}),
    "gif": ("GIF", {}),
    "ppm": ("PPM", {}),
    "qoi": ("QOI", {}),
    "ico": ("ICO", {"sizes": [(128, 96)]}),
    "psd": ("PSD", {}),
}
PLUGINS = {"heic": "pillow_heif", "jxl": "pillow_jxl", "jxl-lossless": "pillow_jxl"}
MUTATIONS = ("flipped bits", "cut", "zeros", "one byte", "random bytes", "swapped blocks")
PICTURES = 4


@dataclass(frozen=True)
class Mutated:
    """A damaged file, the sound one that it was, and what was done to it."""

    seed: int
    kind: str
    mutation: str
    data: bytes
    sound: bytes


def kinds() -> list[str]:
    """The formats that can be written here."""
    return [kind for kind in FILES if kind not in PLUGINS or _has(PLUGINS[kind])]


def _has(module: str) -> bool:
    try:
        plugin = importlib.import_module(module)
    except ImportError:
        return False
    if module == "pillow_heif":
        plugin.register_heif_opener()
    return True


@cache
def sound(kind: str, number: int) -> bytes:
    """A picture of this format, one of `PICTURES`."""
    picture = testing.photo(150 + 31 * number, 110 + 17 * number, seed=number)
    format, settings = FILES[kind]
    if kind == "psd":
        return _psd(picture)
    image = Image.fromarray(picture)
    if kind in ("gif", "tiff-fax4"):
        image = image.quantize(64) if kind == "gif" else image.convert("1")
    file = io.BytesIO()
    image.save(file, format, **settings)
    return file.getvalue()


def _psd(picture: np.ndarray) -> bytes:
    """A PSD without layers; each row is a literal run of PackBits, in pieces of 128."""
    height, width = picture.shape[:2]
    rows = [
        b"".join(bytes((len(line[at : at + 128]) - 1,)) + line[at : at + 128] for at in range(0, width, 128))
        for plane in range(3)
        for line in (row.tobytes() for row in picture[..., plane])
    ]
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, height, width, 8, 3) + bytes(12)
    return head + b"\0\1" + b"".join(struct.pack(">H", len(row)) for row in rows) + b"".join(rows)


def mutated(seed: int) -> Mutated:
    """The damaged file of this number."""
    chance = random.Random(seed)
    known = kinds()
    kind, mutation = known[seed % len(known)], MUTATIONS[seed // len(known) % len(MUTATIONS)]
    whole = sound(kind, chance.randrange(PICTURES))
    return Mutated(seed, kind, mutation, _damaged(whole, mutation, chance), whole)


def _damaged(whole: bytes, mutation: str, chance: random.Random) -> bytes:
    data, size = bytearray(whole), len(whole)
    length = max(1, min(size // 2, round(size * 10 ** chance.uniform(-3, -0.4))))
    at = chance.randrange(size - length + 1)
    if mutation == "flipped bits":
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(size)] ^= 1 << chance.randrange(8)
    elif mutation == "cut":
        del data[chance.randrange(size) :]
    elif mutation == "random bytes":
        data[at : at + length] = chance.randbytes(length)
    elif mutation == "swapped blocks":
        other = chance.randrange(size - length + 1)
        data[at : at + length], data[other : other + length] = (
            data[other : other + length],
            data[at : at + length],
        )
    else:
        byte = 0 if mutation == "zeros" else chance.choice([0xFF, 0x20, 0xAA, 0xF6])
        if chance.random() < 0.5:  # up to the end, as an interrupted copy leaves it
            at = size - length
        data[at : at + length] = bytes((byte,)) * length
    return bytes(data[:size])
