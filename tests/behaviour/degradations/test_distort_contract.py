"""What must be true of every distortion."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.degradations.banding import Banding
from groundglass.degradations.blur import Defocus, GaussianBlur, MotionBlur
from groundglass.degradations.catalog import DISTORTIONS, distort
from groundglass.degradations.clipping import Clipping
from groundglass.degradations.crop import Crop
from groundglass.degradations.jpeg import Jpeg
from groundglass.degradations.letterbox import Letterbox
from groundglass.degradations.mirror import Mirror
from groundglass.degradations.noise import GaussianNoise, ShotNoise
from groundglass.degradations.overlay import LogoOverlay, TextOverlay
from groundglass.degradations.resize import FalseResolution, Scale
from groundglass.degradations.sharpen import Sharpen
from groundglass.errors import RecipeError
from groundglass.random_streams import stream

STRONG = {
    "gaussian_blur": GaussianBlur(3),
    "motion_blur": MotionBlur(9),
    "defocus": Defocus(3),
    "gaussian_noise": GaussianNoise(20, grey=True, grain=1),
    "shot_noise": ShotNoise(3),
    "jpeg": Jpeg(20, shift_x=3, shift_y=5),
    "false_resolution": FalseResolution(2.5),
    "scale": Scale(0.7),
    "crop": Crop(0.5),
    "sharpen": Sharpen(3),
    "banding": Banding(6),
    "clipping": Clipping(highlights=0.1, shadows=0.1),
    "letterbox": Letterbox(rows=0.1, columns=0.2, grey=9),
    "text_overlay": TextOverlay(0.1),
    "logo_overlay": LogoOverlay(0.3, opacity=0.5),
    "mirror": Mirror(across=True),
}
"""Settings of each that certainly change a picture."""

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
}

every = pytest.mark.parametrize("name", DISTORTIONS)


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


@every
@settings(max_examples=12)
@given(width=st.integers(1, 70), height=st.integers(1, 70), seed=st.integers(0, 99))
def test_shape_and_type_stay_whatever_the_size(name: str, width: int, height: int, seed: int):
    rgb = testing.noise(width, height, seed)
    before = rgb.copy()
    made = distort(rgb, STRONG[name], stream(seed, name))
    assert made.dtype == np.uint8
    assert made.ndim == 3
    assert made.shape[2] == 3
    if name not in ("scale", "crop"):
        assert made.shape == rgb.shape
    assert np.array_equal(rgb, before), "the input was changed"
    assert not np.shares_memory(made, rgb)
    assert made.flags.c_contiguous


@every
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
    "name", ["motion_blur", "gaussian_noise", "shot_noise", "text_overlay", "logo_overlay", "crop"]
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
