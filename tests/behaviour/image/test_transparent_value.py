"""A PNG's one transparent value or colour is compared at the file's own depth."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import ImageError
from groundglass.image.codecs import deep_samples
from groundglass.image.frame import open_frame

GREY, COLOUR = 0, 2


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(values: np.ndarray, depth: int, colour: int, transparent: bytes) -> bytes:
    height, width = values.shape[:2]
    rows = values.reshape(height, -1)
    if depth == 16:
        packed = [row.astype(">u2").tobytes() for row in rows]
    else:
        ones = (rows[..., None] >> np.arange(depth - 1, -1, -1) & 1).reshape(height, -1)
        packed = [row.tobytes() for row in np.packbits(ones.astype(np.uint8), axis=1)]
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in packed))
    parts = ((b"IHDR", head), (b"tRNS", transparent), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in parts)


@given(
    st.sampled_from([(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (COLOUR, 8), (COLOUR, 16)]),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_only_the_very_value_is_transparent(kind: tuple[int, int], seed: int, stray_bits: bool) -> None:
    colour, depth = kind
    white = 2**depth - 1
    rng = np.random.default_rng(seed)
    channels = 1 if colour == GREY else 3
    values = rng.integers(0, white + 1, (12, 17, channels)).astype(np.int64)
    key = values[0, 0].copy()
    values[4:6] = key
    values[6] = key
    values[6, :, 0] ^= 1  # as near as can be
    stored = [int(value) | (stray_bits and depth < 16) << depth for value in key]
    frame = open_frame(png(values, depth, colour, struct.pack(f">{channels}H", *stored)))
    hidden = (values == key).all(axis=2, keepdims=True)
    shown = np.where(hidden, 255, np.rint(values * (255 / white)))
    assert np.array_equal(frame.rgb, np.broadcast_to(shown, frame.rgb.shape))
    assert frame.header.alpha


def test_two_decoders_that_disagree_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).integers(0, 65536, (12, 17, 3))
    data = png(values, 16, COLOUR, struct.pack(">3H", 1, 2, 3))
    assert open_frame(data).rgb.shape == (12, 17, 3)
    seen = deep_samples.decoded(data)
    assert seen is not None
    seen[3, 4, 1] ^= 0x100
    monkeypatch.setattr(deep_samples, "decoded", lambda _: seen)
    with pytest.raises(ImageError, match="two decoders give different pixels") as caught:
        _ = open_frame(data).rgb
    assert caught.value.reason == "corrupt"
