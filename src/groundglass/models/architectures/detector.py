"""Networks that find things and name them: three families behind one interface.

- words in, boxes out: OWL-ViT and OWLv2 (Minderer et al., "Scaling Open-Vocabulary Object Detection", NeurIPS 2023)
- a sentence in, boxes with their words out: Grounding DINO (Liu et al., ECCV 2024)
- fixed categories from training: DETR (Carion et al., ECCV 2020), its successors, YOLOS
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import ImageError, RecipeError
from groundglass.models.architectures.box_nms import best_boxes
from groundglass.models.preprocess import Preparation, read_preparation
from groundglass.models.pretrained import load_pretrained, load_tokenizer, model_type
from groundglass.models.scorer import Place
from groundglass.text.suggest import did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

WORDS = ("owlvit", "owlv2")
SENTENCE = ("grounding-dino", "mm-grounding-dino")
OWN_SOFTMAX = ("detr", "yolos")
OWN_SIGMOID = ("conditional_detr", "deformable_detr", "rt_detr", "rt_detr_v2", "d_fine")
KINDS = (*WORDS, *SENTENCE, *OWN_SOFTMAX, *OWN_SIGMOID)
"""Kinds of network, as config.json names them."""


class Seen(NamedTuple):
    """A network's answer for n images, each with q boxes, each of which may be one of k things.

    shares  n×q×k: how sure it is, 0 to 1, that a box shows this thing
    boxes   n×q×4: centre x, y, width and height, as shares of the prepared image, padding included
    """

    shares: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class Detector:
    """A network in memory: its labels, the preparation of its images, and its answer for n×3×h×w pixels."""

    labels: tuple[str, ...]
    preparation: Preparation
    ask: Callable[[Tensor], Seen]
    device: str


class Found(NamedTuple):
    """The things in one image, the surest first.

    boxes   n×4: left, top, right, bottom, as shares of the prepared image, padding included
    scores  n: 0 to 1
    labels  n: places in the detector's labels
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.intp]


def load_detector(
    folder: str | Path, place: Place, wanted: Sequence[str], usual: Sequence[str], prompt: str
) -> Detector:
    """The network of a folder, ready to look for the words that are ``wanted``.

    If none are wanted, a network that takes any word looks for the ``usual`` ones, and a network with fixed categories
    looks for all of them. ``prompt`` is the text for OWL, with "{}" for a word.

    Raises RecipeError if it is none of `KINDS`, if its files are damaged, or if a word is not one of its categories.
    """
    kind = model_type(folder, KINDS)
    way = read_preparation(folder)
    vocabulary = tuple(wanted or usual)
    if kind in WORDS:
        network = load_pretrained("AutoModelForZeroShotObjectDetection", folder, place)
        side = network.config.vision_config.image_size
        way = replace(way, to=(side, side)) if kind == "owlvit" else _padded(way, side)
        ask = _ask_words(
            network, load_tokenizer(folder), kind, [prompt.replace("{}", word) for word in vocabulary]
        )
        return Detector(vocabulary, way, ask, place.device)
    if kind in SENTENCE:
        network = load_pretrained("AutoModelForZeroShotObjectDetection", folder, place)
        # No padding, here and below: images of a batch have the same shape already.
        ask = _ask_sentences(network, load_tokenizer(folder), vocabulary)
        return Detector(vocabulary, replace(way, pad=None), ask, place.device)
    network = load_pretrained("AutoModelForObjectDetection", folder, place)
    labels, columns = _own_labels(network.config.id2label, wanted, folder)
    ask = partial(_ask_own, network, columns, kind in OWN_SOFTMAX)
    return Detector(labels, replace(way, pad=None), ask, place.device)


def detect(detector: Detector, pixels: NDArray[np.float32], least: float, nms: float) -> list[Found]:
    """The things found in each of n×3×h×w prepared images.

    Every box counts as the one thing that it most likely shows, if that is above ``least``. Of boxes that overlap by
    more than ``nms`` (intersection over union) the surest stays, whatever the labels of the others.

    Raises ImageError ``measure_failed`` if the network's answer holds values that are not numbers.
    """
    import torch

    with torch.inference_mode():
        seen = detector.ask(torch.from_numpy(pixels).to(detector.device))
    shares, boxes = seen.shares.double().cpu().numpy(), seen.boxes.double().cpu().numpy()
    # NaN fails every comparison below, so it would silently count as an image without things.
    if not (np.isfinite(shares).all() and np.isfinite(boxes).all()):
        raise ImageError("measure_failed", "the network's answer holds values that are not numbers")
    return [_chosen(*one, least, nms) for one in zip(shares, boxes, strict=True)]


def corners(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes given by centre and size (n×4) by left, top, right and bottom.

    >>> corners(np.array([[0.5, 0.5, 0.2, 1.0]])).tolist()
    [[0.4, 0.0, 0.6, 1.0]]
    """
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def _chosen(shares: NDArray[np.float64], boxes: NDArray[np.float64], least: float, nms: float) -> Found:
    labels, scores = shares.argmax(-1), shares.max(-1)
    sure = scores > least
    labels, scores, around = labels[sure], scores[sure], corners(boxes[sure])
    kept = best_boxes(around, scores, nms)
    return Found(around[kept], scores[kept], labels[kept])


def _padded(way: Preparation, side: int) -> Preparation:
    """OWLv2: the image is fitted into a square and padded with the mean colour, which is near the authors' grey."""
    return replace(way, to=None, shortest=None, longest=side, pad=(side, side))


def _ask_words(network: Any, tokenizer: Any, kind: str, prompts: Sequence[str]) -> Callable[[Tensor], Seen]:
    """Embed the words once; each patch of an image is then compared with all of them."""
    import torch

    text = network.config.text_config
    tokens = tokenizer(
        list(prompts), padding="max_length", truncation=True, max_length=text.max_position_embeddings,
        return_tensors="pt",
    )  # fmt: skip
    with torch.inference_mode():
        words = getattr(network, kind).get_text_features(
            input_ids=tokens["input_ids"].to(network.device),
            attention_mask=tokens["attention_mask"].to(network.device),
        )
    queries = words.pooler_output

    def ask(pixels: Tensor) -> Seen:
        map_of_features = network.image_embedder(pixel_values=pixels)[0]
        features = map_of_features.flatten(1, 2)
        logits = network.class_predictor(features, queries.expand(len(pixels), *queries.shape))[0]
        return Seen(logits.sigmoid(), network.box_predictor(features, map_of_features))

    return ask


def _ask_sentences(network: Any, tokenizer: Any, vocabulary: Sequence[str]) -> Callable[[Tensor], Seen]:
    """All words in one sentence, or in several if they are too long for one: each sentence costs one pass."""
    sentences = _sentences(tokenizer, vocabulary, network.config.max_text_len)
    words = len(vocabulary)

    def ask(pixels: Tensor) -> Seen:
        import torch

        looks = [_ask_sentence(network, tokenizer, sentence, words, pixels) for sentence in sentences]
        return Seen(
            torch.cat([look.shares for look in looks], 1), torch.cat([look.boxes for look in looks], 1)
        )

    return ask


def _ask_sentence(network: Any, tokenizer: Any, sentence: _Sentence, words: int, pixels: Tensor) -> Seen:
    """Answer one sentence; the score of a word is the score of its surest token."""
    tokens = tokenizer(sentence.text, return_tensors="pt").to(pixels.device)
    answer = network(
        pixel_values=pixels, **{name: ids.expand(len(pixels), -1) for name, ids in tokens.items()}
    )
    shares = answer.logits.sigmoid()
    found = shares.new_zeros(*shares.shape[:2], words)
    for word, places in sentence.places.items():
        found[..., word] = shares[..., places].amax(-1)
    return Seen(found, answer.pred_boxes)


class _Sentence(NamedTuple):
    """Words in the form that Grounding DINO takes, "cat. traffic light.", and the places of each word's tokens."""

    text: str
    places: dict[int, list[int]]


def _sentences(tokenizer: Any, vocabulary: Sequence[str], longest: int) -> list[_Sentence]:
    """As few sentences as hold all the words; the full stop between two words is a token of neither."""
    # Grounding DINO was trained on lower-case words, and a full stop ends a word.
    spelt = [word.lower().replace(".", " ") for word in vocabulary]
    lengths = [len(tokenizer(word)["input_ids"]) - 2 for word in spelt]
    made: list[_Sentence] = []
    at = longest
    for n, (word, length) in enumerate(zip(spelt, lengths, strict=True)):
        if length + 3 > longest:
            raise RecipeError(f"the word '{vocabulary[n]}' is too long for the network", "give a shorter one")
        if at + length + 2 > longest:
            made.append(_Sentence("", {}))
            at = 1
        text, places = made[-1]
        places[n] = list(range(at, at + length))
        made[-1] = _Sentence(f"{text} {word}.".strip(), places)
        at += length + 1
    return made


def _ask_own(network: Any, columns: Sequence[int], softmax: bool, pixels: Tensor) -> Seen:
    """Ask a network with fixed categories. With a softmax, the last class means that nothing is there."""
    answer = network(pixel_values=pixels)
    # The last class of a softmax is "no object"; it takes part in the softmax and is then left out.
    shares = answer.logits.softmax(-1)[..., :-1] if softmax else answer.logits.sigmoid()
    return Seen(shares[..., list(columns)], answer.pred_boxes)


def _own_labels(
    known: dict[int, str], wanted: Sequence[str], folder: str | Path
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Labels, and the network's output for each. Numbers that COCO left out are called N/A."""
    place = {label: number for number, label in known.items() if label != "N/A"}
    for word in wanted:
        if word not in place:
            raise RecipeError(
                f"the network in {folder} has no category '{word}'.{did_you_mean(word, place)}",
                f"it has {', '.join(list(place)[:8])} …",
            )
    labels = tuple(wanted or place)
    return labels, tuple(place[label] for label in labels)
