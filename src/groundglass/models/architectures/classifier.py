"""Classifiers of the transformers library: they take an image and give a probability for each of their labels.

Importing this loads no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.models.preprocess import Preparation, preparation_of, read_preprocessor
from groundglass.models.pretrained import load_pretrained
from groundglass.models.scorer import Place
from groundglass.text.suggest import did_you_mean

FILES = ("*.json", "model*.safetensors")
"""Files that are loaded from its folder: configurations and weights."""

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """The defaults of a kind of image processor, for what its file does not say.

    square   whether one number as size means both sides, not the shorter one
    kernel   Pillow's number of the resampling filter
    crop     whether the middle is cut out
    reword   rewrites its own settings as the settings that all processors share
    """

    square: bool
    kernel: int
    crop: bool
    reword: Callable[[dict[str, Any]], dict[str, Any]] = dict


def _convnext(said: dict[str, Any]) -> dict[str, Any]:
    """Under 384 px: resize larger by `crop_pct`, then crop the middle. From 384 px on: squash to the square."""
    if not said.get("do_resize", True):
        return said
    side = said["size"]["shortest_edge"]
    if side >= 384:
        return said | {"size": {"height": side, "width": side}}
    wide = {"shortest_edge": int(side / (said.get("crop_pct") or 224 / 256))}
    return said | {"size": wide, "do_center_crop": True, "crop_size": {"height": side, "width": side}}


def _poolformer(said: dict[str, Any]) -> dict[str, Any]:
    return said | {"size": {"shortest_edge": int(said["size"]["shortest_edge"] / said.get("crop_pct", 0.9))}}


def _levit(said: dict[str, Any]) -> dict[str, Any]:
    side = said["size"].get("shortest_edge")
    return said | {"size": {"shortest_edge": int((256 / 224) * side)}} if side else said


def _efficientnet(said: dict[str, Any]) -> dict[str, Any]:
    """It divides by `image_std` twice, because its weights were trained so."""
    if said.get("rescale_offset"):
        raise ValueError("rescale_offset is not supported")
    if not said.get("include_top", True):
        return said
    return said | {"image_std": [spread**2 for spread in said["image_std"]]}


def _mobilevit(said: dict[str, Any]) -> dict[str, Any]:
    if said.get("do_normalize") and said.get("do_flip_channel_order", True):
        raise ValueError("do_normalize with do_flip_channel_order is not supported")
    return said | {"do_normalize": bool(said.get("do_normalize"))}


KINDS: dict[str, Kind] = {
    "Beit": Kind(square=True, kernel=3, crop=False),
    "Bit": Kind(square=False, kernel=3, crop=True),
    "CLIP": Kind(square=False, kernel=3, crop=True),
    "ConvNext": Kind(square=False, kernel=3, crop=False, reword=_convnext),
    "DeiT": Kind(square=True, kernel=3, crop=True),
    "EfficientNet": Kind(square=True, kernel=3, crop=False, reword=_efficientnet),
    "Levit": Kind(square=False, kernel=3, crop=True, reword=_levit),
    "MobileNetV1": Kind(square=False, kernel=2, crop=True),
    "MobileNetV2": Kind(square=False, kernel=2, crop=True),
    "MobileViT": Kind(square=False, kernel=3, crop=True, reword=_mobilevit),
    "PoolFormer": Kind(square=False, kernel=3, crop=True, reword=_poolformer),
    "Pvt": Kind(square=True, kernel=3, crop=False),
    "Siglip": Kind(square=True, kernel=3, crop=False),
    "ViT": Kind(square=True, kernel=2, crop=False),
}
"""The image processors that are supported, by their name without "ImageProcessor"."""


@dataclass(frozen=True)
class Classifier:
    """A network in memory.

    labels  their names, in the order of the network's outputs
    shares  "softmax": one label fits, and all sum to 1; "sigmoid": each label is judged alone
    flip    whether it takes blue, green, red, in this order
    """

    network: Any
    way: Preparation
    device: str
    labels: tuple[str, ...]
    shares: Literal["softmax", "sigmoid"]
    flip: bool


def load_classifier(folder: str | Path, place: Place) -> Classifier:
    """The network in a folder as a hub stores it: config, preprocessor_config and safetensors.

    Raises RecipeError if a file is missing or damaged, if the folder holds no classifier, or if the classifier
    prepares images in a way that is not supported.
    """
    labels, shares = read_labels_of(folder)
    way, flip = read_classifier_preparation(folder)
    network = load_pretrained("AutoModelForImageClassification", folder, place)
    classifier = Classifier(network, way, place.device, labels, shares, flip)
    _probe(folder, classifier)
    return classifier


def read_labels_of(folder: str | Path) -> tuple[tuple[str, ...], Literal["softmax", "sigmoid"]]:
    """The labels that a folder's config.json names, in order, and whether they sum to 1 or are judged one by one.

    Raises RecipeError if it names none, or if the network predicts a quantity.
    """
    path = Path(folder) / "config.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        named = {int(number): str(label) for number, label in (said.get("id2label") or {}).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise RecipeError(f"{path} cannot be read: {error}", "take the whole folder of the model") from error
    if not named or sorted(named) != list(range(len(named))):
        raise RecipeError(f"{path} names no labels (id2label)", "is it an image classifier?")
    problem = said.get("problem_type")
    if problem == "regression":
        raise RecipeError(
            f"{path} describes a network that predicts a quantity: it has no probabilities",
            "export it to ONNX: measure `onnx` reads any number",
        )
    # One label cannot share a softmax: it would always get 1.
    several = problem == "multi_label_classification" or len(named) == 1
    labels = tuple(" ".join(named[number].split()) for number in range(len(named)))
    return labels, "sigmoid" if several else "softmax"


def find_labels(wanted: Sequence[str], labels: Sequence[str], where: str) -> list[int]:
    """The network's output for each label that is wanted.

    Raises RecipeError for a label that it does not have, with the nearest one, and for a label that it has twice.

    >>> find_labels(["dog"], ["cat", "dog"], "pets")
    [1]
    """
    for name in wanted:
        if name not in labels:
            shown = ", ".join(labels[:8]) + (f" … ({len(labels)} in all)" if len(labels) > 8 else "")
            raise RecipeError(
                f"{where} has no label '{name}'.{did_you_mean(name, labels)}", f"it has: {shown}"
            )
        if labels.count(name) > 1:
            raise RecipeError(
                f"{where} has {labels.count(name)} labels that are called '{name}'", "name other labels"
            )
    return [labels.index(name) for name in wanted]


def read_classifier_preparation(folder: str | Path) -> tuple[Preparation, bool]:
    """How the processor of a folder prepares an image, and whether it reverses the channels.

    Raises RecipeError if its kind is not supported.
    """
    said = read_preprocessor(folder)
    stated = str(said.get("image_processor_type") or said.get("feature_extractor_type") or "")
    name = re.sub(r"(FeatureExtractor|ImageProcessor)(Fast|Pil)?$", "", stated)
    if name not in KINDS:
        raise RecipeError(
            f"{folder}: its image processor, '{stated or 'without a name'}', is not supported."
            f"{did_you_mean(name, KINDS)}",
            f"supported: {', '.join(f'{kind}ImageProcessor' for kind in KINDS)}; or export the network to ONNX",
        )
    kind = KINDS[name]
    try:
        way = preparation_of(kind.reword(_spelt_out(said, kind)))
    except (KeyError, TypeError, ValueError) as error:
        raise RecipeError(f"{folder}: preprocessor_config.json is not understood: {error!r}") from error
    return way, name == "MobileViT" and said.get("do_flip_channel_order", True)


def _spelt_out(said: Said, kind: Kind) -> dict[str, Any]:
    size = said["size"]
    if not isinstance(size, (Mapping, list)):
        size = {"height": size, "width": size} if kind.square else {"shortest_edge": size}
    crop = said.get("do_center_crop")
    kernel = said.get("resample")
    return {
        **said,
        "size": size,
        "do_center_crop": kind.crop if crop is None else crop,
        "resample": kind.kernel if kernel is None else kernel,
    }


def probabilities(classifier: Classifier, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probability of each label for each image, n × labels, for n × 3 × height × width pixels."""
    import torch

    # MobileViT was trained on images with blue first.
    channels = pixels[:, ::-1] if classifier.flip else pixels
    with torch.inference_mode():
        batch = torch.from_numpy(np.ascontiguousarray(channels)).to(classifier.device)
        logits = classifier.network(pixel_values=batch).logits.double()
        found = logits.softmax(-1) if classifier.shares == "softmax" else logits.sigmoid()
    return found.cpu().numpy()


def _probe(folder: str | Path, classifier: Classifier) -> None:
    """Try the network once on an empty image: a network that does not fit its processor is refused before the run."""
    way = classifier.way
    sides = way.crop or way.to
    if sides is None:
        return
    try:
        found = probabilities(classifier, np.zeros((1, 3, *sides), np.float32))
    except Exception as error:  # a network may raise anything for a size that it does not take
        said = " ".join(str(error).split())[:200]
        raise RecipeError(
            f"the network in {folder} does not take images of {sides[1]} x {sides[0]} px: {said}",
            "take config.json and preprocessor_config.json from the same network",
        ) from error
    if found.shape != (1, len(classifier.labels)):
        raise RecipeError(
            f"the network in {folder} answers with {found.shape[-1]} numbers, but its config.json names "
            f"{len(classifier.labels)} labels",
            "take config.json and model.safetensors from the same network",
        )
