"""What is forgiven in a JPEG is proved whole first: no file that was cut passes, and every padded one does."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image.codecs.jpeg_markers import read_markers
from groundglass.image.frame import open_frame
from shared_data import DATA

KINDS: list[dict[str, Any]] = [
    {},
    {"optimize": True},
    {"progressive": True},
    {"restart_marker_rows": 1},
    {"restart_marker_blocks": 3},
    {"progressive": True, "restart_marker_rows": 1},
]
END = b"\xff\xd9"
MOST_PADDING = 1 << 16


@dataclass(frozen=True)
class Made:
    data: bytes
    scan: int
    seed: int


def _made(seed: int) -> Made:
    """One of 200 JPEGs: of all kinds, qualities 50 to 95, every fifth with a flat lower half."""
    chance = random.Random(seed)
    width, height = chance.randint(40, 320), chance.randint(40, 240)
    picture = testing.photo(width, height, seed)
    if seed % 5 == 4:
        picture[height // 2 :] = picture[height // 2, 0]
    subsampling = chance.choice(["4:2:0", "4:4:4"])
    kind = KINDS[seed % len(KINDS)]
    data = testing.jpeg(picture, chance.randint(50, 95), subsampling=subsampling, **kind)
    return Made(data, read_markers(data).segments[-1][2], seed)


MADE = [_made(seed) for seed in range(200)]


def _accepted(data: bytes) -> bool:
    """False where it is damaged; any other reason is a failure."""
    try:
        _ = open_frame(data).rgb
    except ImageError as error:
        if error.reason not in ("truncated", "corrupt"):
            raise
        return False
    return True


@pytest.mark.parametrize("then", ["left", "00", "FF", "00 and an end marker", "an end marker alone"])
def test_no_jpeg_that_was_cut_is_accepted(then: str) -> None:
    for made in MADE:
        chance = random.Random(made.seed)
        cut = chance.randint(made.scan, len(made.data) - 3)
        lost = len(made.data) - cut
        tail = {
            "left": b"",
            "00": bytes(lost),
            "FF": b"\xff" * lost,
            "00 and an end marker": bytes(lost) + END,
            "an end marker alone": END,
        }[then]
        assert not _accepted(made.data[:cut] + tail), f"seed {made.seed}, cut at {cut}"


@pytest.mark.parametrize("byte", [b"\0", b"\xff"], ids=["00", "FF"])
@pytest.mark.parametrize("where", ["before the end marker", "after it", "instead of it"])
def test_every_whole_jpeg_is_accepted_however_it_is_padded(where: str, byte: bytes) -> None:
    for made in MADE:
        padding = byte * random.Random(made.seed).choice([1, 2, 40, 511, MOST_PADDING])
        body = made.data[:-2]
        if where == "instead of it" and body.endswith(byte):
            continue  # whether the last 00 is the file's own nobody can tell: then it counts as cut off
        data = {
            "before the end marker": body + padding + END,
            "after it": body + END + padding,
            "instead of it": body + padding,
        }[where]
        assert np.array_equal(open_frame(data).rgb, open_frame(made.data).rgb), f"seed {made.seed}"


def test_padding_is_a_warning() -> None:
    data = MADE[0].data
    assert open_frame(data[:-2] + bytes(99) + END).rgb is not None
    frame = open_frame(data[:-2] + bytes(99))
    _ = frame.rgb
    assert frame.warnings == ("no_end_marker", "padded_scan")


def _scan_starts(data: bytes) -> list[int]:
    return [at for at in range(len(data) - 1) if data[at : at + 2] == b"\xff\xda"]


def test_a_progressive_jpeg_without_its_last_scans_is_truncated_whether_or_not_it_is_closed() -> None:
    """A decoder shows it without a complaint: whole, but blurred."""
    data = testing.jpeg(testing.photo(160, 120), 85, progressive=True)
    starts = _scan_starts(data)
    assert len(starts) > 3
    for start in starts[1:]:
        tables = data.rfind(b"\xff\xc4", 0, start)  # the scan's own Huffman tables stand before it
        for end in (b"", END):
            with pytest.raises(ImageError, match="later scans are missing") as caught:
                _ = open_frame(data[:tables] + end).rgb
            assert caught.value.reason == "truncated"


def test_a_progressive_jpeg_that_lacks_only_its_end_marker_is_sound() -> None:
    data = testing.jpeg(testing.photo(160, 120), 85, progressive=True)
    frame = open_frame(data[:-2])
    assert np.array_equal(frame.rgb, open_frame(data).rgb)
    assert frame.warnings == ("no_end_marker",)


def _one_scan_a_component() -> bytes:
    """A grey JPEG's coded data three times over: three components, each in a scan of its own."""
    grey = testing.encoded(testing.photo(64, 48)[..., 0], "JPEG", quality=80)
    frame, scan = grey.index(b"\xff\xc0"), grey.index(b"\xff\xda")
    head = grey[:frame] + b"\xff\xc0\x00\x11" + grey[frame + 4 : frame + 9] + b"\x03"
    head += b"".join(bytes((name, 0x11, 0)) for name in (1, 2, 3))
    tables = grey[frame + 2 + int.from_bytes(grey[frame + 2 : frame + 4], "big") : scan]
    scans = [
        b"\xff\xda\x00\x08\x01" + bytes((name, 0, 0, 63, 0)) + grey[scan + 10 : -2] for name in (1, 2, 3)
    ]
    return head + tables + b"".join(scans) + END


def test_a_jpeg_whose_components_come_one_by_one_needs_all_of_them() -> None:
    data = _one_scan_a_component()
    whole = open_frame(data)
    assert whole.header.width == 64
    _ = whole.rgb
    _ = open_frame(data[:-2]).rgb
    for start in _scan_starts(data)[1:]:
        for end in (b"", END):
            with pytest.raises(ImageError, match="components are missing"):
                _ = open_frame(data[:start] + end).rgb


def test_the_first_picture_of_several_is_judged_alone() -> None:
    """Phones append a second JPEG: its end marker proves nothing of the first."""
    first, second = MADE[0].data, MADE[6].data
    assert _accepted(first + second)
    cut = (MADE[0].scan + len(first)) // 2
    assert not _accepted(first[:cut] + bytes(len(first) - cut) + second)
    assert np.array_equal(open_frame(first[:-2] + bytes(300) + END + second).rgb, open_frame(first).rgb)


def test_the_shared_photograph_with_a_tail_of_zeros_is_refused() -> None:
    path = DATA.parent / "cases" / "pictures" / "jpeg_zero_tail" / "house_zero20.jpg"
    if not path.exists():
        pytest.skip("needs the shared cases")
    assert not _accepted(path.read_bytes())


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_a_short_tail_that_was_filled_up_is_no_picture(byte: bytes) -> None:
    """The last few bytes are where a lenient reading goes wrong: what is filled in may be taken for what is lost.

    Three bytes hold one of the scan beside the end marker, and often that one is only the scan's own filling.
    """
    lost = [3, 4, 5, 6, 8, 12, 16, 24, 48]
    accepted = [
        (made.seed, cut)
        for made in MADE
        for cut in (random.Random(made.seed).choice(lost),)
        if _accepted(made.data[:-cut] + byte * cut)
        and not _same_pixels(made.data, made.data[:-cut] + byte * cut)
    ]
    assert not accepted


def _same_pixels(one: bytes, other: bytes) -> bool:
    return np.array_equal(open_frame(one).rgb, open_frame(other).rgb)
