from __future__ import annotations

import io
from statistics import median

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy.fft import dctn

from groundglass import testing
from groundglass.errors import NoValue
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.blockiness.block_dct import block_variation
from groundglass.measures.blockiness.blockiness import blockiness, blockiness_of
from shared_data import shared

Luma = npt.NDArray[np.uint8]


def value(frame: Frame) -> float:
    found = blockiness(frame)["blockiness"]
    assert isinstance(found, float)
    return found


def reference(luma: Luma) -> float:
    """The released procedure, step by step in double precision."""
    height, width = (side - side % 8 if side % 8 >= 4 else side - side % 8 - 8 for side in luma.shape)
    on_grid = mean_variation(luma[:height, :width].astype(np.float64))
    cropped = mean_variation(luma[4 : 4 + height, 4 : 4 + width].astype(np.float64))
    total = 0.0
    for i in range(8):
        for j in range(8):
            total += abs(cropped[i, j] - on_grid[i, j]) / on_grid[i, j]
    return total


def mean_variation(luma: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rows, columns = luma.shape[0] // 8, luma.shape[1] // 8
    D = {
        (r, c): dctn(luma[8 * r : 8 * r + 8, 8 * c : 8 * c + 8], norm="ortho")
        for r in range(rows)
        for c in range(columns)
    }
    total, count = np.zeros((8, 8)), 0
    for r in range(2, rows - 1):
        for c in range(2, columns - 1):
            across = D[r, c - 1] + D[r, c + 1] - 2 * D[r, c]
            down = D[r - 1, c] + D[r + 1, c] - 2 * D[r, c]
            total += np.sqrt(across**2 + down**2)
            count += 1
    return total / count


@pytest.mark.parametrize("quality", [100, 90, 50, 10])
@pytest.mark.parametrize("size", [(36, 36), (37, 43), (40, 44), (100, 131), (184, 176)])
def test_agrees_with_the_reference(size: tuple[int, int], quality: int):
    luma = open_frame(testing.jpeg(testing.photo(*size, seed=quality), quality)).luma
    assert blockiness_of(luma) == pytest.approx(reference(luma), rel=1e-5)


@pytest.mark.parametrize("columns", [4, 5, 79, 80, 81, 511, 512, 513, 514, 515, 1025])
def test_every_width_of_the_strips(columns: int):
    luma = testing.noise(8 * columns + 3, 48, seed=columns)[..., 0]
    wanted = mean_variation(luma[3 : 3 + 40, 2 : 2 + 8 * columns].astype(np.float64))
    assert block_variation(luma, 3, 2, 5, columns) == pytest.approx(wanted, rel=2e-6)


def test_real_photograph_agrees_with_the_reference():
    data = testing.jpeg(np.asarray(Image.open(photographs()[0]).convert("RGB")), 85)
    luma = open_frame(data).grid_luma[:260, :300]
    assert blockiness_of(luma) == pytest.approx(reference(luma), rel=1e-5)


def photographs() -> list[str]:
    return [str(path) for path in sorted(shared("train_photos", "cid22").glob("*.png"))]


def test_medians_of_real_photographs():
    """Published medians of DF2K at these qualities; other photographs come within a quarter of them."""
    pixels = [np.asarray(Image.open(path).convert("RGB")) for path in photographs()]
    for quality, published in ((95, 10.3), (85, 47), (75, 83), (50, 165)):
        values = [value(open_frame(testing.jpeg(rgb, quality))) for rgb in pixels]
        assert median(values) == pytest.approx(published, rel=0.25)
    assert median(value(open_frame(path)) for path in photographs()) < 3


def test_more_compression_is_more_blockiness():
    rgb = testing.photo(320, 256)
    qualities = (88, 82, 75, 65, 50, 35)
    values = [value(open_frame(testing.jpeg(rgb, quality))) for quality in qualities]
    assert values == sorted(values)
    assert value(open_frame(testing.png(rgb))) < values[0]


def test_a_tile_is_measured_on_its_photographs_grid():
    data = testing.jpeg(testing.photo(640, 640), 50)
    photograph = open_frame(data)
    whole = value(photograph)
    assert whole > 40
    for region in ("crop(0,0,512,512)", "crop(3,5,512,512)", "crop(66,98,512,512)"):
        assert value(photograph.at(region)) == pytest.approx(whole, rel=0.15)
    cut = testing.png(np.ascontiguousarray(photograph.rgb[2:, 2:]))
    assert value(open_frame(cut)) < 0.05 * whole


def test_a_turned_photograph_is_measured_as_it_was_stored():
    exif = Image.Exif()
    exif[274] = 6
    rgb = testing.photo(300, 220)
    plain, turned = testing.jpeg(rgb, 50), testing.jpeg(rgb, 50, exif=exif)
    assert open_frame(turned).rgb.shape == (300, 220, 3)
    assert value(open_frame(turned)) == value(open_frame(plain))


def test_resizing_removes_the_grid():
    photograph = open_frame(testing.jpeg(testing.photo(400, 400), 50))
    assert value(photograph.at("resize(360x360,lanczos)")) < 0.1 * value(photograph)


@pytest.mark.parametrize(("left", "top"), [(0, 0), (2, 3), (7, 1), (4, 4)])
def test_search_finds_the_grid(left: int, top: int):
    decoded = open_frame(testing.jpeg(testing.photo(200, 180), 60)).rgb
    cut = open_frame(testing.png(np.ascontiguousarray(decoded[top:, left:])))
    found = blockiness(cut, search_phases=True)
    assert (found["phase_x"], found["phase_y"]) == (-left % 8, -top % 8)
    assert found["blockiness"] == max(
        blockiness_of(cut.grid_luma[y:, x:]) for x in (0, -left % 8) for y in (0, -top % 8)
    )


def test_no_phase_unless_searched():
    found = blockiness(open_frame(testing.png(testing.photo(64, 64))))
    assert found["phase_x"] is None
    assert found["phase_y"] is None


@pytest.mark.parametrize("size", [(35, 36), (36, 35), (1, 400), (8, 8)])
def test_too_small(size: tuple[int, int]):
    with pytest.raises(NoValue) as caught:
        blockiness(open_frame(testing.png(testing.photo(*size))))
    assert caught.value.reason == "too_small"


def test_a_tile_too_small_on_its_grid():
    photograph = open_frame(testing.jpeg(testing.photo(100, 100), 80))
    assert photograph.at("crop(1,1,42,43)").grid_luma.shape == (36, 35)
    with pytest.raises(NoValue) as caught:
        blockiness(photograph.at("crop(1,1,42,43)"))
    assert caught.value.reason == "too_small"


def stripes() -> Luma:
    return np.broadcast_to(np.arange(120, dtype=np.uint8) % 7 * 30, (90, 120)).copy()


@pytest.mark.parametrize(
    "luma", [np.full((90, 120), 99, np.uint8), stripes(), stripes().T.copy()], ids=["grey", "stripes", "bars"]
)
def test_flat_is_an_error_and_never_a_number(luma: Luma):
    with pytest.raises(NoValue) as caught:
        blockiness_of(luma)
    assert caught.value.reason == "flat"


def test_search_needs_room_for_every_phase():
    with pytest.raises(NoValue):
        blockiness(open_frame(testing.png(testing.photo(40, 200))), search_phases=True)


def test_a_file_saved_twice_on_the_same_grid_stays_blocky():
    once = testing.jpeg(testing.photo(256, 256), 50)
    twice = testing.jpeg(np.asarray(Image.open(io.BytesIO(once))), 95)
    assert value(open_frame(twice)) > 20
