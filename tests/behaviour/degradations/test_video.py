"""A frame of a compressed video."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from degradation_tools import needs_video
from groundglass import testing
from groundglass.degradations import needs, record, video
from groundglass.degradations.catalog import distort
from groundglass.degradations.chains import Applied, Chain, Choose, Maybe, OneOf, Step, Whole
from groundglass.degradations.video import Codec, Video
from groundglass.errors import ImageError, MissingExtra, RecipeError
from groundglass.measures.pairs.psnr_ssim import psnr
from groundglass.random_streams import stream

PHOTO = testing.photo(141, 97, 7)
SCALES: dict[Codec, tuple[int, int, int]] = {
    "h264": (4, 28, 51),
    "hevc": (4, 28, 51),
    "vp9": (4, 40, 63),
    "av1": (4, 40, 63),
    "mpeg2": (1, 8, 31),
    "mpeg4": (1, 8, 31),
}
every_codec = pytest.mark.parametrize("codec", SCALES)


def made(settings: Video, rgb: np.ndarray = PHOTO, seed: int = 0) -> np.ndarray:
    return distort(rgb, settings, stream(seed, "test"))


@needs_video
@every_codec
def test_equal_streams_give_equal_pixels_in_another_process_too(codec: Codec):
    settings = Video(codec, SCALES[codec][1])
    here = made(settings)
    assert np.array_equal(here, made(settings))
    code = (
        "from groundglass import testing; from groundglass.degradations.catalog import distort; "
        "from groundglass.degradations.video import Video; from groundglass.random_streams import stream; "
        "from groundglass.degradations.record import pixels_hash; "
        f"print(pixels_hash(distort(testing.photo(141, 97, 7), {settings!r}, stream(0, 'test'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == record.pixels_hash(here)
    assert done.stderr == "", "an encoder writes to the terminal"


@needs_video
@every_codec
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_a_larger_factor_loses_more_and_the_frame_stays_in_its_place(codec: Codec, frames: int):
    best, middle, worst = (psnr(PHOTO, made(Video(codec, crf, frames, motion=3))) for crf in SCALES[codec])
    assert best > middle > worst
    # A frame that is moved by as much as the next one is 3 px away.
    assert best > psnr(PHOTO, np.roll(PHOTO, 3, axis=1)) + 6


@needs_video
@every_codec
def test_a_frame_between_others_differs_from_a_key_frame(codec: Codec):
    settings = Video(codec, SCALES[codec][1], frames=5)
    assert not np.array_equal(made(settings), made(Video(codec, settings.crf, frames=1)))
    moved = [made(settings, seed=seed) for seed in range(4)]
    assert any(not np.array_equal(moved[0], other) for other in moved[1:])


@needs_video
@every_codec
@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 5), (65, 64), (64, 4096), (8190, 3)])
def test_odd_tiny_and_long_images_keep_their_size(codec: Codec, width: int, height: int):
    rgb = testing.noise(width, height, 3)
    assert made(Video(codec, 20, frames=2, effort="fast"), rgb).shape == rgb.shape


@needs_video
def test_grey_stays_grey_and_only_colours_lose_resolution():
    grey = np.repeat(testing.photo(96, 80, 3)[..., :1], 3, axis=2)
    lossless = made(Video("h264", 0, frames=1), grey).astype(int)
    assert np.abs(lossless - grey).max() <= 2
    assert np.ptp(lossless, axis=2).max() <= 1


@needs_video
@pytest.mark.parametrize(("height", "width"), [(2, 8192), (6000, 6000)])
def test_an_image_that_no_video_holds_is_refused_with_a_reason(height: int, width: int):
    with pytest.raises(ImageError) as error:
        made(Video("h264", 20), np.zeros((height, width, 3), np.uint8))
    assert error.value.reason == "too_large"


@needs_video
def test_a_pyav_without_the_encoder_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(video._ENCODERS, "h264", video._ENCODERS["h264"]._replace(encoder="libx999"))
    with pytest.raises(RecipeError, match="libx999"):
        made(Video("h264", 20))


@needs_video
def test_records_state_the_version_of_the_encoders():
    part = Step("video", {"codec": "h264", "crf": 30})
    pixels, written = record.degraded(PHOTO, part, seed=0, step="lq", sha256="", region="", scale=1)
    assert "av" in written["made_with"]
    assert np.array_equal(record.replayed(PHOTO, json.loads(json.dumps(written))), pixels)


def test_without_the_extra_it_is_named_before_any_image(monkeypatch: pytest.MonkeyPatch):
    for module in (video, needs):
        monkeypatch.setattr(module, "is_installed", lambda extra: extra != "video")
    with pytest.raises(MissingExtra) as error:
        made(Video("vp9", 30))
    assert "'video'" in error.value.message
    assert "[video]" in error.value.hint
    step = Step("video", {"codec": OneOf(("h264", "av1")), "crf": Whole(20, 30)})
    for part in (step, Chain((Choose((None, Maybe(0.1, step))),)), [Applied("video", asdict(Video()), 1)]):
        with pytest.raises(MissingExtra):
            needs.check_installed(part)
    needs.check_installed(Chain((Step("jpeg", {"quality": 30}), None)))
    assert np.array_equal(made(Video()), PHOTO)


def test_no_other_extra_installs_the_encoders():
    """The wheels of PyAV contain code under the GPL."""
    project = Path(__file__).parents[3] / "pyproject.toml"
    extras = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert [name for name, needed in extras.items() if any(one.startswith("av") for one in needed)] == [
        "video"
    ]
    assert not any(
        "video" in one for name, needed in extras.items() for one in needed if "groundglass[" in one
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"codec": "h265"}, "codec is 'h265', but must be one of h264, hevc"),
        ({"codec": "h264", "crf": 52}, "crf of h264 is 52, but must be between 0 and 51"),
        ({"codec": "av1", "crf": 0}, "between 1 and 63"),
        ({"codec": "mpeg2", "crf": Whole(10, 40)}, "crf of mpeg2 is 40"),
        ({"frames": 0}, "frames is 0"),
        ({"motion": 17}, "motion is 17"),
        ({"effort": "placebo"}, "effort is 'placebo'"),
    ],
)
def test_settings_out_of_a_codecs_range_are_refused(settings: dict[str, object], said: str):
    with pytest.raises(RecipeError) as error:
        Step("video", settings)
    assert said in error.value.message
