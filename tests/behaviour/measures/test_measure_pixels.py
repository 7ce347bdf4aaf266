from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from groundglass import testing
from groundglass.image.frame import open_frame
from groundglass.measures.pixel_hash import pixels


def hash_in(data: bytes) -> object:
    return pixels(open_frame(data))["pixels_sha256"]


def test_format_and_metadata_do_not_count():
    photo = testing.photo(64, 48)
    files = [testing.encoded(photo, kind) for kind in ("PNG", "BMP", "TIFF")]
    files.append(testing.encoded(photo, "WEBP", lossless=True))
    assert len(set(files)) == 4
    assert len({hash_in(data) for data in files}) == 1


def test_an_orientation_tag_counts_as_it_is_seen():
    photo = testing.photo(64, 48)
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(photo)))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown a quarter turn clockwise
    file = io.BytesIO()
    turned.save(file, "PNG", exif=exif)
    assert hash_in(file.getvalue()) == hash_in(testing.png(photo))


@pytest.mark.parametrize("place", [(0, 0, 0), (47, 63, 2)])
def test_one_value_counts(place: tuple[int, int, int]):
    photo = testing.photo(64, 48)
    other = photo.copy()
    other[place] ^= 1
    assert hash_in(testing.png(photo)) != hash_in(testing.png(other))


def test_the_same_values_in_another_shape_are_another_picture():
    assert hash_in(testing.png(testing.flat(20, 10))) != hash_in(testing.png(testing.flat(10, 20)))
