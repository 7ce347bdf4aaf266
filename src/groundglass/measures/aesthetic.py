"""How beautiful people would find an image: LAION's predictor, a small head over CLIP's vectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.errors import RecipeError
from groundglass.models.architectures import clip
from groundglass.models.find_weights import find_weights
from groundglass.models.loaded import ask_network
from groundglass.models.read_tensors import read_tensors
from groundglass.models.scorer import Place, Scorer

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

HEAD_HINT = "head: the .safetensors or .pth of a predictor, such as sac+logos+ava1-l14-linearMSE.pth"


def aesthetic(frame: Frame, **parameters: Value) -> dict[str, Value]:
    """The score from 1 to 10 that people would give an image for its beauty; higher is better.

    CLIP's vector of the image, at length 1, goes through the linear layers of ``head``: one of them, or the
    predictor's five (768, 1024, 128, 64, 16, 1) with nothing between them, as the published one was trained. Its
    answers are between about 3 and 8, and nothing limits them to 1 to 10. It says how much an image pleases,
    not how well it is resolved: many sharp photos score low, and smooth paintings score high.

    ``weights`` must be the CLIP that the head was trained with: ViT-L/14 of OpenAI for the published ones.

    Raises RecipeError where the head is missing or is made for vectors of another length.

    Source: Schuhmann et al., "LAION-5B", NeurIPS 2022, section on aesthetics; Schuhmann, "Improved aesthetic
    predictor", 2022.

    >>> head = Head(((np.ones((1, 2)), np.zeros(1)),))
    >>> judge(head, np.array([[0.6, 0.8]])).round(3).tolist()
    [1.4]
    """
    return ask_network(MEASURE, frame, parameters)


@dataclass(frozen=True)
class Head:
    """Linear layers one after the other: for each its weights (outputs × inputs) and its offsets (outputs)."""

    layers: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]


def judge(head: Head, vectors: clip.Vectors) -> NDArray[np.float64]:
    """One number for each vector of length 1: n × width gives n."""
    for weight, bias in head.layers:
        vectors = vectors @ weight.T + bias
    return vectors[:, 0]


def read_head(path: Path, width: int) -> Head:
    """The head in a file of tensors named `weight` and `bias`, or `layers.0.weight` and so on.

    Raises RecipeError where the file cannot be read, or its layers do not lead from ``width`` numbers to one.
    """
    return head_of(
        {name: value.double().numpy() for name, value in read_tensors(path).items()}, width, str(path)
    )


def head_of(tensors: Mapping[str, NDArray[np.float64]], width: int, where: str) -> Head:
    """The head made of named arrays, its layers in the order of the numbers in their names."""
    stems = sorted({name.rpartition(".")[0] for name in tensors}, key=_number)
    try:
        layers = tuple((tensors[_join(stem, "weight")], tensors[_join(stem, "bias")]) for stem in stems)
    except KeyError as error:
        raise RecipeError(f"{where} is not an aesthetic head: it has no {error}", HEAD_HINT) from error
    # Input and output sizes: each layer must take as many numbers as the one before gives, and the last must give one.
    sides = [width, *(side for weight, _ in layers for side in reversed(weight.shape)), 1]
    fits = len(sides) > 2 and all(
        before == after for before, after in zip(sides[::2], sides[1::2], strict=True)
    )
    if not fits or any(bias.shape != weight.shape[:1] for weight, bias in layers):
        shapes = ", ".join("×".join(map(str, weight.shape)) for weight, _ in layers)
        raise RecipeError(
            f"{where} does not lead from {width} numbers to one: its layers are {shapes or 'none'}",
            "take the CLIP that this head was trained with",
        )
    return Head(layers)


def _number(stem: str) -> tuple[int, str]:
    found = re.findall(r"\d+", stem)
    return (int(found[-1]) if found else 0, stem)


def _join(stem: str, name: str) -> str:
    return f"{stem}.{name}" if stem else name


def settle(weights: object, *, head: str = "") -> Settled:  # noqa: ARG001
    """The head's own hash in the key. Raises RecipeError where the head is not given or not found."""
    if not head:
        raise RecipeError("the aesthetic head is not given", HEAD_HINT)
    # A .pth of tensors alone: `read_tensors` loads nothing else from it, so it needs no permission.
    found = find_weights(head, allow_pickle=True)
    if found.absent:
        raise RecipeError(
            f"the head {head} is not on this machine", "fetch that one file first and give its path"
        )
    return Settled({"head": str(found.path)}, {"head": found.sha256})


def load(weights: Path, place: Place, head: str) -> Scorer:
    """The network of a folder, and the head."""
    network = clip.load_clip(weights, place)
    layers = read_head(Path(head), network.width)
    return clip.scorer(
        network, lambda vectors: [{"aesthetic": score} for score in judge(layers, vectors).tolist()]
    )


MEASURE = Measure(
    name="aesthetic",
    version=1,
    compute=aesthetic,
    columns={
        "aesthetic": Column("of 1 to 10", None, None, "higher", "how much an image pleases, as people voted"),
    },
    reference="Schuhmann et al., LAION-5B, NeurIPS 2022; Schuhmann, Improved aesthetic predictor, 2022",
    parameters={"head": Parameter("", "the predictor's own weights, .safetensors or .pth; needed")},
    extra="models",
    network=Network(load, clip.DEFAULT, clip.FILES, "MIT", settle=settle),
)
"""Its record in the catalog."""
