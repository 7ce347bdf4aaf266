"""What a safetensors file says of itself, read without any network library."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from groundglass.errors import RecipeError
from groundglass.files.hash_cache import remembered_sha256
from groundglass.models.weights import (
    SAFE,
    WeightFile,
    is_of,
)

HUB_HINT = "write OWNER/NAME@REVISION for a hub, or a file or folder on this machine"


LONGEST_HEADER = 100_000_000
"""Bytes that the format allows the header of a safetensors file."""


def weight_file(folder: Path, name: str) -> WeightFile:
    """A file that is there, hashed. Raises RecipeError where it cannot be read or is no whole safetensors file."""
    path = folder / name
    try:
        if is_of(name, SAFE[:1]):
            check_safetensors(path)
        return WeightFile(name, path.stat().st_size, remembered_sha256(path))
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror}", HUB_HINT) from error


def check_safetensors(path: Path) -> None:
    """Raises RecipeError where a file's length is not what its own header says, or it has none."""
    size, (length, tensors) = path.stat().st_size, _header(path)
    end = 8 + length + max((about["data_offsets"][1] for about in tensors.values()), default=0)
    if size != end:
        odd = f"truncated: {size:,} bytes of {end:,}" if size < end else f"{size - end:,} bytes too long"
        raise RecipeError(f"{path} is {odd}", "fetch it anew")


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a safetensors file, by name; no tensor is read. Raises RecipeError."""
    return {name: tuple(about["shape"]) for name, about in _header(path)[1].items()}


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """The header's length, and what it says of each tensor: github.com/huggingface/safetensors#format."""
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        text = file.read(length) if length <= LONGEST_HEADER else b""
    try:
        tensors = {name: about for name, about in json.loads(text).items() if name != "__metadata__"}
        for about in tensors.values():
            _ = about["data_offsets"][1] + sum(about["shape"])
    except (ValueError, AttributeError, TypeError, LookupError):
        raise RecipeError(
            f"{path} is no safetensors file, or its header is cut off", "fetch it anew"
        ) from None
    return length, tensors
