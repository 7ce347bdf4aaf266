from __future__ import annotations

from itertools import combinations

import duckdb
import numpy as np
import pytest
from PIL import Image

from groundglass import testing
from groundglass.errors import NoValue
from groundglass.image.color_management import luma
from groundglass.image.frame import open_frame
from groundglass.measures.perceptual_hash import fingerprint
from groundglass.similarity import perceptual_hash as kernel
from groundglass.similarity.perceptual_hash import area_means, hash_of, mirrored, waves
from shared_data import shared

NEAR = 6


def phash(rgb: np.ndarray) -> int:
    """The hash of pixels, without a file between."""
    return kernel.phash(luma(np.ascontiguousarray(rgb)))[0]


def distance(a: int, b: int) -> int:
    return (a ^ b).bit_count()


def resized(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))


def test_copies_are_near():
    for seed in range(12):
        rgb = testing.photo(400, 300, seed)
        own = phash(rgb)
        for quality in (90, 50, 20):
            assert distance(own, phash(open_frame(testing.jpeg(rgb, quality)).rgb)) <= NEAR
        for size in ((200, 150), (133, 100), (520, 390), (401, 300)):
            assert distance(own, phash(resized(rgb, *size))) <= NEAR


def test_real_copies_are_near_and_different_photographs_are_far():
    pixels = [
        np.asarray(Image.open(path).convert("RGB"))
        for path in sorted(shared("train_photos", "cid22").glob("*.png"))
    ]
    hashes = [phash(rgb) for rgb in pixels]
    for rgb, own in zip(pixels, hashes, strict=True):
        assert distance(own, phash(open_frame(testing.jpeg(rgb, 50)).rgb)) <= NEAR
        assert distance(own, phash(resized(rgb, 171, 171))) <= NEAR
    apart = [distance(a, b) for a, b in combinations(hashes, 2)]
    assert min(apart) > 2 * NEAR
    assert 28 < np.median(apart) < 36


def test_known_duplicates():
    folder = shared("dedup", "imagededup")
    base = fingerprint(open_frame(folder / "base_images" / "ukbench00120.jpg"))
    same = fingerprint(open_frame(folder / "mixed_images" / "ukbench00120_resize.jpg"))
    flipped = fingerprint(open_frame(folder / "mixed_images" / "ukbench00120_hflip.jpg"))
    assert distance(base["phash"], same["phash"]) <= NEAR
    assert distance(base["phash"], flipped["phash"]) > NEAR
    assert distance(base["phash"], flipped["phash_mirror"]) <= NEAR


@pytest.mark.parametrize("seed", range(5))
def test_mirror_is_the_hash_of_the_mirrored_picture(seed: int):
    rgb = testing.photo(333, 211, seed)
    plain, flipped = (fingerprint(open_frame(testing.png(x))) for x in (rgb, rgb[:, ::-1].copy()))
    assert (plain["phash"], plain["phash_mirror"]) == (flipped["phash_mirror"], flipped["phash"])
    assert plain["phash"] == phash(rgb)
    slow = waves(area_means(rgb[..., 0]))
    assert hash_of(mirrored(mirrored(slow))) == hash_of(slow)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_one_colour_has_no_fingerprint(value: int):
    with pytest.raises(NoValue) as caught:
        fingerprint(open_frame(testing.png(testing.flat(100, 80, value))))
    assert caught.value.reason == "flat"


def test_distance_in_duckdb_is_that_of_python():
    pairs = [
        (phash(testing.photo(64, 64, seed)), phash(testing.photo(64, 64, seed + 50))) for seed in range(20)
    ]
    pairs += [(0, 2**64 - 1), (2**63, 0)]
    for a, b in pairs:
        found = duckdb.execute("SELECT bit_count(xor(?::UBIGINT, ?::UBIGINT))", [a, b]).fetchone()
        assert found == (distance(a, b),)
        assert np.bitwise_count(np.uint64(a) ^ np.uint64(b)) == distance(a, b)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (31, 33), (32, 32), (64, 96), (61, 77)])
def test_area_means_are_exact(size: tuple[int, int]):
    grey = np.random.default_rng(5).integers(0, 256, size).astype(np.uint8)
    whole = np.kron(grey.astype(np.float64), np.ones((32, 32)))  # every pixel in 32×32 parts
    height, width = size
    wanted = whole.reshape(32, height, 32, width).mean(axis=(1, 3))
    assert area_means(grey) == pytest.approx(wanted, rel=1e-5)
