"""Weights that others trained: read from their files, and refused by the first tensor that does not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from groundglass.training.networks import EDSR, Network

WRAPPERS = ("params_ema", "params", "state_dict", "model", "network")
"""Keys that a state dict is stored under; the averaged weights first, which their authors score."""


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name: safetensors, or a pickle that is read with ``weights_only``.

    Raises OSError where the file is missing, ValueError where it holds no tensors by name.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        found: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:
        raise ValueError(
            f"{path.name} cannot be read as weights: {str(error).partition(chr(10))[0]}"
        ) from error
    for key in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
            break
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ValueError(f"{path.name} holds no tensors by name")
    return {str(name).removeprefix("module."): value for name, value in found.items()}


def load_weights(network: Network, path: Path) -> None:
    """Put a file's weights into a network.

    EDSR's may carry the names of its authors or those of BasicSR. Raises ValueError that names the first tensor that
    is missing, unknown or of another shape.
    """
    found = read_state(path)
    if isinstance(network, EDSR) and "conv_after_body.weight" in found:
        found = from_basicsr(network, found)
    check_state(found, {name: tuple(value.shape) for name, value in network.state_dict().items()}, path.name)
    network.load_state_dict(found)


def check_state(found: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Raises ValueError that names the first tensor that is missing, unknown or of another shape."""
    missing = next((f"{name} is missing" for name in wanted if name not in found), None)
    unknown = next((f"{name} is unknown" for name in found if name not in wanted), None)
    reshaped = next(
        (
            f"{name} is {_shape(found[name].shape)}, not {_shape(shape)}"
            for name, shape in wanted.items()
            if name in found and tuple(found[name].shape) != shape
        ),
        None,
    )
    problem = missing or unknown or reshaped
    if problem:
        raise ValueError(f"{where} holds another network: {problem}")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in shape) or "a number"


def from_basicsr(network: EDSR, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """EDSR's tensors under its authors' names; BasicSR's names in, which hold no mean colours. Other names stay."""
    last = len(network.body) - 1
    renamed = (
        (r"conv_first\.", "head.0."),
        (r"body\.(\d+)\.conv1\.", r"body.\1.body.0."),
        (r"body\.(\d+)\.conv2\.", r"body.\1.body.2."),
        (r"conv_after_body\.", f"body.{last}."),
        (r"upsample\.(\d+)\.", r"tail.0.\1."),
        (r"conv_last\.", "tail.1."),
    )
    state = {name: value for name, value in network.state_dict().items() if "_mean." in name}
    for name, value in found.items():
        for old, new in renamed:
            name, times = re.subn(f"^{old}", new, name)
            if times:
                break
        state[name] = value
    return state
