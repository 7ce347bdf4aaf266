"""Classifiers see pictures as transformers' own processors show them, and answer as transformers does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_classifiers
from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.models.architectures.classifier import (
    load_classifier,
    probabilities,
    read_classifier_preparation,
    read_labels_of,
)
from groundglass.models.preprocess import prepare
from groundglass.models.scorer import Place

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SQUARE = {"size": {"height": 48, "width": 48}}
SHORTEST = {"size": {"shortest_edge": 48}}
CROP = {"crop_size": {"height": 40, "width": 40}}
PROCESSORS: list[tuple[str, dict[str, Any]]] = [
    ("ViT", SQUARE),
    ("DeiT", SQUARE | CROP),
    ("Beit", SQUARE),
    ("Beit", SQUARE | CROP | {"do_center_crop": True}),
    ("CLIP", SHORTEST | CROP),
    ("Siglip", SQUARE),
    ("Bit", SHORTEST | CROP),
    ("MobileNetV1", SHORTEST | CROP),
    ("MobileNetV2", SHORTEST | CROP),
    ("Pvt", SQUARE),
    ("ConvNext", SHORTEST),
    ("ConvNext", SHORTEST | {"crop_pct": 0.95}),
    ("ConvNext", {"size": {"shortest_edge": 384}}),
    ("Levit", SHORTEST | CROP),
    ("PoolFormer", SHORTEST | CROP | {"crop_pct": 0.9}),
    ("EfficientNet", SQUARE | {"resample": 0}),
    ("EfficientNet", SQUARE | {"include_top": False}),
    ("MobileViT", SHORTEST | CROP),
    ("MobileViT", SHORTEST | CROP | {"do_flip_channel_order": False}),
]


@pytest.mark.parametrize("sides", [(300, 200), (97, 241), (40, 40)])
@pytest.mark.parametrize(("kind", "settings"), PROCESSORS)
def test_pictures_are_prepared_as_transformers_does(
    tmp_path: Path, kind: str, settings: dict[str, Any], sides: tuple[int, int]
):
    processor = tiny_classifiers.processor(kind, **settings)
    processor.save_pretrained(tmp_path)
    way, flip = read_classifier_preparation(tmp_path)
    picture = testing.photo(*sides)
    made = prepare(picture, way)
    made = made[::-1] if flip else made
    expected = np.asarray(processor(picture, return_tensors="np")["pixel_values"][0])
    assert made.shape == expected.shape
    np.testing.assert_allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "square", "kernel"),
    [
        ("ViTFeatureExtractor", True, 2),
        ("ConvNextFeatureExtractor", False, 3),
        ("ViTImageProcessorFast", True, 2),
    ],
)
def test_files_of_older_versions(tmp_path: Path, kind: str, square: bool, kernel: int):
    key = "feature_extractor_type" if "Feature" in kind else "image_processor_type"
    said = {key: kind, "size": 56, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    way, _ = read_classifier_preparation(tmp_path)
    assert way.kernel == kernel
    assert (way.to, way.crop) == (((56, 56), None) if square else (None, (56, 56)))
    assert way.shortest == (None if square else 64)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"image_processor_type": "VitImageProcessor"}, "Did you mean 'ViT'"),
        ({"image_processor_type": "ImageGPTImageProcessor"}, "is not supported"),
        ({}, "without a name"),
        ({"image_processor_type": "EfficientNetImageProcessor", "rescale_offset": True}, "rescale_offset"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, said: dict[str, Any], words: str):
    whole = {"size": 32, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, **said}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(whole))
    with pytest.raises(RecipeError) as caught:
        read_classifier_preparation(tmp_path)
    assert words in caught.value.message


@pytest.mark.parametrize("name", tiny_classifiers.MAKERS)
def test_as_transformers_answers(tmp_path: Path, name: str):
    folder = tiny_classifiers.MAKERS[name](tmp_path)
    classifier = load_classifier(folder, Place())
    pictures = [testing.photo(90, 70, seed) for seed in range(3)]
    found = probabilities(classifier, np.stack([prepare(one, classifier.way) for one in pictures]))
    kind = json.loads((folder / "preprocessor_config.json").read_text())["image_processor_type"]
    stem = kind.removesuffix("Pil").removesuffix("Fast").removesuffix("ImageProcessor")
    own = type(tiny_classifiers.processor(stem)).from_pretrained(folder)
    model = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(**own(pictures, return_tensors="pt")).logits
    np.testing.assert_allclose(found, logits.softmax(-1).numpy(), atol=1e-5)
    assert classifier.labels == tiny_classifiers.LABELS


@pytest.mark.parametrize(
    ("labels", "settings"),
    [(("nsfw",), {}), (("cat", "dog"), {"problem_type": "multi_label_classification"})],
)
def test_labels_that_stand_by_themselves(tmp_path: Path, labels: tuple[str, ...], settings: dict[str, Any]):
    classifier = load_classifier(tiny_classifiers.vit(tmp_path, labels, **settings), Place())
    pixels = prepare(testing.photo(50, 40), classifier.way)[None]
    with torch.no_grad():
        logits = classifier.network(pixel_values=torch.from_numpy(pixels)).logits
    np.testing.assert_allclose(probabilities(classifier, pixels), logits.sigmoid().numpy(), atol=1e-6)


def test_a_quantity_is_no_probability(tmp_path: Path):
    tiny_classifiers.vit(tmp_path, ("age",), problem_type="regression")
    with pytest.raises(RecipeError, match="predicts a quantity"):
        read_labels_of(tmp_path)


def test_weights_without_a_head_are_refused(tmp_path: Path):
    tiny_classifiers.vit(tmp_path)
    transformers.ViTModel(transformers.ViTConfig.from_pretrained(tmp_path)).save_pretrained(tmp_path)
    named = json.loads((tmp_path / "config.json").read_text())
    named["id2label"] = {"0": "cat", "1": "dog"}
    (tmp_path / "config.json").write_text(json.dumps(named))
    with pytest.raises(RecipeError, match="do not fit its config"):
        load_classifier(tmp_path, Place())


def test_a_size_that_the_network_does_not_take_is_refused_once(tmp_path: Path):
    with pytest.raises(RecipeError, match="does not take images of 40 x 40 px"):
        load_classifier(tiny_classifiers.vit(tmp_path, side=40), Place())
