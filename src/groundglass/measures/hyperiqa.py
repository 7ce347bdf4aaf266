"""HyperIQA: perceived quality, by the network that ranks most curated sets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Network, Parameter, Settled, Value
from groundglass.errors import NoValue
from groundglass.files.hashes import pixel_hash
from groundglass.libraries import Image
from groundglass.models.architectures.hyperiqa import (
    SIDE,
    HyperNetwork,
    as_the_authors,
    folded,
    is_of_pyiqa,
    shapes,
)
from groundglass.models.loaded import ask_network
from groundglass.models.read_tensors import check_shapes, read_tensors
from groundglass.models.safetensors_header import shapes_of
from groundglass.models.scorer import Place, Prepared, Scorer
from groundglass.models.weights import SAFE, Weights, is_of
from groundglass.random_streams import stream

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

AUTHORS = (384, 512)
"""Width and height, px, to which the authors' own test resizes every image first, whatever its shape."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, of levels 0 to 1."""
GRID = 5
"""Crops a side of the uniform grid."""
CROPS_AT_ONCE = 5
"""Crops that a CPU core takes at a time: more do not fit into its caches."""


def hyperiqa(
    frame: Frame,
    weights: str = "",
    device: str = "auto",
    allow_pickle: bool = False,
    crops: int | str = 25,
    resize: bool = False,
) -> dict[str, Value]:
    """Perceived quality, about 0 to 1, higher is better: the mean score of HyperIQA over crops of 224 px.

    ``crops`` places are drawn at random, fixed by the pixels: the same pixels give the same value in any file. With
    ``crops: uniform`` they are pyiqa's grid of 5 × 5 instead, which begins at the upper left corner and ends a fifth of
    the way before the right and the lower side. Crops have full resolution, as is usual for ranking tiles;
    with ``resize`` the image is first resized to 384 × 512 px, as in the authors' test. Raises NoValue ``too_small``
    under 224 px; pyiqa upscales images with a side of 224 px or less.

    Values depend on the weights, which must be given: the authors' (koniq_pretrained.pkl of github.com/SSL92/hyperIQA,
    which answers 0 to 100: the value is a hundredth), or pyiqa's (HyperIQA-resnet50-koniq10k-….pth, trained again,
    which answers 0 to 1), unchanged or converted to safetensors with the same names. Published thresholds from 0 to 1
    are for pyiqa's weights and its uniform crops. The page of those weights states their permitted use.

    Source: Su et al., CVPR 2020; github.com/SSL92/hyperIQA, trained on KonIQ-10k.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> hyperiqa(open_frame(testing.png(testing.photo(40, 40))))
    Traceback (most recent call last):
    groundglass.errors.RecipeError: no weights are given
    """
    given: dict[str, Value] = {"weights": weights, "device": device, "allow_pickle": allow_pickle}
    return ask_network(MEASURE, frame, {**given, "crops": crops, "resize": resize})


def load(weights: Path, place: Place, crops: int | str = 25, resize: bool = False) -> Scorer:
    """The network of a file as a scorer. Raises RecipeError where its tensors are not HyperIQA's."""
    import torch

    found = read_tensors(weights)
    most = 1 if is_of_pyiqa(found) else 100
    tensors = as_the_authors(found)
    check_shapes({name: tensor.shape for name, tensor in tensors.items()}, shapes(), str(weights))
    with torch.no_grad():
        ready = {
            name: tensor.to(place.device, getattr(torch, place.dtype)).contiguous()
            for name, tensor in folded({name: tensor.float() for name, tensor in tensors.items()}).items()
        }
    on_cpu = place.device == "cpu"
    score = partial(_score, HyperNetwork(ready), most, CROPS_AT_ONCE if on_cpu else 1_000)
    # On a CPU the crops of one image are a full batch already.
    return Scorer(partial(prepare, crops=crops, resize=resize), score, batch=1 if on_cpu else 16)


def settle(weights: Weights, **settings: Value) -> Settled:
    """The settings as they are. Raises RecipeError where a safetensors file holds another network's tensors."""
    if is_of(weights.path.name, SAFE[:1]) and weights.path.exists():
        check_shapes(as_the_authors(shapes_of(weights.path)), shapes(), str(weights.path))
    return Settled(settings, settings)


def prepare(frame: Frame, crops: int | str, resize: bool) -> Prepared:
    """The different crops of an image, k×224×224×3 uint8, and how often each was drawn."""
    rgb = _as_the_authors(frame.rgb) if resize else frame.rgb
    height, width = rgb.shape[:2]
    if min(height, width) < SIDE:
        raise NoValue("too_small", f"{width} x {height} px, needs {SIDE}")
    drawn = _grid(height, width) if isinstance(crops, str) else _by_lot(rgb, crops)
    # A small image is drawn at the same place several times: each crop is scored once, and weighted.
    places, counts = np.unique(drawn, axis=0, return_counts=True)
    return Prepared(np.stack([rgb[y : y + SIDE, x : x + SIDE] for y, x in places]), counts)


def _by_lot(rgb: NDArray[np.uint8], crops: int) -> NDArray[np.int64]:
    """Upper left corners (y, x) of this number of crops, anywhere in the image, as the authors draw them."""
    height, width = rgb.shape[:2]
    random = stream(0, "hyperiqa", pixel_hash(rgb))
    return random.integers(0, (height - SIDE + 1, width - SIDE + 1), (crops, 2))


def _grid(height: int, width: int) -> NDArray[np.int64]:
    """The upper left corners of pyiqa's `uniform_crop`: whole steps from 0, each a fifth of the room.

    >>> _grid(512, 1000)[:6].tolist()
    [[0, 0], [0, 155], [0, 310], [0, 465], [0, 620], [57, 0]]
    """
    steps = np.arange(GRID)
    down, across = steps * ((height - SIDE) // GRID), steps * ((width - SIDE) // GRID)
    return np.stack(np.meshgrid(down, across, indexing="ij"), axis=-1).reshape(-1, 2)


def _as_the_authors(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(rgb).resize(AUTHORS, Image.Resampling.BILINEAR))


def _score(
    network: HyperNetwork, most: int, at_once: int, pixels: NDArray[Any], about: Sequence[Any]
) -> list[dict[str, Value]]:
    """Pixels (n, k, 224, 224, 3) uint8 and the counts of each image's crops → a value for each image.

    ``most`` is the network's score of the best images: 100 with the authors' weights, 1 with pyiqa's.
    """
    import torch

    some = network.tensors["res.conv1.weight"]
    mean, std = (torch.tensor(values, device=some.device) * 255 for values in (MEAN, STD))
    found: list[Any] = []
    with torch.inference_mode():
        for part in torch.from_numpy(pixels).flatten(0, 1).split(at_once):
            levels = (part.to(some.device) - mean) / std
            found.append(network(levels.permute(0, 3, 1, 2).to(some.dtype)).float().cpu())
    scores = torch.cat(found).reshape(len(pixels), -1).numpy().astype(np.float64)
    return [
        {"hyperiqa": float(np.average(of_crops, weights=counts)) / most}
        for of_crops, counts in zip(scores, about, strict=True)
    ]


MEASURE = Measure(
    name="hyperiqa",
    version=1,
    compute=hyperiqa,
    columns={
        "hyperiqa": Column(
            "", None, None, "higher", "perceived quality, about 0 to 1, as people judge photos"
        )
    },
    reference="Su et al., HyperIQA, CVPR 2020; weights of github.com/SSL92/hyperIQA",
    parameters={
        "crops": Parameter(
            25,
            "crops of 224 px that are scored, drawn at random; or uniform: pyiqa's 5 × 5",
            "",
            1,
            1000,
            words=("uniform",),
        ),
        "resize": Parameter(False, "resize the image to 384 × 512 px first, as the authors' test does"),
    },
    extra="models",
    network=Network(load=load, half=False, passes=25, settle=settle),
)
"""Its record in the catalog."""
