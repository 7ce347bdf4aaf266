"""Sprite sheets: every picture once, none over another, the same files for the same pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from groundglass.image.region import Box
from groundglass.reports.thumbnail_sheets import SheetSettings, fit, pack, write_sheets

SIZES = st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 4000)), max_size=80)


def encoded(colour: tuple[int, int, int], size: tuple[int, int] = (240, 160), form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, form)
    return out.getvalue()


def overlap(a: Box, b: Box) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


@given(SIZES)
def test_every_picture_has_one_box_and_none_overlap(sizes):
    keyed = [(str(place), size) for place, size in enumerate(sizes)]
    sheets = list(pack(keyed, SheetSettings()))
    assert [key for sheet in sheets for key in sheet] == [key for key, _ in keyed]
    for sheet in sheets:
        boxes = list(sheet.values())
        assert not any(overlap(a, b) for place, a in enumerate(boxes) for b in boxes[:place])
        assert max(box.x + box.width for box in boxes) <= 6 * 160
        assert max(box.y + box.height for box in boxes) <= 3 * 160


@given(st.tuples(st.integers(1, 9000), st.integers(1, 9000)))
def test_pictures_keep_their_shape_and_are_never_enlarged(size):
    width, height = fit(size, SheetSettings())
    assert 1 <= width <= min(size[0], 320)
    assert 1 <= height <= min(size[1], 160)
    assert abs(width * size[1] - height * size[0]) <= max(size)


def test_sheets_show_the_pictures_where_the_boxes_say(tmp_path: Path):
    colours = {str(n): tuple(int(v) for v in np.random.default_rng(n).integers(0, 256, 3)) for n in range(90)}
    thumbnails = {
        key: encoded(colour, form=("PNG", "JPEG", "WEBP")[int(key) % 3]) for key, colour in colours.items()
    }
    sheets = write_sheets([*colours, "no thumbnail"], thumbnails, tmp_path)
    assert sorted(key for sheet in sheets for key in sheet.boxes) == sorted(colours)
    for sheet in sheets:
        pixels = np.asarray(Image.open(tmp_path / sheet.name)).astype(int)
        assert pixels.shape == (sheet.height, sheet.width, 3)
        for key, box in sheet.boxes.items():
            # Half-size chroma is interpolated across the outermost pixels; within, a picture is its own.
            inside = pixels[box.y + 2 : box.y + box.height - 2, box.x + 2 : box.x + box.width - 2]
            assert np.abs(inside - colours[key]).max() < 16


def test_same_pictures_give_the_same_files(tmp_path: Path):
    thumbnails = {str(n): encoded((n, 2 * n, 255 - n)) for n in range(60)}
    one, two = (write_sheets(list(thumbnails), thumbnails, tmp_path / name) for name in ("a", "b"))
    assert one == two
    for sheet in one:
        assert (tmp_path / "a" / sheet.name).read_bytes() == (tmp_path / "b" / sheet.name).read_bytes()


def test_damaged_thumbnails_are_left_out_or_left_empty(tmp_path: Path):
    good = encoded((200, 30, 40), form="JPEG")
    thumbnails = {"good": good, "noise": b"\x00not a picture", "empty": b"", "cut": good[:200]}
    sheets = write_sheets(["noise", "good", "empty", "cut"], thumbnails, tmp_path)
    assert "good" in sheets[0].boxes
    assert {"noise", "empty"}.isdisjoint(sheets[0].boxes)
