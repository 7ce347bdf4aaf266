"""Small generated images for tests, the same every time."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from groundglass.libraries import Image

Pixels = npt.NDArray[np.uint8]


def noise(width: int, height: int, seed: int = 0) -> Pixels:
    """Independent uniform noise, H×W×3 uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def gradient(width: int, height: int) -> Pixels:
    """Red rises from left to right, green from top to bottom, blue is 128. Every corner differs, so any turn shows."""
    across = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    down = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    return np.stack([across, down, np.full((height, width), 128.0)], axis=2).round().astype(np.uint8)


def flat(width: int, height: int, value: int = 128) -> Pixels:
    """One grey value everywhere."""
    return np.full((height, width, 3), value, np.uint8)


def photo(width: int, height: int, seed: int = 0) -> Pixels:
    """An image like a photo, H×W×3 uint8: a spectrum that falls as 1/f, edges, shading and a little noise.

    >>> photo(32, 24).shape
    (24, 32, 3)
    """
    random = np.random.default_rng(seed)
    texture = np.stack([_one_over_f(width, height, random) for _ in range(3)], axis=2)
    # In photos the three channels are similar: most structure is shared, and a little is each channel's own.
    shared = _one_over_f(width, height, random)[..., None]
    image = (
        128
        + 26 * shared
        + 8 * texture
        + _shapes(width, height, random)
        + random.normal(0, 1, (height, width, 3))
    )
    return image.round().clip(0, 255).astype(np.uint8)


def _one_over_f(width: int, height: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Noise whose amplitude falls with frequency, mean 0 and deviation 1."""
    across, down = np.fft.rfftfreq(width), np.fft.fftfreq(height)[:, None]
    frequency = np.hypot(across, down)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.normal(size=(height, width))) / frequency
    values = np.fft.irfft2(spectrum, (height, width))
    return values / (values.std() + 1e-12)


def _shapes(width: int, height: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Ellipses of different colours, one over the other: the sharp edges of a photo."""
    rows, columns = np.mgrid[0:height, 0:width]
    shapes = np.zeros((height, width, 3))
    for _ in range(12):
        x, y = random.uniform(0, width), random.uniform(0, height)
        a, b = random.uniform(0.05, 0.3, 2) * max(width, height)
        shapes[((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 < 1] = random.uniform(-60, 60, 3)
    return shapes


def jpeg(rgb: Pixels, quality: int = 90, **settings: object) -> bytes:
    """The image as a JPEG file by Pillow; ``settings`` go to its `save` (subsampling, progressive, exif …)."""
    return encoded(rgb, "JPEG", quality=quality, **settings)


def png(rgb: Pixels) -> bytes:
    """The image as a PNG file."""
    return encoded(rgb, "PNG")


def encoded(rgb: Pixels, format: str, **settings: object) -> bytes:
    """The image as a file of any format that Pillow writes."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, format, **settings)
    return file.getvalue()


def wide_profile(gamma: float = 2.2) -> bytes:
    """A small ICC profile with curves and a matrix, and AdobeRGB's primaries.

    >>> from groundglass.image.codecs import icc_header
    >>> icc_header.description(wide_profile()), icc_header.fits(wide_profile(), "RGB")
    ('wide', True)
    """
    colorants = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(256 * gamma))
    return _matrix_profile("wide", colorants, curve)


def matrix_profile(
    colorants: Sequence[Sequence[float]], curve: tuple[float, float, float, float, float]
) -> bytes:
    """An ICC profile with these colorants (XYZ of red, green, blue, under D50) and one curve for all three:
    (a x + b)^g from d on, c x below, given as g, a, b, c, d.
    """
    numbers = struct.pack(">5i", *(round(65536 * number) for number in curve))
    return _matrix_profile("matrix", colorants, b"para\0\0\0\0" + struct.pack(">H2x", 3) + numbers)


def _matrix_profile(title: str, colorants: Sequence[Sequence[float]], curve: bytes) -> bytes:
    named = dict(
        zip((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"), [*colorants, (0.96420, 1.0, 0.82491)], strict=True)
    )
    tags = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * v) for v in xyz))
        for name, xyz in named.items()
    }
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    text = title.encode() + b"\0"
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(82 - len(text) + 2)
    return _profile(tags)


def _profile(tags: dict[bytes, bytes]) -> bytes:
    start = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12s4s", start + len(body), b"", 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"", b"acsp"
    )
    white = struct.pack(">3i", 63190, 65536, 54061)
    return head + bytes(28) + white + bytes(128 - len(head) - 28 - len(white)) + table + body
