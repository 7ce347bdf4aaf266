"""Run-length coded BMPs: lines and pictures may end early, deltas skip pixels; nothing may run beyond the picture."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import ImageError
from groundglass.image.frame import open_frame

WIDTH, HEIGHT = 13, 9
END_OF_LINE, END, DELTA = b"\0\0", b"\0\1", b"\0\2"


def bmp(runs: bytes, bits: int, colours: np.ndarray, gap: int = 0) -> bytes:
    """``gap``: bytes between the palette and the runs."""
    palette = np.hstack([colours[:, ::-1], np.zeros((len(colours), 1), np.uint8)])
    start = 14 + 40 + palette.nbytes + gap
    head = struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start)
    info = struct.pack(
        "<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, 1 if bits == 8 else 2, len(runs), 0, 0, len(colours), 0
    )
    return head + info + palette.tobytes() + bytes(gap) + runs


def colours(bits: int) -> np.ndarray:
    return np.random.default_rng(bits).integers(0, 256, (1 << bits, 3), np.uint8)


@st.composite
def drawings(draw: st.DrawFn) -> tuple[int, bytes, np.ndarray]:
    """Bits, runs, and the colours' numbers as they are seen; runs of all kinds, gaps where nothing is drawn."""
    bits = draw(st.sampled_from([4, 8]))
    seen = np.zeros((HEIGHT, WIDTH), np.uint8)
    number = st.integers(0, (1 << bits) - 1)
    runs, x, y = bytearray(), 0, 0
    while y < HEIGHT:
        kind = draw(st.sampled_from(["end", "run", "stored", "delta", "line", "line", "run", "stored"]))
        if kind == "end":
            break
        if kind == "line":
            runs += END_OF_LINE
            x, y = 0, y + 1
        elif kind == "delta":
            right, up = draw(st.integers(0, WIDTH - x)), draw(st.integers(0, HEIGHT - 1 - y))
            runs += DELTA + bytes([right, up])
            x, y = x + right, y + up
        elif kind == "run" and x < WIDTH:
            count, first, second = draw(st.integers(1, WIDTH - x)), draw(number), draw(number)
            runs += bytes([count, first if bits == 8 else first << 4 | second])
            values = [first] * count if bits == 8 else ([first, second] * count)[:count]
            seen[HEIGHT - 1 - y, x : x + count] = values
            x += count
        elif kind == "stored" and WIDTH - x >= 3:
            values = draw(st.lists(number, min_size=3, max_size=WIDTH - x))
            seen[HEIGHT - 1 - y, x : x + len(values)] = values
            x += len(values)
            pairs = [*values, 0][: len(values) + len(values) % 2]
            packed = (
                bytes(values)
                if bits == 8
                else bytes(a << 4 | b for a, b in zip(pairs[::2], pairs[1::2], strict=True))
            )
            runs += bytes([0, len(values)]) + packed + bytes(len(packed) % 2)
    return bits, bytes(runs + END), seen


@given(drawings(), st.integers(0, 3))
def test_what_was_drawn_is_seen(drawing: tuple[int, bytes, np.ndarray], gap: int) -> None:
    bits, runs, seen = drawing
    data = bmp(runs, bits, colours(bits), gap)
    frame = open_frame(data)
    assert np.array_equal(frame.rgb, colours(bits)[seen])
    witness = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if witness is not None and DELTA not in runs:  # OpenCV has another view of deltas at the edge
        assert np.array_equal(frame.rgb, witness[..., ::-1])


@given(drawings(), st.integers(0, 200), st.integers(0, 255))
def test_damage_is_an_error_or_a_picture_of_the_same_size(
    drawing: tuple[int, bytes, np.ndarray], at: int, value: int
) -> None:
    bits, runs, _ = drawing
    damaged = bytearray(runs)
    damaged[at % len(damaged)] = value
    try:
        assert open_frame(bmp(bytes(damaged), bits, colours(bits))).rgb.shape == (HEIGHT, WIDTH, 3)
    except ImageError as error:
        assert error.reason in ("corrupt", "truncated")  # noqa: PT017


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        (bytes([WIDTH + 1, 7]) + END, "corrupt"),
        (bytes([3, 7, 0, 2, 0, HEIGHT, 1, 1]) + END, "corrupt"),
        (bytes([3, 7]), "truncated"),
        (bytes([WIDTH, 7, 0, 0]) * (HEIGHT - 1) + bytes([0, 9, 1, 2]), "truncated"),
        (b"", "truncated"),
    ],
)
def test_runs_that_do_not_fit(runs: bytes, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        _ = open_frame(bmp(runs, 8, colours(8))).rgb
    assert caught.value.reason == reason


def test_the_end_mark_may_be_missing_where_the_picture_is_full() -> None:
    runs = b"".join(bytes([WIDTH, number, 0, 0]) for number in range(HEIGHT))
    assert open_frame(bmp(runs, 8, colours(8))).rgb[0, 0].tolist() == colours(8)[HEIGHT - 1].tolist()


def test_a_colour_beyond_the_palette_is_damage() -> None:
    with pytest.raises(ImageError, match="palette"):
        _ = open_frame(bmp(bytes([WIDTH, 200]) + END, 8, colours(4))).rgb
