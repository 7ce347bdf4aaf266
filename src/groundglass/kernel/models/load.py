"""Tensors read from files, and put into a network by name, every shape checked. Imports torch inside functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from groundglass.kernel.errors import RecipeError
from groundglass.kernel.models.weights import SAFE, is_of

if TYPE_CHECKING:
    from torch import Tensor, nn

Network = TypeVar("Network", bound="nn.Module")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU: safetensors, or a pickle that is read with ``weights_only``.

    A pickle's tensors may lie under ``state_dict`` or ``params``. Raises RecipeError where the file cannot be read.
    """
    try:
        if is_of(path.name, SAFE[:1]):
            from safetensors.torch import load_file

            return load_file(path)
        return _of_pickle(path)
    except RecipeError:
        raise
    except Exception as error:
        said = str(error).partition("\n")[0]
        raise RecipeError(f"cannot load {path}: {said}", "it is damaged or holds no weights") from error


def _of_pickle(path: Path) -> dict[str, Tensor]:
    import torch

    found = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "params"):
        found = found[key] if isinstance(found, Mapping) and key in found else found
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise RecipeError(f"{path} holds no tensors by name", "wanted is a state dict")
    return {str(name): value for name, value in found.items()}


def fill(module: Network, tensors: Mapping[str, Tensor], path: Path) -> Network:
    """Put tensors into a network by name, and set it to judge (no dropout, stored batch statistics).

    Names that only count steps of training (``num_batches_tracked``) may be missing. Raises RecipeError naming the
    first tensors that are missing, too many, or of another shape.
    """
    own = module.state_dict()
    counts = {name for name in own if name.endswith("num_batches_tracked")}
    missing = [name for name in own if name not in tensors and name not in counts]
    extra = [name for name in tensors if name not in own]
    wrong = [
        f"{name} is {_shape(tensors[name])}, not {_shape(value)}"
        for name, value in own.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    problems = [_few("missing", missing), _few("unknown", extra), _few("of another shape", wrong)]
    if any(problems):
        raise RecipeError(
            f"{path} does not fit the network: {'; '.join(problem for problem in problems if problem)}",
            "these are weights of another network",
        )
    module.load_state_dict(dict(tensors), strict=False)
    return module.eval().requires_grad_(False)


def _shape(tensor: Tensor) -> str:
    return "×".join(str(side) for side in tensor.shape) or "a number"


def _few(what: str, names: Iterable[str], most: int = 3) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f"{what}: {', '.join(listed[:most])}{more}" if listed else ""
