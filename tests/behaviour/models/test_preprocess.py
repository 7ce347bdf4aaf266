"""Pictures are prepared as the processors that came with the networks do it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.models.preprocess import Preparation, prepare, read_preparation

SIZES = [(300, 200), (200, 300), (97, 641), (224, 224), (40, 40), (1200, 31)]
MEAN_STD = {"image_mean": [0.48, 0.45, 0.40], "image_std": [0.27, 0.26, 0.28]}
PROCESSORS = {
    "sam": (
        "SamImageProcessorPil",
        {"size": {"longest_edge": 128}, "pad_size": {"height": 128, "width": 128}},
    ),
    "clip": (
        "CLIPImageProcessorPil",
        {"size": {"shortest_edge": 64}, "crop_size": {"height": 64, "width": 64}},
    ),
    "siglip": ("SiglipImageProcessorPil", {"size": {"height": 48, "width": 56}}),
    "detr": ("DetrImageProcessorPil", {"size": {"shortest_edge": 80, "longest_edge": 133}, "do_pad": False}),
}


@pytest.mark.parametrize("height_width", SIZES)
@pytest.mark.parametrize("name", PROCESSORS)
def test_as_the_networks_own_processor(tmp_path: Path, name: str, height_width: tuple[int, int]):
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    kind, settings = PROCESSORS[name]
    processor = getattr(transformers, kind)(**settings, **MEAN_STD)
    processor.save_pretrained(tmp_path)
    picture = testing.photo(height_width[1], height_width[0])
    expected = np.asarray(processor(picture, return_tensors="np")["pixel_values"][0])
    made = prepare(picture, read_preparation(tmp_path))
    assert made.dtype == np.float32
    assert made.shape == expected.shape
    np.testing.assert_allclose(made, expected, atol=2e-6)


def write(folder: Path, name: str = "preprocessor_config.json", **said: object) -> Path:
    (folder / name).write_text(json.dumps(said), encoding="utf-8")
    return folder


def test_one_number_is_the_shorter_side_where_a_crop_or_a_limit_follows(tmp_path: Path):
    common = {"image_mean": [0, 0, 0], "image_std": [1, 1, 1]}
    assert read_preparation(write(tmp_path, size=384, **common)).to == (384, 384)
    limited = read_preparation(write(tmp_path, size=800, max_size=1333, **common))
    assert (limited.to, limited.shortest, limited.longest) == (None, 800, 1333)
    cut = read_preparation(write(tmp_path, size=224, crop_size=224, do_center_crop=True, **common))
    assert (cut.shortest, cut.crop) == (224, (224, 224))


def test_a_processors_file_may_hold_it_too(tmp_path: Path):
    write(tmp_path, "processor_config.json", image_processor={"size": {"height": 8, "width": 9}, **MEAN_STD})
    assert read_preparation(tmp_path).to == (8, 9)


def test_without_a_file_or_with_a_senseless_one(tmp_path: Path):
    with pytest.raises(RecipeError, match="does not say how to prepare images"):
        read_preparation(tmp_path)
    with pytest.raises(RecipeError, match="not supported"):
        read_preparation(write(tmp_path, size={"height": "tall", "width": 3}, **MEAN_STD))
    (tmp_path / "preprocessor_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_preparation(tmp_path)


def test_nothing_asked_changes_only_the_scale():
    picture = testing.noise(31, 17)
    assert np.array_equal(prepare(picture, Preparation(scale=1.0)), picture.transpose(2, 0, 1))


def test_of_a_strip_only_what_is_kept_is_made():
    """By the whole way it would have 65,500 times as many pixels as are kept."""
    way = Preparation(shortest=64, crop=(64, 64), kernel=3, scale=1.0)
    strip = np.repeat(testing.noise(65_500, 1), 2, axis=0)
    made = prepare(strip, way)
    assert made.shape == (3, 64, 64)
    middle = prepare(np.ascontiguousarray(strip[:, 32_700:32_800]), way)
    assert np.abs(made - middle).max() <= 1
