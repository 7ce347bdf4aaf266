"""What must be true of every distortion."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degradation_tools import with_their_extras
from groundglass import testing
from groundglass.degradations.banding import Banding
from groundglass.degradations.blur import GaussianBlur, MotionBlur
from groundglass.degradations.catalog import DISTORTIONS, distort
from groundglass.degradations.jpeg import Jpeg
from groundglass.degradations.letterbox import Letterbox
from groundglass.degradations.noise import GaussianNoise
from groundglass.degradations.strengths import STRENGTHS
from groundglass.errors import RecipeError
from groundglass.random_streams import stream

STRONG = {name: strengths.high for name, strengths in STRENGTHS.items()} | {
    "gaussian_noise": GaussianNoise(20, grey=True, grain=1),
    "jpeg": Jpeg(20, shift_x=3, shift_y=5),
    "letterbox": Letterbox(rows=0.1, columns=0.2, grey=9),
    "motion_blur": MotionBlur(9),
}
"""Settings of each that certainly change an image, some of them with more than one setting."""

OUT_OF_RANGE = {
    "gaussian_blur": {"sigma": -1},
    "motion_blur": {"length": 0},
    "defocus": {"radius": 1e9},
    "gaussian_noise": {"sigma": 1000},
    "shot_noise": {"gain": -1},
    "jpeg": {"quality": 101},
    "false_resolution": {"factor": 0.5},
    "scale": {"factor": 0},
    "crop": {"area": 0},
    "sharpen": {"amount": -1},
    "banding": {"levels": 1},
    "clipping": {"highlights": 1},
    "letterbox": {"rows": 0.5},
    "text_overlay": {"size": 2},
    "logo_overlay": {"opacity": 2},
    "kernel_blur": {"side": 8},
    "sinc": {"cutoff": 4},
    "lens_blur": {"blades": 2},
    "resize_to": {"width": 0},
    "poisson_noise": {"scale": -1},
    "correlated_noise": {"common": 2},
    "signal_noise": {"shot": -1},
    "iso_noise": {"iso": -1},
    "film_grain": {"strength": 500},
    "webp": {"quality": 101},
    "avif": {"speed": 11},
    "video": {"frames": 0},
    "masked_sharpen": {"threshold": -1},
    "halo": {"amount": -1},
    "chroma_subsampling": {"across": 0},
    "palette": {"colours": 1},
    "dither": {"levels": 1},
    "screentone": {"pitch": 1},
    "moire": {"angle": 90},
    "pixelate": {"block": 0},
    "haze": {"density": -1},
    "rain": {"amount": 1},
    "snow": {"opacity": 2},
    "low_light": {"stops": 20},
    "scratches": {"count": -1},
    "fading": {"amount": 2},
}

every = pytest.mark.parametrize("name", DISTORTIONS)
every_installed = pytest.mark.parametrize("name", with_their_extras(DISTORTIONS))


def test_the_tables_here_name_every_distortion():
    assert STRONG.keys() == DISTORTIONS.keys()
    assert OUT_OF_RANGE.keys() == DISTORTIONS.keys() - {"mirror"}
    assert {type(STRONG[name]) for name in STRONG} == {one.settings for one in DISTORTIONS.values()}


@every
def test_settings_are_frozen_and_neutral_without_arguments(name: str):
    neutral = DISTORTIONS[name].settings()
    assert dataclasses.is_dataclass(neutral)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(neutral, dataclasses.fields(neutral)[0].name, 3)
    rgb = testing.photo(61, 47)
    assert np.array_equal(distort(rgb, neutral, stream(0, name)), rgb)


@every
def test_every_setting_is_told_with_its_range_and_neutral_value(name: str):
    settings_type = DISTORTIONS[name].settings
    text = settings_type.__doc__
    for field in dataclasses.fields(settings_type):
        assert f"\n    {field.name} " in text, field.name
    assert "neutral" in text
    assert DISTORTIONS[name].apply.__doc__


@every_installed
@settings(max_examples=12)
@given(width=st.integers(1, 70), height=st.integers(1, 70), seed=st.integers(0, 99))
def test_shape_and_type_stay_whatever_the_size(name: str, width: int, height: int, seed: int):
    rgb = testing.noise(width, height, seed)
    before = rgb.copy()
    made = distort(rgb, STRONG[name], stream(seed, name))
    assert made.dtype == np.uint8
    assert made.ndim == 3
    assert made.shape[2] == 3
    if name not in ("scale", "crop", "resize_to"):
        assert made.shape == rgb.shape
    assert np.array_equal(rgb, before), "the input was changed"
    assert not np.shares_memory(made, rgb)
    assert made.flags.c_contiguous


@every_installed
def test_a_strong_setting_changes_the_picture_and_an_equal_stream_gives_equal_pixels(name: str):
    rgb = testing.photo(96, 80, 5)
    first = distort(rgb, STRONG[name], stream(3, name))
    assert first.shape != rgb.shape or not np.array_equal(first, rgb)
    assert np.array_equal(first, distort(rgb, STRONG[name], stream(3, name)))


@every
def test_neutral_settings_return_no_view_of_the_input(name: str):
    rgb = testing.photo(32, 24)
    assert not np.shares_memory(distort(rgb, DISTORTIONS[name].settings(), stream(0)), rgb)


@pytest.mark.parametrize(
    "name",
    [
        *("motion_blur", "gaussian_noise", "shot_noise", "text_overlay", "logo_overlay", "crop", "lens_blur"),
        *("poisson_noise", "correlated_noise", "signal_noise", "iso_noise", "film_grain", "moire", "haze"),
        *("rain", "snow", "low_light", "scratches", "fading"),
    ],
)
def test_chance_comes_from_the_stream_alone(name: str):
    rgb = testing.photo(96, 80, 5)
    drawn = [distort(rgb, STRONG[name], stream(seed, name)) for seed in range(6)]
    assert any(not np.array_equal(drawn[0], other) for other in drawn[1:])


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_a_setting_out_of_its_range_is_refused_by_name(name: str):
    wrong = OUT_OF_RANGE[name]
    with pytest.raises(RecipeError, match=next(iter(wrong))):
        DISTORTIONS[name].settings(**wrong)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_other_pixels_are_refused(rgb: np.ndarray):
    with pytest.raises(TypeError):
        distort(rgb, Banding(4), stream(0))


def test_other_settings_are_refused():
    with pytest.raises(TypeError, match="str"):
        distort(testing.flat(4, 4), "blur", stream(0))


def test_a_chain_is_done_in_its_order():
    rgb = testing.photo(64, 48)
    both = distort(rgb, (Banding(4), GaussianBlur(2)), stream(0))
    one = distort(rgb, Banding(4), stream(0))
    assert np.array_equal(both, distort(one, GaussianBlur(2), stream(0)))
    assert not np.array_equal(both, distort(rgb, (GaussianBlur(2), Banding(4)), stream(0)))
    assert np.array_equal(distort(rgb, (), stream(0)), rgb)


def test_importing_the_catalog_loads_no_pixel_library():
    code = (
        "import sys; import groundglass.degradations.catalog; "
        "print({'cv2', 'PIL', 'simplejpeg', 'numba', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_page_names_every_distortion_once():
    page = Path(__file__).parents[3] / "docs" / "how-to" / "degrade-images.md"
    table = page.read_text(encoding="utf-8").split("| family |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"`(\w+)`", table)) == sorted(DISTORTIONS)
