"""Labels that a classifier was trained to separate: anime, rendered, watermark, not safe for work …"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.models.architectures.classifier import (
    FILES,
    find_labels,
    load_classifier,
    probabilities,
    read_labels_of,
)
from groundglass.models.labels import label_columns, label_list
from groundglass.models.loaded import ask_network
from groundglass.models.preprocess import scorer_of
from groundglass.models.scorer import Place, Scorer
from groundglass.models.weights import Weights

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def classify(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """The probability of each named label, by a classifier of the transformers library.

    ``weights`` is a folder or OWNER/NAME@REVISION of a hub that transformers loads as an image classifier. Each of
    ``labels`` must be one of the network's own (`id2label` of its config.json) and becomes a column of 0 to 1, called
    `classify_LABEL`, with _ in place of other characters than letters and digits. `classify` is the likeliest of all
    the network's labels. The probabilities of all labels sum to 1 (softmax); those of a network that was trained to
    give several labels at once, or has one only, are independent (sigmoid).

    Images are resized, cut and normalised as the folder's preprocessor_config.json says. A classifier that was trained
    on whole photos is not reliable on tiles. Two networks need two names: ``as: nsfw_``.

    In a recipe: ``- measure: [{classify: {weights: models/real-or-anime, labels: [anime, rendering]}}]``, then
    ``- select: {where: "classify_anime < 0.5"}``.

    Raises RecipeError for a label that the network does not have, and where it cannot be loaded, or prepares images in
    a way that is not supported here.

    Source: the network's own; Wolf et al., "Transformers: State-of-the-Art Natural Language Processing", EMNLP 2020.

    >>> named("tench, Tinca tinca", ["tench, Tinca tinca", "goldfish"], "fish")
    ('tench, Tinca tinca',)
    """
    return ask_network(MEASURE, frame, parameters)


def named(text: str, known: Sequence[str], where: str) -> tuple[str, ...]:
    """The labels that a text names, of those that a network has. Raises RecipeError for others."""
    names = (text.strip(),) if text.strip() in known else tuple(dict.fromkeys(label_list(text)))
    find_labels(names, known, where)
    return names


def settle(weights: Weights, *, labels: str = "") -> Settled:
    """A column for each label. Raises RecipeError for labels that the network lacks, or that would share a column."""
    # The network's labels are in config.json; where that is still to be fetched, `load` checks them.
    if any(file.name == "config.json" for file in weights.absent):
        names = tuple(dict.fromkeys(label_list(labels)))
    else:
        names = named(labels, read_labels_of(weights.path)[0], weights.origin)
    columns = dict(MEASURE.columns)
    for column, label in label_columns("classify", names).items():
        columns[column] = Column("", 0, 1, "neither", f"how likely the image is '{label}'")
    settings: dict[str, Value] = {"labels": "\n".join(names)}
    return Settled(settings, settings, columns)


def load(weights: str | Path, place: Place, labels: str = "") -> Scorer:
    """The classifier of a folder as a scorer."""
    classifier = load_classifier(weights, place)
    names = named(labels, classifier.labels, str(weights))
    numbers = find_labels(names, classifier.labels, str(weights))
    columns = list(label_columns("classify", names))

    def judge(pixels: NDArray[Any]) -> list[dict[str, Value]]:
        return [values(row) for row in probabilities(classifier, pixels)]

    def values(row: NDArray[np.float64]) -> dict[str, Value]:
        best = classifier.labels[int(np.argmax(row))]
        return {"classify": best, **dict(zip(columns, row[numbers].tolist(), strict=True))}

    return scorer_of(classifier.way, judge)


MEASURE = Measure(
    name="classify",
    version=1,
    compute=classify,
    columns={"classify": Column("", None, None, "neither", "the likeliest of the network's labels", str)},
    reference="the network's own; Wolf et al., Transformers, EMNLP 2020",
    parameters={
        "labels": Parameter(
            "", "labels of the network that become columns: a list, a text with commas, or a .txt file"
        )
    },
    extra="models",
    network=Network(load, patterns=FILES, settle=settle),
)
"""Its record in the catalog."""
