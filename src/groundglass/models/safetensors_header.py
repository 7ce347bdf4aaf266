"""Reads the header of a safetensors file without a network library."""

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
"""The longest header, in bytes, that the safetensors format allows."""


def weight_file(folder: Path, name: str) -> WeightFile:
    """A file with its size and hash. Raises RecipeError if it cannot be read or is not a complete safetensors file."""
    path = folder / name
    try:
        if is_of(name, SAFE[:1]):
            check_safetensors(path)
        return WeightFile(name, path.stat().st_size, remembered_sha256(path))
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror}", HUB_HINT) from error


def check_safetensors(path: Path) -> None:
    """Raises RecipeError if a file has no header, or if its length differs from what the header says."""
    size, (length, tensors) = path.stat().st_size, _header(path)
    end = 8 + length + max((about["data_offsets"][1] for about in tensors.values()), default=0)
    if size != end:
        odd = f"truncated: {size:,} bytes of {end:,}" if size < end else f"{size - end:,} bytes too long"
        raise RecipeError(f"{path} is {odd}", "fetch it again")


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a safetensors file, by name; reads only the header. Raises RecipeError."""
    return {name: tuple(about["shape"]) for name, about in _header(path)[1].items()}


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """The header's length and its entry for each tensor: github.com/huggingface/safetensors#format."""
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        # In another kind of file these 8 bytes can mean exabytes, so the length is checked before anything is read.
        text = file.read(length) if length <= LONGEST_HEADER else b""
    try:
        tensors = {name: about for name, about in json.loads(text).items() if name != "__metadata__"}
        for about in tensors.values():
            _ = about["data_offsets"][1] + sum(about["shape"])
    except (ValueError, AttributeError, TypeError, LookupError):
        raise RecipeError(
            f"{path} is not a safetensors file, or its header is cut off", "fetch it again"
        ) from None
    return length, tensors
