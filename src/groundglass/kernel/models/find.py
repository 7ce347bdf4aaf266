"""Weights found: of a hub, in a folder, or one file; hashed, and looked at as far as that needs no network library."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from groundglass.kernel.errors import NotHere, RecipeError
from groundglass.kernel.models.digest import file_sha256
from groundglass.kernel.models.weights import (
    SAFE,
    WeightFile,
    Weights,
    choose_files,
    is_of,
    parse_hub,
    refuse_pickle,
)

HUB_HINT = "write OWNER/NAME@REVISION for a hub, or a file or folder on this machine"
LONGEST_HEADER = 100_000_000
"""Bytes that the format allows the header of a safetensors file."""


def find_weights(text: str, patterns: tuple[str, ...] = (), allow_pickle: bool = False) -> Weights:
    """The weights that a recipe names: "OWNER/NAME@REVISION[/FILE]", or a file or folder on this machine.

    Nothing large is fetched: what is not here yet is named in `absent`, for `groundglass.kernel.models.hub.fetch`.
    Raises RecipeError where there are none, where a file is damaged, or is a pickle that ``allow_pickle`` does not
    allow; UnreachableError where the hub must be asked and does not answer.
    """
    if not text:
        raise RecipeError("the weights are not given", f"weights: … {HUB_HINT}")
    path = Path(text).expanduser()
    if path.exists():
        return _here(path, patterns, allow_pickle)
    place = parse_hub(text)
    if place is None:
        raise NotHere(f"there are no weights {text}", HUB_HINT)
    from groundglass.kernel.models.hub import find_on_hub

    return find_on_hub(place, patterns, allow_pickle)


def _here(path: Path, patterns: tuple[str, ...], allow_pickle: bool) -> Weights:
    if path.is_dir():
        names = [found.relative_to(path).as_posix() for found in path.rglob("*") if found.is_file()]
        files = tuple(
            weight_file(path, name) for name in choose_files(names, patterns, str(path), allow_pickle)
        )
        return Weights(
            path.resolve().name, "", path.resolve() if patterns else path.resolve() / files[0].name, files
        )
    if patterns:
        raise RecipeError(
            f"{path} is one file; wanted is a folder with {', '.join(patterns)}", "name the folder it lies in"
        )
    refuse_pickle(str(path), allow_pickle)
    return Weights(path.name, "", path.resolve(), (weight_file(path.parent, path.name),))


def weight_file(folder: Path, name: str) -> WeightFile:
    """A file that is there, hashed. Raises RecipeError where it cannot be read or is no whole safetensors file."""
    path = folder / name
    try:
        if is_of(name, SAFE[:1]):
            check_safetensors(path)
        return WeightFile(name, path.stat().st_size, file_sha256(path))
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
