"""Networks that compare two images: their record, and how their weights are found and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from groundglass.errors import MissingExtra, NotHere, RecipeError
from groundglass.extras import is_installed
from groundglass.models.devices import check_device
from groundglass.models.find_weights import find_weights
from groundglass.models.loaded import Use
from groundglass.models.read_tensors import check_shapes, read_tensors
from groundglass.models.scorer import Place
from groundglass.models.weights import Weights, parse_hub

if TYPE_CHECKING:
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
PICKLE = "convert it to .safetensors, or add --allow-pickle if you trust its maker"
Compare = Callable[[NDArray[Any], NDArray[Any]], dict[str, Any]]
"""Gives the values of an HR image and an SR image, each H×W×3 uint8."""


@dataclass(frozen=True)
class PairNetwork:
    """A network that compares two images.

    needs    the files of weights that it needs, and where to get them
    columns  its values by the tensors that were found; raises RecipeError if they are another network's
    load     the comparison, on a device
    bytes_a_pixel  about the memory that it takes for each pixel of one of the images, by the tensors' shapes
    least    px that the shorter side must have
    """

    name: str
    needs: str
    columns: Callable[[Shapes], dict[str, type]]
    load: Callable[[Mapping[str, Tensor], Place], Compare]
    bytes_a_pixel: Callable[[Shapes], int]
    least: int


@dataclass(frozen=True)
class Found:
    """A network with its weights: what a job needs."""

    network: PairNetwork
    use: Use
    columns: Mapping[str, type]
    bytes_a_pixel: int


def find_network(network: PairNetwork, text: str, device: str | None, allow_pickle: bool) -> Found:
    """The network with the weights that ``text`` names: a file, a folder of all files, or a place on a hub.

    Raises RecipeError if they are not there, are pickles that ``allow_pickle`` does not allow, or are another
    network's; its hint says which files are needed.
    """
    if not is_installed("models"):
        raise MissingExtra(network.name, "models")
    word = device or "auto"
    check_device(word)
    hub = parse_hub(text)
    one_file = Path(text).expanduser().is_file() or bool(hub and hub.file)
    try:
        weights = find_weights(text, () if one_file else ("*.safetensors",), allow_pickle)
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors_of(weights).items()}
        columns = network.columns(shapes)
    except NotHere as error:
        raise NotHere(f"{network.name}: {error.message}", network.needs) from error
    except RecipeError as error:
        hint = PICKLE if "is a pickle" in error.message else network.needs
        raise RecipeError(f"{network.name}: {error.message}", hint) from error
    return Found(network, Use(weights, word), columns, network.bytes_a_pixel(shapes))


def tensors_of(weights: Weights) -> dict[str, Tensor]:
    """The tensors of all files by their published names, without those that are not used."""
    from groundglass.models.hub import fetch

    if weights.absent:
        fetch(weights)
    folder = weights.path if weights.path.is_dir() else weights.path.parent
    found: dict[str, Tensor] = {}
    for file in weights.files:
        for name, tensor in read_tensors(folder / file.name).items():
            if known := plain_name(name):
                found[known] = tensor
    return found


def plain_name(name: str) -> str | None:
    """A tensor's name in the published files; None for a tensor that is not used.

    The state of `lpips.LPIPS` and of `DISTS_pytorch.DISTS` holds the same tensors under other names.

    >>> plain_name("net.slice2.3.weight"), plain_name("stage1.0.bias"), plain_name("lin0.model.1.weight")
    ('features.3.weight', 'features.0.bias', 'lin0.model.1.weight')
    >>> plain_name("classifier.6.weight"), plain_name("lins.0.model.1.weight"), plain_name("stage2.4.filter")
    (None, None, None)
    """
    if re.fullmatch(
        r"classifier\..*|lins\..*|scaling_layer\..*|mean|std|stage\d\.\d+\.filter|.*\.num_batches_tracked",
        name,
    ):
        return None
    return re.sub(r"^(?:net\.slice\d|stage\d)\.", "features.", name)


def check(found: Shapes, wanted: Shapes, name: str) -> None:
    """Raises RecipeError naming the tensors that are missing, unknown or of another shape."""
    check_shapes(found, wanted, f"the weights of {name}")


def on(place: Place, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on a device, in float32."""
    return {name: tensor.to(place.device).float().contiguous() for name, tensor in tensors.items()}


def as_levels(pixels: NDArray[Any], device: Any) -> Tensor:
    """H×W×3 uint8 as (1, 3, H, W) levels 0 to 1."""
    import torch

    levels = torch.from_numpy(pixels.copy()).to(device).permute(2, 0, 1)[None]
    return levels.float() / 255
