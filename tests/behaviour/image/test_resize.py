"""Every kernel gives the pixels of the tool it is named after."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundglass.errors import RecipeError
from groundglass.image.resize import (
    KERNELS,
    area_weights,
    crop_to_multiple,
    cubic,
    cubic_weights,
    find_kernel,
    resize,
)
from shared_data import shared

sides = st.integers(1, 40)


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("test_set", ["Set5", "Set14"])
def test_matlab_bicubic_makes_the_published_lr_pictures_bit_for_bit(test_set: str, factor: int) -> None:
    hr_files = sorted(shared("benchmarks", test_set, "HR").glob("*.png"))
    assert len(hr_files) == {"Set5": 5, "Set14": 14}[test_set]
    for file in hr_files:
        hr = crop_to_multiple(read(file), factor)
        published = read(
            shared("benchmarks", test_set, "LR_bicubic", f"X{factor}", f"{file.stem}x{factor}.png")
        )
        ours = resize(hr, hr.shape[1] // factor, hr.shape[0] // factor, "matlab_bicubic")
        np.testing.assert_array_equal(ours, published, err_msg=file.name)


def matlab_line(line: np.ndarray, new: int) -> np.ndarray:
    """MATLAB's imresize of one line, written as plainly as its documentation, pixel by pixel."""
    scale = new / len(line)
    shrink = min(scale, 1)
    result = []
    for i in range(new):
        centre = (i + 0.5) / scale - 0.5
        near = range(int(centre - 2 / shrink) - 3, int(centre + 2 / shrink) + 4)
        weight = {j: float(cubic(np.array([shrink * (centre - j)]))[0]) for j in near}
        mirrored = {
            j: line[k if (k := j % (2 * len(line))) < len(line) else 2 * len(line) - 1 - k] for j in near
        }
        result.append(sum(weight[j] * mirrored[j] for j in near) / sum(weight.values()))
    return np.array(result)


@given(st.integers(1, 30), st.integers(1, 60), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_matlab_bicubic_of_floats_equals_a_plain_loop(length: int, new: int, seed: int) -> None:
    line = np.random.default_rng(seed).normal(size=length)
    expected = matlab_line(line, new)
    np.testing.assert_allclose(resize(line[None, :], new, 1, "matlab_bicubic")[0], expected, atol=1e-12)
    np.testing.assert_allclose(resize(line[:, None], 1, new, "matlab_bicubic")[:, 0], expected, atol=1e-12)


@given(sides, sides, st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_matlab_bicubic_is_separable_and_turns_with_the_picture(
    height: int, width: int, new_height: int, new_width: int
) -> None:
    picture = noise(height, width).astype(np.float64)
    direct = resize(picture, new_width, new_height, "matlab_bicubic")
    turned = resize(picture.transpose(1, 0, 2), new_height, new_width, "matlab_bicubic").transpose(1, 0, 2)
    np.testing.assert_allclose(direct, turned, atol=1e-9)


def test_matlab_bicubic_of_uint8_rounds_after_each_pass_the_stronger_first() -> None:
    picture = noise(24, 36, 1)[:, :, 0]

    def one_pass(plane: np.ndarray, width: int, height: int) -> np.ndarray:
        resized = resize(plane.astype(np.float64), width, height, "matlab_bicubic")
        return np.clip(np.floor(resized + 0.5), 0, 255).astype(np.uint8)

    across_first = one_pass(one_pass(picture, 12, 24), 12, 16)
    down_first = one_pass(one_pass(picture, 36, 8), 24, 8)
    np.testing.assert_array_equal(resize(picture, 12, 16, "matlab_bicubic"), across_first)
    np.testing.assert_array_equal(resize(picture, 24, 8, "matlab_bicubic"), down_first)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lanczos_is_pillows(channels: int) -> None:
    picture = noise(61, 47, channels)
    ours = resize(picture, 35, 40, "lanczos")
    for channel in range(channels):
        pillow = Image.fromarray(picture[:, :, channel]).resize((35, 40), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(ours[:, :, channel], np.asarray(pillow))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_box_is_the_exact_block_mean_rounded_half_up(height: int, width: int, down: int, across: int) -> None:
    picture = noise(height * down, width * across, seed=height)
    sums = picture.reshape(height, down, width, across, 3).sum(axis=(1, 3), dtype=int)
    expected = (2 * sums + down * across) // (2 * down * across)
    np.testing.assert_array_equal(resize(picture, width, height, "box"), expected)
    exact = resize(picture.astype(np.float64), width, height, "box")
    np.testing.assert_allclose(exact, sums / (down * across), atol=1e-9)


@given(sides, sides, st.data())
@settings(max_examples=60, deadline=None)
def test_area_keeps_the_mean(height: int, width: int, data: st.DataObject) -> None:
    new_height, new_width = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    picture = noise(height, width).astype(np.float64)
    resized = resize(picture, new_width, new_height, "area")
    np.testing.assert_allclose(resized.mean(axis=(0, 1)), picture.mean(axis=(0, 1)), atol=1e-9)


def test_area_and_box_agree_on_whole_factors() -> None:
    picture = noise(60, 84)
    np.testing.assert_array_equal(resize(picture, 21, 20, "area"), resize(picture, 21, 20, "box"))


def test_area_is_opencvs_to_one_grey_level() -> None:
    import cv2

    picture = noise(301, 407)
    difference = cv2.resize(picture, (113, 97), interpolation=cv2.INTER_AREA).astype(int) - resize(
        picture, 113, 97, "area"
    )
    assert np.abs(difference).max() <= 1
    assert np.mean(difference != 0) < 0.001


@pytest.mark.parametrize("weights", [cubic_weights, area_weights])
@given(length=st.integers(1, 300), data=st.data())
@settings(max_examples=100, deadline=None)
def test_weights_sum_to_one(weights, length: int, data: st.DataObject) -> None:
    new = data.draw(st.integers(1, length))
    np.testing.assert_allclose(weights(length, new)[1].sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_keeps_type_shape_flat_pictures_and_its_input(kernel: str, dtype: type) -> None:
    for shape in [(24, 36), (24, 36, 1), (24, 36, 3), (24, 36, 4)]:
        picture = np.full(shape, 77, dtype)
        before = picture.copy()
        resized = resize(picture, 12, 8, kernel)
        assert resized.dtype == dtype
        assert resized.shape == (8, 12, *shape[2:])
        np.testing.assert_allclose(resized, 77, rtol=1e-6)
        np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_flips_with_the_picture_and_reads_strided_views(kernel: str) -> None:
    picture = noise(48, 60)
    flipped = resize(picture[:, ::-1], 20, 16, kernel)[:, ::-1]
    np.testing.assert_allclose(flipped.astype(int), resize(picture, 20, 16, kernel), atol=1)
    part = picture[8:40, 4:44]
    np.testing.assert_array_equal(resize(part, 20, 16, kernel), resize(part.copy(), 20, 16, kernel))


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_same_size_is_a_copy(kernel: str) -> None:
    picture = noise(9, 7)
    same = resize(picture, 7, 9, kernel)
    np.testing.assert_array_equal(same, picture)
    assert not np.shares_memory(same, picture)


@pytest.mark.parametrize(
    ("kernel", "size"), [("box", (5, 6)), ("box", (24, 24)), ("area", (13, 4)), ("area", (4, 0))]
)
def test_sizes_that_a_kernel_does_not_make_are_refused(kernel: str, size: tuple[int, int]) -> None:
    with pytest.raises(RecipeError) as caught:
        resize(noise(12, 12), *size, kernel)
    assert caught.value.hint


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint16), np.zeros(4), np.zeros((0, 4)), np.zeros((2, 2, 2, 2))]
)
def test_other_arrays_are_refused(picture: np.ndarray) -> None:
    with pytest.raises(TypeError):
        resize(picture, 2, 2, "area")


def test_an_unknown_kernel_names_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        find_kernel("matlab-bicubic")
    assert caught.value.hint == "did you mean 'matlab_bicubic'?"


def test_a_picture_smaller_than_the_factor_cannot_be_cropped_to_a_multiple() -> None:
    with pytest.raises(RecipeError):
        crop_to_multiple(noise(3, 9), 4)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's memory high-water mark")
def test_24_megapixels_stay_under_600_mb() -> None:
    script = (
        "import numpy as np; from groundglass.image.resize import KERNELS, resize\n"
        "picture = np.zeros((4000, 6000, 3), np.uint8)\n"
        "for kernel in KERNELS: resize(picture, 3000, 2000, kernel)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 600 * 1024


def test_importing_the_module_is_light() -> None:
    script = (
        "import sys, groundglass.image.resize; print({'numba', 'cv2', 'PIL', 'scipy'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
