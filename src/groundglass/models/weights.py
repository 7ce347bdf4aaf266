"""Records of weights: their origin, their files, and the hash that identifies them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from groundglass.errors import RecipeError
from groundglass.files.hashes import sha256_of

SAFE = (".safetensors", ".onnx")
"""Weight files that hold only numbers, and no code."""
PICKLES = (".bin", ".pth", ".pt", ".pkl", ".ckpt")
"""Weight files that are pickles: loading one of unknown origin can run any code."""
_HUB = re.compile(r"([\w.-]+/[\w.-]+)@([^/\s]+)(?:/(\S+))?")


@dataclass(frozen=True)
class WeightFile:
    """One file: its name within the folder, its size in bytes, its SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Weights:
    """Weights that were found.

    origin    "OWNER/NAME" on a hub, or the name of the file or folder that a recipe gave
    revision  the commit on the hub; "" for weights on this machine
    path      the file or folder to load; for a hub's weights its place in the cache, also before it is fetched
    files     the files to load, by name
    absent    those of them that must be fetched first
    licence   as the hub's card says; "" if nothing says it
    """

    origin: str
    revision: str
    path: Path
    files: tuple[WeightFile, ...]
    absent: tuple[WeightFile, ...] = ()
    licence: str = ""

    @property
    def sha256(self) -> str:
        """The hash of one file; for several, the hash of the lines that `sha256sum` prints for them; "" for none."""
        if not self.files:
            return ""
        if len(self.files) == 1:
            return self.files[0].sha256
        return sha256_of("".join(f"{file.sha256}  {file.name}\n" for file in self.files).encode())

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class OnHub:
    """A place on a hub: "OWNER/NAME@REVISION", followed by "/FILE" if one file is meant."""

    repository: str
    revision: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision}" + (f"/{self.file}" if self.file else "")


def parse_hub(text: str) -> OnHub | None:
    """The place on a hub that a text names; None if the text is not such a place.

    >>> parse_hub("openai/clip@main"), parse_hub("a/b@1f2e/x/model.safetensors").file
    (OnHub(repository='openai/clip', revision='main', file=''), 'x/model.safetensors')
    >>> parse_hub("weights/koniq.safetensors")
    """
    found = _HUB.fullmatch(text)
    return OnHub(found[1], found[2], found[3] or "") if found else None


def choose_files(names: list[str], patterns: tuple[str, ...], where: str, allow_pickle: bool) -> list[str]:
    """The files of a folder to load, in order: those that match the patterns, or the one that holds weights.

    Pickles are left out if there is a safe file. Raises RecipeError if nothing holds weights, if one file is wanted
    and several are there, or if only a pickle is there and the recipe does not allow it.

    >>> choose_files(["config.json", "model.safetensors", "model.bin"], ("*.json", "*.safetensors"), "here", False)
    ['config.json', 'model.safetensors']
    >>> choose_files(["a.pth", "notes.txt"], (), "here", True)
    ['a.pth']
    """
    wanted = [name for name in sorted(names) if _matches(name, patterns or ("*",))]
    holding = [name for name in wanted if is_of(name, SAFE)]
    if not holding:
        holding = [name for name in sorted(names) if is_of(name, PICKLES)]
        if not holding:
            raise RecipeError(
                f"{where} holds no weights", f"it must hold {', '.join(patterns) or 'a .safetensors file'}"
            )
        refuse_pickle(f"{where}/{holding[0]}", allow_pickle)
    if not patterns and len(holding) > 1:
        raise RecipeError(
            f"{where} holds {len(holding)} files of weights: {', '.join(holding[:4])}", "name one of them"
        )
    others = [] if not patterns else [name for name in wanted if not is_of(name, SAFE + PICKLES)]
    return sorted([*others, *holding])


def refuse_pickle(where: str, allow_pickle: bool) -> None:
    """Raises RecipeError for a pickle that the recipe does not allow."""
    if is_of(where, PICKLES) and not allow_pickle:
        raise RecipeError(
            f"{where} is a pickle, which can run any code when it is loaded",
            "give a .safetensors file, or write allow_pickle: true if you trust its origin",
        )


def is_of(name: str, endings: tuple[str, ...]) -> bool:
    """Whether a file's name has one of these endings."""
    return PurePosixPath(name).suffix.lower() in endings


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class NetworkNote:
    """One network that was used: the measure that used it, and the origin, hash and licence of its weights."""

    measure: str
    weights: str
    sha256: str
    licence: str
    notice: str = ""
