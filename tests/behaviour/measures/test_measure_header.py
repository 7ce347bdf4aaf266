from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groundglass import testing
from groundglass.image import decode
from groundglass.image.frame import open_frame
from groundglass.measures.header import MEASURE, header, jpeg_quality
from shared_data import shared

RGB = testing.photo(48, 32)


def facts(data: bytes) -> dict[str, Any]:
    return dict(header(open_frame(data)))


@pytest.mark.parametrize("quality", range(1, 101))
def test_quality_is_exact_for_libjpegs_tables(quality: int):
    found = facts(testing.jpeg(RGB, quality))
    assert (found["jpeg_quality"], found["jpeg_quality_error"]) == (quality, 0)


@pytest.mark.parametrize("quality", [1, 10, 24, 50, 75, 92, 100])
def test_quality_of_grey_and_of_printing_colours(quality: int):
    for mode in ("L", "CMYK"):
        file = io.BytesIO()
        Image.fromarray(RGB).convert(mode).save(file, "JPEG", quality=quality)
        found = facts(file.getvalue())
        assert (found["jpeg_quality"], found["jpeg_quality_error"]) == (quality, 0), mode


@pytest.mark.parametrize("quality", [1, 5, 23, 50, 90])
def test_quality_of_tables_not_capped_at_255(quality: int):
    from groundglass.measures.header import ijg_tables

    luma, chroma = (tuple(table) for table in ijg_tables()[quality - 1].tolist())
    assert jpeg_quality((luma, chroma, chroma)) == (quality, 0)


def test_tables_of_another_maker_have_an_error():
    file = io.BytesIO()
    vendor = [[1 + n // 3 for n in range(64)], [2 + n // 2 for n in range(64)]]
    Image.fromarray(RGB).save(file, "JPEG", qtables=vendor)
    found = facts(file.getvalue())
    assert found["jpeg_quality_error"] > 0.5
    assert 1 <= found["jpeg_quality"] <= 100


def test_cameras_have_tables_of_their_own():
    files = sorted(shared("low_quality", "digicam").glob("*.jpg"))
    errors = [facts(path.read_bytes())["jpeg_quality_error"] for path in files]
    assert any(errors)


def test_what_the_file_says():
    data = testing.jpeg(RGB, 90, subsampling=2, progressive=True)
    found = facts(data)
    assert found == {
        "width": 48,
        "height": 32,
        "megapixels": 48 * 32 / 1e6,
        "aspect_ratio": 1.5,
        "bit_depth": 8,
        "format": "JPEG",
        "bytes": len(data),
        "bits_per_pixel": 8 * len(data) / (48 * 32),
        "has_alpha": False,
        "frames": 1,
        "chroma_subsampling": "4:2:0",
        "progressive": True,
        "jpeg_quality": 90,
        "jpeg_quality_error": 0,
    }


@pytest.mark.parametrize(("number", "name"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_subsampling(number: int, name: str):
    assert facts(testing.jpeg(RGB, subsampling=number))["chroma_subsampling"] == name


def test_other_formats_have_no_jpeg_facts():
    found = facts(testing.png(np.dstack([RGB, RGB[..., 0]])))
    assert found["has_alpha"] is True
    assert found["format"] == "PNG"
    for name in ("chroma_subsampling", "progressive", "jpeg_quality", "jpeg_quality_error"):
        assert found[name] is None


def test_a_turned_photograph_has_its_upright_size():
    exif = Image.Exif()
    exif[274] = 8
    found = facts(testing.jpeg(RGB, exif=exif))
    assert (found["width"], found["height"]) == (32, 48)


def test_a_region_has_its_own_size_and_the_photographs_file():
    data = testing.jpeg(RGB, 80)
    whole, part = facts(data), dict(header(open_frame(data).at("resize(24x16,box)/crop(4,4,12,8)")))
    own = {"width", "height", "megapixels", "aspect_ratio"}
    assert (part["width"], part["height"], part["megapixels"]) == (12, 8, 96 / 1e6)
    assert {k: v for k, v in part.items() if k not in own} == {k: v for k, v in whole.items() if k not in own}


def test_nothing_is_decoded(monkeypatch: pytest.MonkeyPatch):
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(decode, "decode", never)
    assert MEASURE.needs == "header"
    assert facts(testing.jpeg(RGB))["width"] == 48


@pytest.mark.parametrize("name", ["f-18.jpg", "gradient_ls.jpg"])
def test_a_lossless_jpeg_without_tables_lacks_only_its_quality(name: str):
    found = facts(shared("torture", "twelvemonkeys_jpeg", "jpeg-lossless", name).read_bytes())
    assert (found["format"], found["jpeg_quality"], found["jpeg_quality_error"]) == ("JPEG", None, None)
    assert found["width"] > 1
    assert found["progressive"] is False


@pytest.mark.parametrize("tables", [(), ((),), ((), (), ()), ((16,) * 64, (), ()), ((16,) * 63,)])
def test_no_quality_without_whole_tables(tables: tuple[tuple[int, ...], ...]):
    assert jpeg_quality(tables) == (None, None)
