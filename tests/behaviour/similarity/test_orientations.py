"""What is known of a picture is known of it turned; copies are found, and what is alike by chance is not."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from groundglass import testing
from groundglass.image.color_management import luma
from groundglass.similarity.near_duplicates import LEAST, near_duplicate_clusters, nearest_kept
from groundglass.similarity.orientations import WAYS, of_images, to_details, way, ways_of_cells
from groundglass.similarity.perceptual_hash import detail, phash

Picture = NDArray[np.uint8]


def known(pictures: Sequence[Picture]) -> tuple[NDArray[np.uint64], NDArray[np.int8]]:
    rows = [
        phash(picture if picture.ndim == 2 else luma(np.ascontiguousarray(picture))) for picture in pictures
    ]
    names = ("phash", "phash_mirror", "phash_flipped", "phash_detail")
    kinds = (pa.uint64(), pa.uint64(), pa.uint64(), pa.string())
    columns = zip(names, zip(*rows, strict=True), kinds, strict=True)
    hashes, details = of_images({name: pa.chunked_array([pa.array(v, kind)]) for name, v, kind in columns})
    assert details is not None
    return hashes, details


def clusters_of(pictures: Sequence[Picture]) -> list[int]:
    hashes, details = known(pictures)
    return near_duplicate_clusters(hashes[0], hashes[1:], details=details).tolist()


def recompressed(rgb: Picture, quality: int) -> Picture:
    done, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def resized(rgb: Picture, factor: float) -> Picture:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=how), np.uint8)


def sky(seed: int, top: float, bottom: float) -> Picture:
    """A smooth fall of light with the grain of a camera."""
    grain = np.random.default_rng(seed).normal(0, 2, (240, 320))
    return (np.linspace(top, bottom, 240)[:, None] + grain).clip(0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("number", range(WAYS))
def test_the_hash_of_a_turned_picture_follows_from_three(number: int):
    photos = [testing.photo(301, 203, seed) for seed in range(6)]
    hashes, details = known(photos)
    turned, their_details = known([way(photo, number) for photo in photos])
    assert np.bitwise_count(hashes[number] ^ turned[0]).max() <= 1  # sums in another order are rounded
    assert (details[:, ways_of_cells()[number]] - their_details.astype(np.int64)).__abs__().max() <= 1


def test_ways_are_the_turns_and_their_mirrors():
    picture = np.arange(6).reshape(2, 3)
    sides = (picture, picture[:, ::-1])
    wanted = [np.rot90(side, k).tolist() for side in sides for k in range(4)]
    assert sorted(wanted) == sorted(way(picture, n).tolist() for n in range(WAYS))


def test_copies_are_one_cluster_however_they_lie():
    copies: list[Picture] = []
    for seed in range(4):
        photo = testing.photo(320, 240, seed)
        copies += [photo, recompressed(photo, 30), resized(photo, 0.5), resized(photo, 2.0)]
        copies += [
            recompressed(resized(np.ascontiguousarray(way(photo, n)), 0.7), 60) for n in range(1, WAYS)
        ]
    assert clusters_of(copies) == [11 * (place // 11) for place in range(44)]
    hashes, details = known(copies)
    kept, _ = nearest_kept(hashes[0], hashes[1:], details=details)
    assert kept.tolist() == [11 * (place // 11) for place in range(44)]


def test_skies_are_no_copies_though_their_hashes_are_alike():
    skies = [sky(seed, 220 - 5 * seed, 120 + 3 * seed) for seed in range(8)]
    hashes, details = known(skies)
    assert len(set(near_duplicate_clusters(hashes[0], hashes[1:]).tolist())) == 1  # so hashes alone say
    assert near_duplicate_clusters(hashes[0], hashes[1:], details=details).tolist() == list(range(8))
    kept, bits = nearest_kept(hashes[0], hashes[1:], details=details)
    assert kept.tolist() == list(range(8))
    assert not bits.any()


def test_equal_hashes_with_other_detail_are_other_pictures():
    """Fine things in front of one fall of light: the slow waves are the sky's."""
    down, across = np.indices((16, 16))
    skies: list[Picture] = []
    for seed in range(5):
        waves = np.random.default_rng(seed).normal(0, 10, (16, 16)) * (down + across > 12)
        fine = np.asarray(cv2.idct(waves)).repeat(15, 0).repeat(20, 1)
        skies.append((sky(9, 200, 50) + fine).clip(0, 255).astype(np.uint8))
    hashes, details = known(skies)
    assert len(set(near_duplicate_clusters(hashes[0], hashes[1:]).tolist())) == 1  # so hashes alone say
    assert near_duplicate_clusters(hashes[0], hashes[1:], details=details).tolist() == list(range(5))


def test_views_a_tenth_apart_are_other_pictures():
    """The limit: a burst that moves by a tenth of the picture is kept; one that moves by a hundredth is not."""
    wide = testing.photo(600, 400, 3)
    views = [wide[:, start : start + 400] for start in (0, 40, 80, 120, 160)]
    assert clusters_of(views) == [0, 1, 2, 3, 4]
    assert clusters_of([wide[:, 0:400], wide[:, 4:404]]) == [0, 0]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_pictures_are_no_special_case(count: int):
    words = ("phash", "phash_mirror", "phash_flipped")
    hashes, details = of_images(
        {word: pa.chunked_array([pa.array(range(count), pa.uint64())]) for word in words}
        | {"phash_detail": pa.chunked_array([pa.nulls(count, pa.string())])}
    )
    assert hashes.shape == (WAYS, count)
    assert near_duplicate_clusters(hashes[0], hashes[1:], details=details).tolist() == list(range(count))
    assert nearest_kept(hashes[0], hashes[1:], details=details)[0].tolist() == list(range(count))


def test_plain_pictures_have_no_detail():
    assert detail(np.full((32, 32), 80.0)) is None


def test_details_are_read_from_slices_and_nulls():
    texts = [phash(luma(testing.photo(64, 64, seed)))[3] for seed in range(3)]
    whole = pa.array(["x" * 7, texts[0], None, texts[1], texts[2]])
    found = to_details(pa.chunked_array([whole.slice(1), pa.array([None], pa.string())]))
    assert found.shape == (5, 256)
    assert [row.any() for row in found] == [True, False, True, True, False]
    assert (found[2] == to_details(pa.array([texts[1]]))[0]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_the_search_is_that_of_all_pairs(seed: int, distance: int):
    random = np.random.default_rng(seed)
    n = 40
    hashes = random.integers(0, 2**64, (WAYS, 6), dtype=np.uint64)[:, random.integers(0, 6, n)]
    hashes ^= np.uint64(1) << random.integers(0, 64, (WAYS, n), dtype=np.uint64)
    details = random.integers(-9, 10, (3, 256), dtype=np.int8)[random.integers(0, 3, n)]
    details[random.random(n) < 0.1] = 0
    lengths = np.linalg.norm(details.astype(float), axis=1)
    near = np.zeros((n, n), bool)
    for number, cells in enumerate(ways_of_cells()):
        products = details[:, cells].astype(float) @ details.T.astype(float)
        alike = (products >= LEAST * np.outer(lengths, lengths)) & (np.outer(lengths, lengths) > 0)
        near |= alike & (np.bitwise_count(hashes[number][:, None] ^ hashes[0][None]) <= distance)
    near = np.tril(near, -1)
    twin, _ = nearest_kept(hashes[0], hashes[1:], distance, details)
    kept: list[int] = []
    for row in range(n):
        assert (twin[row] == row) == (not near[row, kept].any())
        assert twin[row] == row or near[row, twin[row]]
        kept += [row] if twin[row] == row else []
