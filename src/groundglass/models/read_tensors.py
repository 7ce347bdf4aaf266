"""Reads tensors from files and checks their shapes. Imports torch inside functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from groundglass.errors import RecipeError
from groundglass.models.weights import SAFE, is_of

if TYPE_CHECKING:
    from torch import Tensor

Shape = Sequence[int]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU: safetensors, or a pickle that is read with ``weights_only``.

    A pickle's tensors may be under ``state_dict`` or ``params``. Raises RecipeError if the file cannot be read.
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

    # weights_only refuses everything in a pickle that is not a tensor or a plain container.
    found = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "params"):
        found = found[key] if isinstance(found, Mapping) and key in found else found
    if not isinstance(found, Mapping) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise RecipeError(f"{path} holds no tensors by name", "it must hold a state dict")
    return {str(name): value for name, value in found.items()}


def check_shapes(found: Mapping[str, Shape], wanted: Mapping[str, Shape], where: str) -> None:
    """Raises RecipeError and names the first tensors that are missing, unknown, or of another shape than wanted.

    Tensors that only count training steps (``num_batches_tracked``) are optional.

    >>> check_shapes({"fc": (8, 3)}, {"fc": (8, 4)}, "a.bin")
    Traceback (most recent call last):
    groundglass.errors.RecipeError: a.bin does not fit the network: of another shape: fc is 8×3, not 8×4
    """
    # A tensor too many is refused as well: it shows that the file belongs to another network.
    extra = [name for name in found if name not in wanted and not name.endswith("num_batches_tracked")]
    wrong = [
        f"{name} is {_shape(found[name])}, not {_shape(shape)}"
        for name, shape in wanted.items()
        if name in found and tuple(found[name]) != tuple(shape)
    ]
    problems = [
        _few("missing", [name for name in wanted if name not in found]),
        _few("unknown", extra),
        _few("of another shape", wrong),
    ]
    if any(problems):
        raise RecipeError(
            f"{where} does not fit the network: {'; '.join(problem for problem in problems if problem)}",
            "these are weights of another network",
        )


def _shape(shape: Shape) -> str:
    return "×".join(str(side) for side in shape) or "a number"


def _few(what: str, names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{what}: {', '.join(names[:most])}{more}" if names else ""
